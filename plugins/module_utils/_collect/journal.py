# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal, asked through the target's own ``journalctl``: its format is not ours to parse.

It is started early and read by a thread, so that it works while other sections are read, and it never outlives us.
Source: systemd.journal-fields(7), journalctl(1), the Journal Export Format.
"""

import atexit
import os
import subprocess
import threading
import time
from typing import Dict, Iterator, List, Optional, Set, Tuple

from .log_line import LOGIN_PROGRAMS, PROGRAMS, LogLine
from .section import SectionBuilder
from .target import Target
from .trusted_program import ENVIRONMENT, why_not_trusted

_FOLDERS = ("/var/log/journal", "/run/log/journal")
_PATHS = ("/usr/bin/journalctl", "/bin/journalctl")
_ENVIRONMENT = dict(ENVIRONMENT, SYSTEMD_COLORS="0", SYSTEMD_URLIFY="0")
_FIELDS = ("MESSAGE", "SYSLOG_IDENTIFIER", "_COMM", "_UID", "_PID", "_CAP_EFFECTIVE", "_TRANSPORT", "_SOURCE_REALTIME_TIMESTAMP")
_MOST_OF_A_KIND = 10000  # entries
_MOST_BYTES_OF_A_KIND = 8 << 20
_MOST_BYTES = 32 << 20  # that are looked at
_MOST_OF_AN_ENTRY = 4 << 20
_PATIENCE = 10.0  # seconds from the start


def start(target: Target) -> "JournalReader":
    """Start to read the newest entries; never raises. What went wrong is said by ``lines``."""
    reader = JournalReader()
    reader.note = _what_cannot_be_read(target)
    problem = ""
    for path in _PATHS:
        if not os.path.lexists(target.path(path)):
            continue
        problem = why_not_trusted(target.path(path))
        if not problem:
            reader.run([target.path(path)] + _arguments())
            return reader
    reader.problem = problem or "there is no journalctl"
    return reader


def _arguments() -> List[str]:
    arguments = ["--no-pager", "--output=export", "--output-fields=" + ",".join(_FIELDS), "--reverse"]
    identifiers = ["SYSLOG_IDENTIFIER=" + program for program in PROGRAMS]
    return arguments + identifiers + ["+"] + ["_COMM=" + program for program in PROGRAMS]


def _what_cannot_be_read(target: Target) -> str:
    """``journalctl --output=export`` says nothing when it finds no journal, or when it may read only a part of it."""
    found, denied = 0, 0
    for folder in _FOLDERS:
        for machine in _names(target.path(folder)):
            for name in _names(target.path("%s/%s" % (folder, machine))):
                if name.endswith(".journal"):
                    found += 1
                    denied += not os.access(target.path("%s/%s/%s" % (folder, machine, name)), os.R_OK)
    if denied:
        return "Permission denied: %d of its %d files were not read" % (denied, found)
    return "" if found else "there are no journal files"


def _names(folder: str) -> List[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


class JournalReader:
    """A running ``journalctl`` and what it has sent."""

    def __init__(self) -> None:
        self.problem = ""
        self.note = ""
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._thread: Optional[threading.Thread] = None
        self._kept = _Kept()
        self._complaint = b""
        self._is_cut = False
        self._deadline = time.monotonic() + _PATIENCE

    def run(self, command: List[str]) -> None:
        """Start the command."""
        try:
            # run_command would wait for its end; it is read while other sections are.
            # pylint: disable-next=ansible-bad-function
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_ENVIRONMENT, cwd="/")
        except OSError as error:
            self.problem = "journalctl: %s" % error.strerror
            return
        atexit.register(self.stop)
        self._thread = threading.Thread(target=self._drain, args=(self._process,), daemon=True)
        self._thread.start()

    def _drain(self, process: "subprocess.Popen[bytes]") -> None:
        left, parser = _MOST_BYTES, ExportParser()
        while left > 0 and process.stdout and not (self._kept.is_full or parser.is_stuck):
            chunk = os.read(process.stdout.fileno(), min(left, 1 << 16))
            if not chunk:
                break
            left -= len(chunk)
            for entry in parser.feed(chunk):
                self._kept.add(entry)
        else:
            self._is_cut = not self._kept.is_full
            process.kill()
        if process.stderr:
            self._complaint = os.read(process.stderr.fileno(), 4096)

    def stop(self) -> None:
        """End ``journalctl`` if it still runs, and leave no zombie."""
        process, self._process = self._process, None
        if process is None:
            return
        atexit.unregister(self.stop)
        if process.poll() is None:
            process.kill()
        process.wait()
        if self._thread is not None:
            self._thread.join(1)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()

    def lines(self, builder: SectionBuilder) -> List[LogLine]:
        """Wait for the end, in bounds, and return what was read, the oldest first. What is missing is said in the section."""
        if self._thread is not None:
            self._thread.join(max(0.0, self._deadline - time.monotonic()))
            if self._thread.is_alive():
                self.problem = "journalctl took longer than %d s: only what it had sent by then was read" % _PATIENCE
        self.stop()
        if self._is_cut:
            builder.reached("bytes of the journal", _MOST_BYTES)
        if self._complaint.strip():
            builder.error("journal", self._complaint.strip().split(b"\n")[0].decode("utf-8", "backslashreplace"))
        for problem in (self.problem, self.note):
            if problem:
                builder.error("journal", problem)
        for kind in sorted(self._kept.overflowed):
            builder.reached("entries of the journal about " + kind, _MOST_OF_A_KIND)
        return self._kept.lines[::-1]


class _Kept:
    """The newest entries of each kind, in bounds: guesses at a password on a host of the internet must not push out what sudo said."""

    def __init__(self) -> None:
        self.lines: List[LogLine] = []
        self.overflowed: Set[str] = set()
        kinds = ("accounts", "logins", "logins, written by others than root")
        self._left: Dict[str, Tuple[int, int]] = dict.fromkeys(kinds, (_MOST_OF_A_KIND, _MOST_BYTES_OF_A_KIND))

    @property
    def is_full(self) -> bool:
        """Whether nothing more would be kept."""
        return len(self.overflowed) == len(self._left)

    def add(self, entry: Dict[str, bytes]) -> None:
        """Keep an entry if it is one of ours and there is room."""
        kind = _kind(entry)
        if kind in self.overflowed:
            return
        line = to_line(entry)
        if line is None:
            return
        entries, size = self._left[kind]  # pylint: disable=unpacking-non-sequence
        if entries < 1 or size < len(line.message):
            self.overflowed.add(kind)
            return
        self._left[kind] = (entries - 1, size - len(line.message))
        self.lines.append(line)


def _kind(entry: Dict[str, bytes]) -> str:
    if _program(entry) not in LOGIN_PROGRAMS:
        return "accounts"
    return "logins" if entry.get("_UID") == b"0" else "logins, written by others than root"


class ExportParser:
    """Parses the Journal Export Format as it comes: ``NAME=value`` lines, or for what is not plain text ``NAME``, 8 bytes of length, and the bytes."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def is_stuck(self) -> bool:
        """Whether it waits for the end of an entry that is larger than any."""
        return len(self._rest) > _MOST_OF_AN_ENTRY

    def feed(self, data: bytes) -> Iterator[Dict[str, bytes]]:
        """Every entry that is complete by now. What is cut off at the end is none."""
        data = self._rest + data
        place = 0
        while True:
            found = _next_entry(data, place)
            if found is None:
                break
            entry, place = found
            if entry:
                yield entry
        self._rest = data[place:]


def _next_entry(data: bytes, place: int) -> Optional[Tuple[Dict[str, bytes], int]]:
    """An entry and where it ends; ``None`` where more is needed."""
    end = data.find(b"\n", place)
    if end == place:
        return {}, place + 1
    end = data.find(b"\n\n", place)
    if end < 0:
        return None
    lines = [line.partition(b"=") for line in data[place:end].split(b"\n")]
    if all(equals for _name, equals, _value in lines):
        return {name.decode("ascii", "replace"): value for name, _equals, value in lines}, end + 2
    return _next_binary_entry(data, place)


def _next_binary_entry(data: bytes, place: int) -> Optional[Tuple[Dict[str, bytes], int]]:
    """The same for an entry with bytes in it, which may hold blank lines and what looks like fields."""
    entry: Dict[str, bytes] = {}
    while True:
        end = data.find(b"\n", place)
        if end < 0:
            return None
        if end == place:
            return entry, end + 1
        name, equals, value = data[place:end].partition(b"=")
        place = end + 1
        if not equals:
            size = int.from_bytes(data[place : place + 8], "little")
            if place + 8 + size >= len(data):
                return None
            value = data[place + 8 : place + 8 + size]
            place += 8 + size + 1
        entry[name.decode("ascii", "replace")] = value


def to_line(entry: Dict[str, bytes]) -> Optional[LogLine]:
    """A line of ours; ``None`` for an entry of something else."""
    program = _program(entry)
    if not program:
        return None
    at = _number(entry.get("_SOURCE_REALTIME_TIMESTAMP") or entry.get("__REALTIME_TIMESTAMP"))
    capabilities = entry.get("_CAP_EFFECTIVE")
    return LogLine(
        at=None if at is None else at / 1e6,
        program=program,
        message=entry.get("MESSAGE", b""),
        source="journal",
        uid=_number(entry.get("_UID")),
        privileged=None if capabilities is None else bool(capabilities.strip(b"0")),
        pid=_number(entry.get("_PID")),
        by_syslog=entry.get("_TRANSPORT") == b"syslog",
    )


def _program(entry: Dict[str, bytes]) -> Optional[str]:
    for name in ("SYSLOG_IDENTIFIER", "_COMM"):
        program = entry.get(name, b"").decode("ascii", "replace")
        if program in PROGRAMS:
            return program
    return None


def _number(value: Optional[bytes]) -> Optional[int]:
    return int(value) if value is not None and value.isdigit() and len(value) < 20 else None
