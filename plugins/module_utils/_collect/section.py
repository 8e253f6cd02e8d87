# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A section while it is being filled: records, what could not be read, and which limits were reached."""

import time
from collections import OrderedDict
from typing import Any, Callable, Dict, List, Optional, Tuple

from .reading import iso_time, reason_of

_SUBJECTS = 5
_ERRORS = 200


class WrongOption(ValueError):
    """What was asked for makes no sense."""


def check_limit(limit: int) -> None:
    """Raise ``WrongOption`` for a limit that would leave nothing."""
    if limit < 1:
        raise WrongOption("limit must be at least 1, not %d" % limit)


class SectionBuilder:
    """Collects the parts of one section; ``finish`` gives it the outer shape that all sections share."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._began = time.monotonic()
        self._lists: OrderedDict[str, List[Dict[str, Any]]] = OrderedDict([("items", [])])
        self._singles: Dict[str, Any] = {}
        self._errors: OrderedDict[Tuple[str, str], Dict[str, Any]] = OrderedDict()
        self._limits: OrderedDict[str, Dict[str, Any]] = OrderedDict()

    def declare(self, name: str) -> None:
        """Make the list ``name`` part of the section even if nothing is added to it."""
        self._lists.setdefault(name, [])

    def add(self, record: Dict[str, Any], to: str = "items", limit: Optional[int] = None) -> bool:
        """Add a record to a list of the section; past the limit it is only counted. Tell whether it was added."""
        records = self._lists.setdefault(to, [])
        bound = self.limit if limit is None else limit
        if len(records) < bound:
            records.append(record)
            return True
        self.reached(to, bound, max(len(records), (self._limits.get(to) or {}).get("total") or 0) + 1)
        return False

    def single(self, name: str, value: Any) -> None:
        """Set a part of the section that is one record."""
        self._singles[name] = value

    def reached(self, what: str, limit: int, total: Optional[int] = None) -> None:
        """Say that a limit cut something: ``total`` is how many there were, ``None`` where that is not known."""
        self._limits[what] = {"what": what, "limit": limit, "total": total}

    def error(self, what: str, why: object, subject: str = "") -> None:
        """Say that something could not be read. Equal causes are counted together, with the first few subjects."""
        reason = reason_of(why) if isinstance(why, BaseException) else str(why)
        if (what, reason) not in self._errors and len(self._errors) >= _ERRORS:
            self.reached("errors", _ERRORS)
            return
        entry = self._errors.setdefault((what, reason), {"what": what, "reason": reason, "count": 0, "subjects": []})
        entry["count"] += 1
        if subject and len(entry["subjects"]) < _SUBJECTS and subject not in entry["subjects"]:
            entry["subjects"].append(subject)

    def finish(self) -> Dict[str, Any]:
        """Give the section its outer shape (``_schema/outer.py``)."""
        section: Dict[str, Any] = dict(self._lists)
        section.update(self._singles)
        section.update(
            errors=list(self._errors.values()),
            truncated=bool(self._limits),
            limits=list(self._limits.values()),
            collected_at=iso_time(time.time()),
            seconds=round(time.monotonic() - self._began, 4),
        )
        return section


def guarded(read: Callable[[], Dict[str, Any]]) -> Dict[str, Any]:
    """Read a section; whatever goes wrong in one must not cost the others. Raises ``WrongOption``."""
    try:
        return read()
    except WrongOption:
        raise
    except Exception as error:  # noqa: BLE001
        builder = SectionBuilder(0)
        builder.error("section", error, _place(error))
        return builder.finish()


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else "%s, line %d" % (trace.tb_frame.f_code.co_filename.rpartition("/")[2], trace.tb_lineno)
