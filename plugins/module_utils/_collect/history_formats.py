# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What history files look like inside.

Sources: bash(1) HISTTIMEFORMAT; zsh's ``savehistfile``; ksh93's ``history.h``; mksh's ``histrap.c``; editline(3) and vis(3); the manuals of
fish, less, vim, wget; ``:help shada-format``. Every parser gives entries in the order in which they were typed.
"""

import re
from collections import deque
from typing import Callable, Deque, Dict, Iterable, List, Match, NamedTuple, Optional, Pattern, Sequence, Tuple

_LONGEST = 4096  # bytes of an entry that is put together of several lines
_MOST_LINES = 50000
_CSH_OR_BASH_TIME = re.compile(rb"#\+?(\d{9,19})$")
_LFTP_TIME = re.compile(rb" (\d{9,19})$")
_ZSH = re.compile(rb": {1,2}(\d{1,19}):(\d{1,10});(.*)", re.DOTALL)
_ZSH_ENDS_IN_BACKSLASH = re.compile(rb"\\ +$")
_META = re.compile(rb"\x83(.)", re.DOTALL)
_KSH93_NUMBER = re.compile(rb"\x82\0.{3}\0", re.DOTALL)
_VIS = re.compile(rb"\\(?:([0-3][0-7]{2})|(\\)|\^(.))")
_VIM_TIME = re.compile(rb"\|2,\d,(\d{1,19}),")
_VIM_LONG = re.compile(rb"\x16\d+$")
_VIM_ESCAPE = re.compile(rb"\x16([n\x16])")
_LIBEDIT = b"_HiStOrY_V2_"
_WITH_LIBEDIT = ("gdb", "irb", "mysql", "php", "psql", "python", "sqlite")  # some builds of them

NumberedLine = Tuple[int, bytes]


class Entry(NamedTuple):
    """Something typed: line from 1, seconds since 1970, seconds it ran, the command, whether its beginning was cut away.

    In a file that has no lines (mksh, nvim) the line is the number of the entry.
    """

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
    if program == "nvim":
        return _shada(data)
    if program == "ksh" and (data.startswith(b"\xab\xcd") or (is_cut and b"\0\xff\0" in data)):
        return _mksh(data)
    is_ksh93 = program == "ksh" and (data.startswith(b"\x81\x01") or (is_cut and b"\n\0" in data))
    parsed = _ksh93(data) if is_ksh93 else _parse_lines(program, data, is_cut)
    if is_cut and parsed.entries and parsed.entries[0].line == 1:
        parsed.entries[0] = parsed.entries[0]._replace(is_partial=True)
    return parsed


def _parse_lines(program: str, data: bytes, is_cut: bool) -> Parsed:
    if data.endswith(b"\n"):
        data = data[:-1]
    if not data:
        return Parsed([], 0, 0)
    total = data.count(b"\n") + 1
    if program in _NEWEST_FIRST:
        lines = data.split(b"\n", _MOST_LINES)[:_MOST_LINES]
        first = 1
    else:
        lines = data.rsplit(b"\n", _MOST_LINES)
        lines = lines[1:] if total > _MOST_LINES else lines
        first = total - len(lines) + 1
    if b"\0" in data:
        lines = [line.strip(b"\0") for line in lines]  # holes of a sparse file
    parser = _PARSERS.get(program, _plain)
    if program in _WITH_LIBEDIT and _is_of_libedit(data, is_cut):
        parser = _libedit
    return Parsed(parser(list(enumerate(lines, first))), total, len(lines))


def _is_of_libedit(data: bytes, is_cut: bool) -> bool:
    """Tell it by the heading, or where that was cut away by the blanks, of which libedit writes none."""
    return data.startswith(_LIBEDIT) or (is_cut and b"\\040" in data and b" " not in data)


def _plain(lines: Iterable[NumberedLine]) -> List[Entry]:
    return [Entry(number, None, None, line) for number, line in lines if line.strip()]


def _timed(lines: Iterable[NumberedLine], pattern: "Pattern[bytes]" = _CSH_OR_BASH_TIME) -> List[Entry]:
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
        time = pattern.match(line) if line[:1] in (b"#", b" ") else None
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
        # A command that ends in a backslash, with or without blanks, is written with one blank more.
        parts.append(line[:-1] if continued or _ZSH_ENDS_IN_BACKSLASH.search(line[-80:]) else line)
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
        # Without times, a command that begins as one with a time does has a backslash in front.
        entries.append(Entry(line, None, None, command[1:] if command.startswith(b"\\:") else command))


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


def _ksh93(data: bytes) -> Parsed:
    """A magic number, then commands, each ended by a newline and one or two NULs; now and then its number between NULs."""
    data = re.sub(rb"\0{2,}", b"\0", _KSH93_NUMBER.sub(b"\0", data))
    total = data.count(b"\0") + 1
    parts = data.rsplit(b"\0", _MOST_LINES)
    parts = parts[1:] if total > _MOST_LINES else parts
    line = data.count(b"\n") - sum(part.count(b"\n") for part in parts) + 1
    entries = []
    for part in parts:
        command = part.rstrip(b"\n")
        command = command[2:] if command.startswith(b"\x81\x01") else command
        if command.strip() and command != b"\x81":  # "forget the one before"
            entries.append(Entry(line, None, None, command))
        line += part.count(b"\n")
    return Parsed(entries, total, len(parts))


def _mksh(data: bytes) -> Parsed:
    """A magic number, then commands, each with a byte and its number in front, and a NUL after it."""
    newest: Deque[Entry] = deque(maxlen=_MOST_LINES)
    number = 0
    begin = data.find(b"\xff\0", 1) if data.startswith(b"\xab\xcd") else data.find(b"\0\xff") + 1
    while begin >= 0:
        end = data.find(b"\0", begin + 5)
        if end < 0:
            break
        number += 1
        newest.append(Entry(number, None, None, data[begin + 5 : end]))
        begin = end + 1 if data[end + 1 : end + 2] == b"\xff" else data.find(b"\0\xff", end + 1) + 1 or -1
    return Parsed([entry for entry in newest if entry.command.strip()], number, len(newest))


def _libedit(lines: Iterable[NumberedLine]) -> List[Entry]:
    """A heading; blanks, control characters and backslashes are encoded."""
    return [entry._replace(command=_VIS.sub(_unvis, entry.command)) for entry in _plain(lines) if entry.command != _LIBEDIT]


def _unvis(match: "Match[bytes]") -> bytes:
    octal, backslash, control = match.groups()
    if octal:
        return bytes([int(octal, 8)])
    return backslash or bytes([(ord(control) & 0x1F) if control != b"?" else 0x7F])


def _psql(lines: Iterable[NumberedLine]) -> List[Entry]:
    """A newline in a command is written as the byte 1."""
    return [entry._replace(command=entry.command.replace(b"\x01", b"\n")) for entry in _plain(lines)]


def _python(lines: Sequence[NumberedLine]) -> List[Entry]:
    """Python 3.13 writes a newline in a command as carriage return and newline."""
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


def _irb(lines: Iterable[NumberedLine]) -> List[Entry]:
    """A newline in a command is escaped."""
    entries: List[Entry] = []
    is_open = False
    for number, line in lines:
        if is_open and len(entries[-1].command) < _LONGEST:
            entries[-1] = entries[-1]._replace(command=entries[-1].command[:-1] + b"\n" + line)
        elif line.strip():
            entries.append(Entry(number, None, None, line))
        is_open = line.endswith(b"\\") and bool(entries)
    return entries


def _node(lines: Iterable[NumberedLine]) -> List[Entry]:
    """The newest first, and so are the lines of a command, parted by carriage returns."""
    return [entry._replace(command=b"\n".join(entry.command.split(b"\r")[::-1])) for entry in reversed(_plain(lines))]


def _less(lines: Iterable[NumberedLine]) -> List[Entry]:
    """What was searched for (``/``), which shell commands were run (``!``), and the places that were marked (``m``), with their files."""
    entries: List[Entry] = []
    section: bytes = b""
    for number, line in lines:
        if line.startswith(b"."):
            section = line.strip()
        elif section in (b".search", b".shell") and line.startswith(b'"'):
            entries.append(Entry(number, None, None, (b"/" if section == b".search" else b"!") + line[1:]))
        elif section == b".mark" and line.startswith(b"m "):
            entries.append(Entry(number, None, None, line))
    return entries


def _vim(lines: Iterable[NumberedLine]) -> List[Entry]:
    """Command lines, searches, expressions and what was typed when asked: the newest of each first, each followed by a line with its time."""
    entries: List[Entry] = []
    is_open = is_long = False
    for number, line in lines:
        sign = line[:1]
        if is_long and sign == b"<":
            entries[-1] = entries[-1]._replace(command=_of_vim(entries[-1].command[:1] + line[1:]))
        elif is_open and sign == b"|":
            time = _VIM_TIME.match(line)
            if time:
                entries[-1] = entries[-1]._replace(at=int(time.group(1)) or None)
            is_open = False
        elif sign in (b":", b"?", b"=", b"@") and line[1:].strip():
            typed = line if sign != b"?" else b"/" + line[2:] if line[1:2] == b" " else line[1:]
            entries.append(Entry(number, None, None, _of_vim(typed)))
            is_open, is_long = True, bool(_VIM_LONG.match(line, len(line) - len(typed) + 1))
            continue
        is_long = False
    return _by_time(entries[::-1])


def _of_vim(line: bytes) -> bytes:
    return _VIM_ESCAPE.sub(lambda match: b"\n" if match.group(1) == b"n" else b"\x16", line)


def _by_time(entries: List[Entry]) -> List[Entry]:
    """Several lists, each in order, as one; left alone where not all have a time."""
    if any(entry.at is None for entry in entries):
        return entries
    return sorted(entries, key=lambda entry: entry.at or 0)


_SHADA_HISTORY = 4
_SHADA_SIGNS = (b":", b"/", b"=", b"@")


def _shada(data: bytes) -> Parsed:
    """Entries of MessagePack: kind, time, size, and what it is. Damage ends it."""
    entries: List[Entry] = []
    number = offset = 0
    while offset < len(data) and number < _MOST_LINES:
        try:
            kind, offset = _unsigned(data, offset)
            at, offset = _unsigned(data, offset)
            size, offset = _unsigned(data, offset)
            body = data[offset : offset + size]
            if kind == _SHADA_HISTORY and body:
                entries.append(Entry(number + 1, at or None, None, _shada_command(body)))
        except (IndexError, ValueError):
            break
        number, offset = number + 1, offset + size
    return Parsed(_by_time(entries), number + (offset < len(data)), number)


def _shada_command(body: bytes) -> bytes:
    """An array of the kind of history, the text, and for a search its separator."""
    if not 0x92 <= body[0] <= 0x9F:
        raise ValueError("not an array")
    kind, offset = _unsigned(body, 1)
    lead = body[offset]
    if 0xA0 <= lead <= 0xBF:
        size, offset = lead & 0x1F, offset + 1
    elif lead in (0xC4, 0xC5, 0xC6, 0xD9, 0xDA, 0xDB):
        width = 1 << (lead - (0xC4 if lead < 0xD9 else 0xD9))
        size, offset = int.from_bytes(body[offset + 1 : offset + 1 + width], "big"), offset + 1 + width
    else:
        raise ValueError("not a string")
    sign = _SHADA_SIGNS[kind] if kind < len(_SHADA_SIGNS) else b""
    return sign + body[offset : offset + size]


def _unsigned(data: bytes, offset: int) -> Tuple[int, int]:
    """An unsigned number of MessagePack, and where it ends. Raises ``IndexError`` or ``ValueError``."""
    lead = data[offset]
    if lead < 0x80:
        return lead, offset + 1
    if not 0xCC <= lead <= 0xCF:
        raise ValueError("not an unsigned number")
    width = 1 << (lead - 0xCC)
    return int.from_bytes(data[offset + 1 : offset + 1 + width], "big"), offset + 1 + width


def _wget(lines: Iterable[NumberedLine]) -> List[Entry]:
    """Hosts that were fetched from over HTTPS and asked for it again: name, port (0: the usual one), subdomains, first seen, how long to remember."""
    entries = []
    for number, line in lines:
        fields = line.split()
        if len(fields) >= 5 and not line.startswith(b"#"):
            at = int(fields[3]) if fields[3].isdigit() and len(fields[3]) < 20 else None
            entries.append(Entry(number, at, None, fields[0] if fields[1] == b"0" else fields[0] + b":" + fields[1]))
    return entries


def _lftp(lines: Iterable[NumberedLine]) -> List[Entry]:
    """As bash with times, but a blank in front of the time."""
    return _timed(lines, _LFTP_TIME)


_NEWEST_FIRST = ("node", "mongosh", "vim")
FROM_THE_START = (*_NEWEST_FIRST, "nvim")  # of these, the beginning of a file that is too large

_PARSERS: Dict[str, Callable[[List[NumberedLine]], List[Entry]]] = {
    "bash": _timed,
    "sh": _timed,
    "csh": _timed,
    "lftp": _lftp,
    "zsh": _zsh,
    "fish": _fish,
    "psql": _psql,
    "python": _python,
    "irb": _irb,
    "node": _node,
    "mongosh": _node,
    "less": _less,
    "vim": _vim,
    "wget": _wget,
}
