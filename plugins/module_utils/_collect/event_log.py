# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was logged of logins and accounts, in the journal and in the logs: read once for all sections that need it."""

from typing import Any, Dict, List, Optional, Tuple

from . import journal
from .account_log import read_logs
from .log_line import LogLine
from .section import SectionBuilder
from .target import Target


def start(target: Target) -> "EventLog":
    """Start to read; never raises."""
    return EventLog(target, journal.start(target))


class EventLog:
    """The lines of the journal and of the logs, in the order of time."""

    def __init__(self, target: Target, reader: journal.JournalReader) -> None:
        self._target = target
        self._reader = reader
        self._lines: Optional[List[LogLine]] = None
        self._notes: Dict[str, Any] = {}

    def lines(self, builder: SectionBuilder) -> List[LogLine]:
        """Every line, the oldest first. What is missing is said in each section that asks."""
        if self._lines is None:
            notes = SectionBuilder(0)
            self._lines = with_capabilities(merge(self._reader.lines(notes), read_logs(self._target, notes)))
            self._notes = notes.finish()
        for error in self._notes["errors"]:
            for subject in error["subjects"] or [""]:
                builder.error(error["what"], error["reason"], subject)
        for limit in self._notes["limits"]:
            builder.reached(limit["what"], limit["limit"], limit["total"])
        return self._lines

    def stop(self) -> None:
        """End what was started."""
        self._reader.stop()


def merge(journal_lines: List[LogLine], logs: List[LogLine]) -> List[LogLine]:
    """Both, in the order of time. One message in the journal and in a log, within a second of each other, is one event: the journal's."""
    merged = list(journal_lines)
    known: Dict[Tuple[bytes, int], List[int]] = {}
    for index, line in enumerate(journal_lines):
        if line.at is not None:
            known.setdefault((line.key, int(line.at)), []).append(index)
    for line in logs:
        twin = _take(known, line)
        if twin is None:
            merged.append(line)
        else:
            merged[twin] = merged[twin]._replace(also=line.source)
    return sorted(merged, key=lambda line: (line.at is not None, line.at or 0.0))


def _take(known: Dict[Tuple[bytes, int], List[int]], line: LogLine) -> Optional[int]:
    if line.at is None:
        return None
    for second in (int(line.at), int(line.at) - 1, int(line.at) + 1):
        twins = known.get((line.key, second))
        if twins:
            return twins.pop(0)
    return None


def with_capabilities(lines: List[LogLine]) -> List[LogLine]:
    """What one line of a process tells of its capabilities holds for its other lines of the same second, of which journald came too late to see them."""
    seen = {(line.pid, line.uid, line.program, int(line.at)) for line in lines if line.privileged and line.at is not None}
    return [
        line._replace(privileged=True) if line.privileged is None and line.at is not None and (line.pid, line.uid, line.program, int(line.at)) in seen else line
        for line in lines
    ]
