# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who failed to log in: btmp and what was logged, newest first. sshd of Debian 13 writes no btmp; a log alone can be wiped as well."""

from bisect import bisect_left
from typing import Any, Dict, List, Optional, Tuple

from . import utmp
from .log_line import trust
from .login_log import Attempt
from .login_records import Wanted, put_texts, read_entries
from .reading import iso_time, put
from .section import SectionBuilder
from .target import Target

_SLACK = 2.0  # btmp has whole seconds
_LONGEST = 130.0  # seconds between the record and the line: sshd gives two minutes to log in
_MOST_COMPARED = 50
_USER_OF_BTMP = 32  # bytes it has room for
_OF_BTMP: Dict[str, Any] = dict.fromkeys(("by", "from_port", "method", "reason", "trust", "writer_uid", "line", "year_inferred"))


def read_failed_logins(target: Target, builder: SectionBuilder, wanted: Wanted, attempts: List[Attempt]) -> None:
    """Add the logins that failed to the section's ``failed_logins``; ``attempts`` are those that were logged, the oldest first."""
    builder.declare("failed_logins")
    logged = [(attempt.line.at or 0.0, _record_of_attempt(attempt)) for attempt in attempts]
    index = _Index(attempts)
    recorded = []
    for entry in read_entries(target, builder, "btmp"):
        twin = None if entry.is_damaged else index.find(entry)
        if twin is None:
            recorded.append((float(entry.at), _record_of_entry(entry)))
        elif "btmp" not in logged[twin][1]["sources"]:
            logged[twin][1]["sources"].append("btmp")
            logged[twin][1]["terminal"] = logged[twin][1]["terminal"] or _record_of_entry(entry)["terminal"]
    # The newest first: what has the same time stays in reverse of the order it was read in.
    every = logged + recorded
    every.reverse()
    for _at, record in sorted(every, key=lambda timed: timed[0], reverse=True):
        if wanted(record):
            builder.add(record, to="failed_logins")


class _Index:
    """Finds the attempt that a record of btmp is about."""

    def __init__(self, attempts: List[Attempt]) -> None:
        self._attempts = attempts
        self._by_user: Dict[bytes, List[Tuple[float, int]]] = {}
        self._taken: Dict[int, int] = {}
        for number, attempt in enumerate(attempts):
            if trust(attempt.line) != "forged":
                self._by_user.setdefault((attempt.user or b"")[:_USER_OF_BTMP], []).append((attempt.line.at or 0.0, number))

    def find(self, entry: utmp.Entry) -> Optional[int]:
        """The number of the attempt, ``None`` where none was logged. One that no record was found for yet comes first, then the nearest."""
        known = self._by_user.get(entry.user, [])
        first = bisect_left(known, (entry.at - _SLACK, -1))
        fitting = [
            (self._taken.get(number, 0) >= self._attempts[number].times, abs(at - entry.at), number)
            for at, number in known[first : first + _MOST_COMPARED]
            if at <= entry.at + _LONGEST and self._attempts[number].began - _SLACK <= entry.at and _is_from(entry, self._attempts[number])
        ]
        if not fitting:
            return None
        _is_taken, _distance, number = min(fitting)
        self._taken[number] = self._taken.get(number, 0) + 1
        return number


def _is_from(entry: utmp.Entry, attempt: Attempt) -> bool:
    if attempt.line.pid == entry.pid:
        return True
    if attempt.address:
        return attempt.address in (entry.host, (entry.address or "").encode("ascii"))
    return not entry.host and attempt.terminal == entry.line


def _record_of_entry(entry: utmp.Entry) -> Dict[str, Any]:
    record: Dict[str, Any] = dict(_OF_BTMP, at=iso_time(entry.at or None), attempts=1, source="btmp", sources=["btmp"], is_damaged=entry.is_damaged)
    record.update(service="sshd" if entry.line == b"ssh:notty" else None, is_ambiguous=False)
    put_texts(record, entry)
    return record


def _record_of_attempt(attempt: Attempt) -> Dict[str, Any]:
    line = attempt.line
    record: Dict[str, Any] = {
        "at": iso_time(line.at),
        "from_port": attempt.port,
        "service": attempt.service,
        "reason": attempt.reason,
        "attempts": attempt.times,
        "source": line.source,
        "sources": [line.source] + ([line.also] if line.also else []),
        "trust": trust(line),
        "writer_uid": line.uid,
        "line": line.line,
        "year_inferred": line.year_inferred,
        "is_ambiguous": attempt.is_ambiguous,
        "is_damaged": False,
    }
    put(record, "user", attempt.user or None)
    put(record, "from", attempt.address)
    put(record, "terminal", attempt.terminal)
    put(record, "by", attempt.by)
    put(record, "method", attempt.method)
    return record
