# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Login records: the ``struct utmp`` of utmp, wtmp and btmp. Source: utmp(5)."""

import os
import re
import socket
import struct
import sys
import time
from typing import Iterator, List, NamedTuple, Optional, Tuple

from .reading import Content as FileContent
from .reading import is_text, open_file

EMPTY, RUN_LEVEL, BOOT, NEW_TIME, OLD_TIME, INIT, LOGIN, USER, DEAD = range(9)
_TYPES = range(RUN_LEVEL, 10)

# Where a 64-bit kernel also runs 32-bit programs, both write records with 32-bit times; elsewhere times are as wide as a long.
_NARROW = struct.Struct("=hxxi32s4s32s256shhiii16s20s")
_WIDE = struct.Struct("=hxxi32s4s32s256shhqqq16s20s4x")
LAYOUT = _WIDE if os.uname().machine in ("aarch64", "alpha", "ia64") else _NARROW

_PID_MAX = 1 << 22  # include/linux/threads.h
_DAY = 86400
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_FIELD = re.compile(rb"[^\x00-\x1f\x7f]*\0*\Z")
_HEAD = re.compile(rb"(?=[\x01-\x09]\0\0\0)" if sys.byteorder == "little" else rb"(?=\0[\x01-\x09]\0\0)")
_SEARCHES = 64
_EXTENTS = 10000


class Entry(NamedTuple):
    """A record. Texts are bytes, up to their first NUL; ``at`` is seconds since 1970, ``offset`` its place in the file."""

    type: int
    pid: int
    line: bytes
    user: bytes
    host: bytes
    address: Optional[str]
    at: int
    offset: int
    is_damaged: bool
    is_zero: bool


class Content(NamedTuple):
    """Records of a file in its order; ``size`` is that of the file in bytes, ``is_cut`` whether older records were left out."""

    entries: List[Entry]
    size: int
    is_cut: bool
    left_over: int


def read(path: str, budget: int) -> Content:
    """Read the newest records of a file, at most ``budget`` bytes; holes cost nothing. Raises ``OSError``."""
    descriptor = open_file(path)
    try:
        size = os.fstat(descriptor).st_size
        pieces, is_cut = _newest_pieces(_extents(descriptor, size), budget)
        entries: List[Entry] = []
        for begin, end in pieces:
            entries.extend(parse(_read_at(descriptor, begin, end - begin), begin))
        return Content(entries, size, is_cut, size % LAYOUT.size)
    finally:
        os.close(descriptor)


def read_packed(data: bytes, packed: FileContent, is_cut: bool) -> Content:
    """The same of what was unpacked from a compressed file."""
    return Content(list(parse(data)), packed.stat.st_size, is_cut, 0 if is_cut else len(data) % LAYOUT.size)


def _extents(descriptor: int, size: int) -> List[Tuple[int, int]]:
    """Where a file has data, in whole records: a hole of a gigabyte is not worth reading (lseek(2), SEEK_DATA)."""
    found: List[Tuple[int, int]] = []
    position = 0
    while position < size and len(found) < _EXTENTS:
        try:
            begin = os.lseek(descriptor, position, os.SEEK_DATA)
        except OSError:
            break  # ENXIO: a hole up to the end
        position = os.lseek(descriptor, begin, os.SEEK_HOLE)
        begin -= begin % LAYOUT.size
        end = min(size, position + (-position) % LAYOUT.size)
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found if len(found) < _EXTENTS else [(0, size)]


def _newest_pieces(extents: List[Tuple[int, int]], budget: int) -> Tuple[List[Tuple[int, int]], bool]:
    budget -= budget % LAYOUT.size
    pieces: List[Tuple[int, int]] = []
    for begin, end in reversed(extents):
        if budget <= 0:
            return pieces[::-1], True
        first = max(begin, end - end % LAYOUT.size - budget)
        pieces.append((first, end))
        budget -= end - first
        if first > begin:
            return pieces[::-1], True
    return pieces[::-1], False


def _read_at(descriptor: int, offset: int, length: int) -> bytes:
    chunks = []
    while length > 0:
        chunk = os.pread(descriptor, min(length, 1 << 20), offset)
        if not chunk:
            break
        chunks.append(chunk)
        offset, length = offset + len(chunk), length - len(chunk)
    return b"".join(chunks)


def parse(data: bytes, base: int = 0) -> Iterator[Entry]:
    """Every whole record of ``data``, which stands at ``base`` in its file.

    Damage is passed in steps of a record; where bytes were put in or taken out, the next record is looked for.
    """
    now = int(time.time())
    position, searches = 0, 0
    while position + LAYOUT.size <= len(data):
        entry = _entry(data, position, base, now)
        yield entry
        step = LAYOUT.size
        if entry.is_damaged and not entry.is_zero and searches < _SEARCHES:
            searches += 1
            step = _distance_to_next(data, position, now)
        position += step


def _entry(data: bytes, position: int, base: int, now: int) -> Entry:
    kind, pid, line, _id, user, host, _term, _exit, _session, at, micro, address, _unused = LAYOUT.unpack_from(data, position)
    texts = [field.split(b"\0", 1)[0] for field in (line, user, host)]
    damaged = (
        kind not in _TYPES
        or not 0 <= pid <= _PID_MAX
        or not 0 < at <= now + _DAY
        or not 0 <= micro < 1000000
        or any(_CONTROL.search(field) or not is_text(field) for field in texts)
    )
    zero = damaged and not data[position : position + LAYOUT.size].strip(b"\0")
    return Entry(kind, pid, texts[0], texts[1], texts[2], _address(address), at, base + position, damaged, zero)


def _address(data: bytes) -> Optional[str]:
    """An IPv4 address fills the first of four words only."""
    if not data.strip(b"\0"):
        return None
    if data[4:].strip(b"\0"):
        return socket.inet_ntop(socket.AF_INET6, data)
    return socket.inet_ntop(socket.AF_INET, data[:4])


def _distance_to_next(data: bytes, position: int, now: int) -> int:
    """How far the next record is from a damaged one: a whole step, unless there is a flawless one before."""
    following = position + LAYOUT.size
    if _is_flawless(data, following, now) or following + LAYOUT.size > len(data):
        return LAYOUT.size
    for match in _HEAD.finditer(data, position + 1, following + 3):
        if _is_flawless(data, match.start(), now):
            return match.start() - position
    return LAYOUT.size


def _is_flawless(data: bytes, position: int, now: int) -> bool:
    """Stricter than what programs keep to: texts are padded with NUL, and what is unused is NUL."""
    if position + LAYOUT.size > len(data) or _entry(data, position, 0, now).is_damaged:
        return False
    field = LAYOUT.unpack_from(data, position)
    return not field[12].strip(b"\0") and all(_FIELD.match(field[index]) for index in (2, 3, 4, 5))
