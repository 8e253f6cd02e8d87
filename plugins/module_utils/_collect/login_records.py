# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who was logged in, and when the host was started: wtmp, wtmpdb, and what was logged of those who came in. Newest first."""

import os
import re
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from . import procfs, utmp, wtmpdb
from .account_log import COMPRESSED, read_log
from .log_line import trust
from .login_log import Accepted
from .reading import iso_time, put
from .section import SectionBuilder
from .target import Target

_FOLDER = "/var/log"
_ROTATED = re.compile(r"[wb]tmp(?:[.-][0-9]{1,8})?(?:\.(?:gz|bz2|xz|zst|lz4|Z))?\Z")
_MOST_FILES = 12
_BYTES = 4 << 20  # of a file and its predecessors together
# A file full of garbage must not push the logins out of the list.
_DAMAGED = 100
_SLACK = 5
_SAME_LOGIN = 2.0
# sshd records a login when it has opened a terminal for it, after it has logged that it lets somebody in.
_RECORDED_AFTER = 15.0
_FIELDS_OF_ACCEPTED = ("service", "method", "key_type", "key_fingerprint", "key_detail", "from_port", "trust", "line", "year_inferred")

_UNKNOWN: Dict[str, Any] = dict.fromkeys(_FIELDS_OF_ACCEPTED)
Wanted = Callable[[Dict[str, Any]], bool]
Timed = Tuple[float, Dict[str, Any]]


class End(NamedTuple):
    """How a login ended (``_schema/sessions.py``), and when, in seconds since 1970, where that is known."""

    how: str
    at: Optional[int]


def read_logins(target: Target, builder: SectionBuilder, wanted: Wanted, accepted: List[Accepted]) -> None:
    """Add the logins, boots and shutdowns to the section's ``logins``. ``accepted``: what was logged of logins."""
    builder.declare("logins")
    entries = read_entries(target, builder, "wtmp")
    logins = _Pairing(target).logins(entries)
    rows = _read_wtmpdb(target, builder)
    for _at, record in _with_accepted(target, _merged(target, logins, rows), accepted):
        if wanted(record):
            builder.add(record, to="logins")


def read_entries(target: Target, builder: SectionBuilder, what: str) -> List[utmp.Entry]:
    """The entries of wtmp or btmp and of the files that it was rotated to, oldest first, in bounds."""
    entries: List[utmp.Entry] = []
    paths = _paths(target, what)
    if paths[:1] != ["/var/log/" + what] and not (what == "wtmp" and _has_wtmpdb(target)):
        # Debian 13 may have wtmpdb in its place.
        builder.error(what, "No such file or directory", "/var/log/" + what)
    for path in paths:
        left = _BYTES - len(entries) * utmp.LAYOUT.size
        try:
            content = utmp.read(target.path(path), left) if not path.endswith(COMPRESSED) else utmp.read_packed(*read_log(target.path(path), left))
        except FileNotFoundError:
            continue
        except Exception as error:  # pylint: disable=broad-except  # noqa: BLE001  # zlib, bz2 and lzma share no error
            builder.error(what, str(error) if isinstance(error, ValueError) else error, path)
            continue
        if content.is_cut:
            builder.reached("%s (records read)" % path, _BYTES // utmp.LAYOUT.size, content.size // utmp.LAYOUT.size)
        if content.left_over:
            builder.error(what, "its size is no multiple of a record: %d bytes are left over" % content.left_over, path)
        entries = _without_most_damaged(builder, what, path, content.entries) + entries
    return entries


def _paths(target: Target, what: str) -> List[str]:
    """The file itself, and those it was rotated to, the newest first."""
    found = []
    try:
        for name in os.listdir(target.path(_FOLDER)):
            if _ROTATED.match(name) and name.startswith(what):
                path = "%s/%s" % (_FOLDER, name)
                found.append((name == what, os.lstat(target.path(path)).st_mtime, path))
    except OSError:
        return []  # said where the file itself is missed
    return [path for _is_first, _modified_at, path in sorted(found, reverse=True)][:_MOST_FILES]


def _without_most_damaged(builder: SectionBuilder, what: str, path: str, entries: List[utmp.Entry]) -> List[utmp.Entry]:
    damaged = sum(1 for entry in entries if entry.is_damaged)
    if not damaged:
        return entries
    builder.error(what, "%d damaged records" % damaged, path)
    kept, left = [], damaged - _DAMAGED
    for entry in entries:
        if entry.is_damaged and left > 0:
            left -= 1
            continue
        kept.append(entry)
    return kept


def put_texts(record: Dict[str, Any], entry: utmp.Entry) -> None:
    put(record, "user", entry.user or None)
    put(record, "terminal", entry.line or None)
    put(record, "from", entry.host or (entry.address.encode("ascii") if entry.address else None))


class _Pairing:
    """Matches logouts to logins by their terminal, from the newest record to the oldest."""

    def __init__(self, target: Target) -> None:
        self._target = target
        # How and when whoever was on a terminal before left it, as far as we have come.
        self._ends: Dict[bytes, End] = {}
        self._host_end: Optional[End] = None

    def logins(self, entries: List[utmp.Entry]) -> List[Tuple[float, Dict[str, Any]]]:
        """Records with their times, newest first."""
        return [(float(entry.at), self._record(entry)) for entry in reversed(entries) if not self._is_only_an_end(entry)]

    def _is_only_an_end(self, entry: utmp.Entry) -> bool:
        if entry.is_damaged:
            return False
        if entry.type == utmp.DEAD or (entry.type == utmp.USER and not entry.user):
            self._ends[entry.line] = End("logout", entry.at)
            return True
        return entry.type in (utmp.INIT, utmp.LOGIN)

    def _record(self, entry: utmp.Entry) -> Dict[str, Any]:
        kind = _kind(entry)
        end = self._end(entry, kind)
        record: Dict[str, Any] = {
            "kind": kind,
            "login_at": iso_time(entry.at or None),
            "logout_at": iso_time(end.at) if end else None,
            "end": end.how if end else None,
            "pid": entry.pid,
            "sources": ["wtmp"],
            "is_damaged": entry.is_damaged,
        }
        record.update(_UNKNOWN)
        put_texts(record, entry)
        return record

    def _end(self, entry: utmp.Entry, kind: str) -> Optional[End]:
        if kind == "login":
            end = self._ends.get(entry.line) or self._host_end
            self._ends[entry.line] = End("replaced", entry.at)
            return end or (None if self._lasts(entry) else End("gone", None))
        if kind == "other" or entry.is_damaged:
            return None
        end = self._host_end if kind == "boot" else None
        self._ends.clear()
        self._host_end = End("crash", None) if kind == "boot" else End("shutdown", entry.at)
        return end

    def _lasts(self, entry: utmp.Entry) -> bool:
        stat = self._target.stats.get(entry.pid)
        return stat is not None and self._target.started_at(stat) <= entry.at + _SLACK


def _kind(entry: utmp.Entry) -> str:
    if entry.type == utmp.USER:
        return "login"
    if entry.type == utmp.BOOT:
        return "boot"
    return "shutdown" if entry.type == utmp.RUN_LEVEL and entry.user == b"shutdown" else "other"


def _has_wtmpdb(target: Target) -> bool:
    return any(os.path.lexists(target.path(path)) for path in wtmpdb.PATHS)


def _read_wtmpdb(target: Target, builder: SectionBuilder) -> List[wtmpdb.Row]:
    for path in wtmpdb.PATHS:
        try:
            rows = wtmpdb.read(target.path(path), builder.limit + 1)
        except FileNotFoundError:
            continue
        except OSError as error:
            # A link to the next of the paths is Debian's own.
            if os.path.realpath(target.path(path)) != os.path.realpath(target.path(wtmpdb.PATHS[-1])) or path == wtmpdb.PATHS[-1]:
                builder.error("wtmpdb", error, path)
            continue
        except wtmpdb.Unreadable as error:
            builder.error("wtmpdb", str(error), path)
            continue
        if len(rows) > builder.limit:
            builder.reached("%s (records read)" % path, builder.limit)
        return rows[: builder.limit]
    return []


def _merged(target: Target, logins: List[Timed], rows: List[wtmpdb.Row]) -> List[Timed]:
    """A login that both know is one record."""
    known: Dict[Tuple[Any, Any], List[Timed]] = {}
    for timed in logins:
        known.setdefault((timed[1]["user"], timed[1]["terminal"]), []).append(timed)
    merged = list(logins)
    for at, record in _records_of(target, rows):
        twin = next((other for began, other in known.get((record["user"], record["terminal"]), []) if abs(began - at) <= _SAME_LOGIN), None)
        if twin is None:
            merged.append((at, record))
        else:
            twin["sources"].append("wtmpdb")
            twin["service"] = record["service"]
            if twin["logout_at"] is None and record["logout_at"] is not None:
                twin.update(logout_at=record["logout_at"], end=record["end"])
    return sorted(merged, key=lambda timed: timed[0], reverse=True) if rows else merged


def _records_of(target: Target, rows: List[wtmpdb.Row]) -> List[Timed]:
    in_use = {procfs.terminal_name(stat.tty_nr) for stat in target.stats.values()}
    records, has_booted = [], False
    for row in rows:
        is_boot = row.type == wtmpdb.BOOT
        record: Dict[str, Any] = {
            "kind": "boot" if is_boot else ("login" if row.type == wtmpdb.USER else "other"),
            "login_at": iso_time(row.login_at),
            "logout_at": iso_time(row.logout_at),
            "pid": None,
            "sources": ["wtmpdb"],
            "is_damaged": row.login_at is None or not row.user,
        }
        record.update(_UNKNOWN)
        put(record, "service", row.service)
        put(record, "user", row.user or None)
        put(record, "terminal", row.terminal)
        put(record, "from", row.host)
        if row.logout_at is not None:
            record["end"] = "shutdown" if is_boot else "logout"
        elif has_booted:
            record["end"] = "crash"
        else:
            record["end"] = None if is_boot or record["terminal"] in in_use else "gone"
        has_booted = has_booted or is_boot
        records.append((row.login_at or 0.0, record))
    return records


def _with_accepted(target: Target, logins: List[Timed], accepted: List[Accepted]) -> List[Timed]:
    """A login that was logged and recorded is one record; most without a terminal were logged only."""
    recorded: Dict[Any, List[Timed]] = {}
    for timed in logins:
        if timed[1]["kind"] == "login" and not timed[1]["is_damaged"]:
            recorded.setdefault(timed[1]["user"], []).append(timed)
    logged = [(one.line.at or 0.0, _record_of_accepted(target, one)) for one in accepted]
    pids = {record["pid"] for _at, record in logged}
    only_logged: List[Timed] = []
    for at, record in logged:
        near = [] if record["trust"] == "forged" else [timed for timed in recorded.get(record["user"], []) if _is_near(timed, at)]
        # sshd's monitor does both. A record without its pid, and no other, is compared by the address.
        twins = [timed for timed in near if record["pid"] is not None and timed[1]["pid"] == record["pid"]]
        twins = twins or [timed for timed in near if timed[1]["pid"] not in pids and timed[1]["from"] == record["from"]]
        if not twins:
            only_logged.append((at, record))
            continue
        twin = min(twins, key=lambda timed: timed[0])[1]
        twin.update((name, record[name]) for name in _FIELDS_OF_ACCEPTED)
        twin["sources"] += record["sources"]
        if twin["logout_at"] is None and record["logout_at"] is not None:
            twin.update(logout_at=record["logout_at"], end="logout")
    return sorted(logins + only_logged, key=lambda timed: timed[0], reverse=True) if only_logged else logins


def _is_near(timed: Timed, at: float) -> bool:
    began, record = timed
    return at - _SAME_LOGIN <= began <= at + _RECORDED_AFTER and record["trust"] is None


def _record_of_accepted(target: Target, accepted: Accepted) -> Dict[str, Any]:
    line = accepted.line
    stat = target.stats.get(line.pid or 0)
    lasts = stat is not None and target.started_at(stat) <= (line.at or 0.0) + _SLACK
    record: Dict[str, Any] = {
        "kind": "login",
        "terminal": None,
        "login_at": iso_time(line.at),
        "logout_at": iso_time(accepted.ended_at),
        "end": "logout" if accepted.ended_at is not None else (None if lasts else "gone"),
        "pid": line.pid,
        "sources": [line.source] + ([line.also] if line.also else []),
        "is_damaged": False,
        "service": accepted.service,
        "from_port": accepted.port,
        "trust": trust(line),
        "line": line.line,
        "year_inferred": line.year_inferred,
    }
    put(record, "user", accepted.user)
    put(record, "from", accepted.address)
    put(record, "method", accepted.method)
    put(record, "key_type", accepted.key_type)
    put(record, "key_fingerprint", accepted.key)
    put(record, "key_detail", accepted.detail)
    return record
