# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What history files look like inside. Sources: bash(1) HISTTIMEFORMAT; zsh's EXTENDED_HISTORY; fish, less, vim, wget.

Every parser takes numbered lines and gives entries in the order in which they were typed.
"""

import re
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

_LONGEST = 4096  # bytes of an entry that is put together of several lines
_MOST_LINES = 50000
_CSH_OR_BASH_TIME = re.compile(rb"#\+?(\d{9,19})$")
_ZSH = re.compile(rb": {1,2}(\d{1,19}):(\d{1,10});(.*)", re.DOTALL)
_META = re.compile(rb"\x83(.)", re.DOTALL)
_OCTAL = re.compile(rb"\\([0-3][0-7]{2})")
_VIM_TIME = re.compile(rb"\|2,\d,(\d{1,19}),")
_LIBEDIT = b"_HiStOrY_V2_"

NumberedLine = Tuple[int, bytes]


class Entry(NamedTuple):
    """Something typed: line from 1, seconds since 1970, seconds it ran, the command, whether its beginning was cut away."""

    line: int
    at: Optional[int]
    duration: Optional[float]
    command: bytes
    is_partial: bool = False


class Parsed(NamedTuple):
    """Entries, how many lines there were, and how many of them were looked at."""

    entries: List[Entry]
    lines: int
    parsed_lines: int


def parse(program: str, data: bytes, is_cut: bool = False) -> Parsed:
    """Parse what ``program`` wrote; ``is_cut`` when ``data`` begins somewhere in a file. Of very many lines the newest are taken."""
    if data.endswith(b"\n"):
        data = data[:-1]
    if not data:
        return Parsed([], 0, 0)
    total = data.count(b"\n") + 1
    if program in NEWEST_FIRST:
        lines = data.split(b"\n", _MOST_LINES)[:_MOST_LINES]
        first = 1
    else:
        lines = data.rsplit(b"\n", _MOST_LINES)
        lines = lines[1:] if total > _MOST_LINES else lines
        first = total - len(lines) + 1
    if b"\0" in data:
        lines = [line.strip(b"\0") for line in lines]  # holes of a sparse file
    entries = _PARSERS.get(program, _plain)(list(enumerate(lines, first)))
    if is_cut and entries and entries[0].line == 1:
        entries[0] = entries[0]._replace(is_partial=True)
    return Parsed(entries, total, len(lines))


def _plain(lines: Iterable[NumberedLine]) -> List[Entry]:
    return [Entry(number, None, None, line) for number, line in lines if line.strip()]


def _timed(lines: Iterable[NumberedLine]) -> List[Entry]:
    """Of bash and csh: ``#epoch`` before a command. What follows up to the next one is one command, as bash itself reads it.

    A time right after a time is a command that looks like one.
    """
    entries: List[Entry] = []
    parts: List[bytes] = []
    started: int = 0
    at: Optional[int] = None
    size: int = 0
    is_open: bool = False

    def close() -> None:
        if parts:
            command = b"\n".join(parts).rstrip(b"\n") if len(parts) > 1 else parts[0]
            entries.append(Entry(started, at, None, command))
            del parts[:]

    for number, line in lines:
        time = _CSH_OR_BASH_TIME.match(line) if line[:1] == b"#" else None
        if time and (parts or not is_open):
            close()
            started, at, size, is_open = number, int(time.group(1)), 0, True
        elif is_open and (not parts or size + len(line) <= _LONGEST):
            started = started if parts else number
            parts.append(line)
            size += len(line) + 1
        else:
            close()
            is_open = False
            if line.strip():
                entries.append(Entry(number, None, None, line))
    close()
    return entries


def _zsh(lines: Iterable[NumberedLine]) -> List[Entry]:
    """``: epoch:seconds;command`` or the command alone; a newline in it is escaped, and bytes that zsh finds special are metafied."""
    entries: List[Entry] = []
    parts: List[bytes] = []
    started: int = 0
    size: int = 0
    for number, line in lines:
        started = started if parts else number
        continued = line.endswith(b"\\") and size + len(line) <= 16 * _LONGEST
        # A backslash that ends a command is written with a blank after it.
        parts.append(line[:-1] if continued or line.endswith(b"\\ ") else line)
        size += len(line)
        if not continued:
            _add_zsh(entries, started, b"\n".join(parts))
            parts, size = [], 0
    if parts:
        _add_zsh(entries, started, b"\n".join(parts))
    return entries


def _add_zsh(entries: List[Entry], line: int, joined: bytes) -> None:
    command = _META.sub(lambda match: bytes([match.group(1)[0] ^ 32]), joined) if b"\x83" in joined else joined
    match = _ZSH.match(command)
    if match:
        entries.append(Entry(line, int(match.group(1)), float(match.group(2)), match.group(3)))
    elif command.strip():
        entries.append(Entry(line, None, None, command))


def _fish(lines: Iterable[NumberedLine]) -> List[Entry]:
    """``- cmd: …``, then ``  when: epoch``; newlines and backslashes are escaped."""
    entries: List[Entry] = []
    for number, line in lines:
        if line.startswith(b"- cmd: "):
            command = re.sub(rb"\\(n|\\)", lambda match: b"\n" if match.group(1) == b"n" else b"\\", line[7:])
            entries.append(Entry(number, None, None, command))
        elif line.startswith(b"  when: ") and entries and line[8:].strip().isdigit() and len(line) < 30:
            entries[-1] = entries[-1]._replace(at=int(line[8:]))
    return entries


def _ksh(lines: Iterable[NumberedLine]) -> List[Entry]:
    """ksh93 and mksh put a magic number in front and NULs or counters between commands; plain text otherwise."""
    entries = []
    for number, line in lines:
        for part in line.split(b"\0"):
            command = part.lstrip(b"\x81\x01\xab\xcd\xff") if number == 1 else part.lstrip(b"\x81\x01")
            if command.strip():
                entries.append(Entry(number, None, None, command))
    return entries


def _editline(lines: Iterable[NumberedLine]) -> List[Entry]:
    """Of clients with readline the plain lines; libedit's have a heading, and blanks as octal numbers."""
    entries = _plain(lines)
    if entries and entries[0].command == _LIBEDIT:
        return [
            entry._replace(command=_OCTAL.sub(lambda match: bytes([int(match.group(1), 8)]), entry.command).replace(b"\\\\", b"\\")) for entry in entries[1:]
        ]
    return entries


def _psql(lines: Iterable[NumberedLine]) -> List[Entry]:
    """A newline in a command is written as the byte 1."""
    return [entry._replace(command=entry.command.replace(b"\x01", b"\n")) for entry in _editline(lines)]


def _python(lines: Sequence[NumberedLine]) -> List[Entry]:
    """Python 3.13 writes a newline in a command as carriage return and newline."""
    if lines and lines[0][1] == _LIBEDIT:
        return _editline(lines)
    entries: List[Entry] = []
    is_open = False
    for number, line in lines:
        if is_open and len(entries[-1].command) < _LONGEST:
            entries[-1] = entries[-1]._replace(command=entries[-1].command + b"\n" + line.rstrip(b"\r"))
            is_open = line.endswith(b"\r")
        elif line.strip():
            entries.append(Entry(number, None, None, line.rstrip(b"\r")))
            is_open = line.endswith(b"\r")
    return entries


def _node(lines: Iterable[NumberedLine]) -> List[Entry]:
    """The newest first; a newline in a command is a carriage return."""
    return [entry._replace(command=entry.command.replace(b"\r", b"\n")) for entry in reversed(_plain(lines))]


def _less(lines: Iterable[NumberedLine]) -> List[Entry]:
    """What was searched for (``/``) and which shell commands were run (``!``)."""
    entries: List[Entry] = []
    sign: Optional[bytes] = None
    for number, line in lines:
        if line.startswith(b"."):
            sign = {b".search": b"/", b".shell": b"!"}.get(line.strip())
        elif sign and line.startswith(b'"'):
            entries.append(Entry(number, None, None, sign + line[1:]))
    return entries


def _vim(lines: Iterable[NumberedLine]) -> List[Entry]:
    """Command lines and searches, the newest first, each followed by a line with its time."""
    entries: List[Entry] = []
    for number, line in lines:
        time = _VIM_TIME.match(line) if line[:1] == b"|" else None
        if time and entries and entries[-1].line == number - 1:
            entries[-1] = entries[-1]._replace(at=int(time.group(1)) or None)
        elif line[:1] in (b":", b"?") and line[1:].strip():
            entries.append(Entry(number, None, None, line if line[:1] == b":" else line[1:]))
    return entries[::-1]


def _wget(lines: Iterable[NumberedLine]) -> List[Entry]:
    """Hosts that were fetched from over HTTPS and asked for it again: name, port, subdomains, first seen, how long to remember."""
    entries = []
    for number, line in lines:
        fields = line.split(b"\t")
        if len(fields) >= 5 and not line.startswith(b"#"):
            at = int(fields[3]) if fields[3].isdigit() and len(fields[3]) < 20 else None
            entries.append(Entry(number, at, None, fields[0]))
    return entries


NEWEST_FIRST = ("node", "vim")

_PARSERS: Dict[str, Callable[[List[NumberedLine]], List[Entry]]] = {
    "bash": _timed,
    "sh": _timed,
    "csh": _timed,
    "zsh": _zsh,
    "fish": _fish,
    "ksh": _ksh,
    "mysql": _editline,
    "sqlite": _editline,
    "psql": _psql,
    "python": _python,
    "node": _node,
    "less": _less,
    "vim": _vim,
    "wget": _wget,
}
