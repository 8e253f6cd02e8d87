# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logs that syslog daemons write: auth.log and secure, where there is neither messages, rotated and compressed ones too.

Anybody may have written what stands there.
"""

import calendar
import os
import re
import time
import zlib
from collections import deque
from contextlib import contextmanager
from typing import Callable, Deque, Dict, Iterator, List, Match, NamedTuple, Optional, Tuple

from .log_line import LOGIN_PROGRAMS, PROGRAMS, LogLine
from .procfs import is_gone
from .reading import Content, read_file
from .section import SectionBuilder
from .target import Target

_FOLDER = "/var/log"
_LOG = re.compile(r"^(auth\.log|secure|messages)(?:[.-][0-9]{1,8})?(?:\.(?:gz|bz2|xz|zst|lz4|Z))?$")
_OF_ALL_PROGRAMS = "messages"
_UNKNOWN_TO_PYTHON = (".zst", ".lz4", ".Z")
COMPRESSED = (".gz", ".bz2", ".xz") + _UNKNOWN_TO_PYTHON
_MOST_FILES = 12
_MOST_OF_A_FILE = 8 << 20
_MOST_OF_ALL = 24 << 20
_MOST_LINES = 10000  # of logins, and as many of all else
# busybox puts the priority before the program.
_LINE = re.compile(
    rb"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S{0,20}|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) \S+ (?:[a-z0-9]+\.[a-z]+ )?(%s)(?:\[(\d{1,10})\])?: (.*)$"
    % b"|".join(program.encode("ascii") for program in PROGRAMS),
    re.MULTILINE,
)
_ISO = re.compile(rb"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d{1,9})?(?:(Z)|([+-])(\d\d):?(\d\d))?$")
_MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
_DAY = 86400
_OF_LOGIN = frozenset(program.encode("ascii") for program in LOGIN_PROGRAMS)


class _Log(NamedTuple):
    path: str
    data: bytes
    modified_at: float


def read_logs(target: Target, builder: SectionBuilder) -> List[LogLine]:
    """Every line of the programs in ``log_line.PROGRAMS``, the oldest log first, in bounds: of a log the newest part is read."""
    newest_first: List[List[LogLine]] = []
    left = {True: _MOST_LINES, False: _MOST_LINES}
    with _time_zone_of(target):
        for log in _logs(target, builder):
            lines, total = parse_log(log.data, log.path, log.modified_at, left[False], left[True])
            newest_first.append(lines)
            for line in lines:
                left[line.is_of_login] -= 1
            if total > len(lines):
                builder.reached("lines of logs", _MOST_LINES)
            if not any(left.values()):
                break
    return [line for lines in reversed(newest_first) for line in lines]


def _logs(target: Target, builder: SectionBuilder) -> Iterator[_Log]:
    """The logs, the newest first."""
    paths, left = _paths(target, builder), _MOST_OF_ALL
    for number, path in enumerate(paths):
        if number >= _MOST_FILES or left <= 0:
            builder.reached("logs", number, len(paths))
            return
        try:
            data, content, is_cut = read_log(target.path(path), min(left, _MOST_OF_A_FILE))
        except Exception as error:  # pylint: disable=broad-except  # noqa: BLE001  # zlib, bz2 and lzma share no error
            builder.error("log", str(error) if isinstance(error, ValueError) else error, path)
            continue
        if is_cut:
            builder.reached("bytes of " + path, len(data), None if _decompressor(path) else content.stat.st_size)
        left -= len(data)
        yield _Log(path, data, content.stat.st_mtime)


def _paths(target: Target, builder: SectionBuilder) -> List[str]:
    found = []
    try:
        matches = list(filter(None, map(_LOG.match, os.listdir(target.path(_FOLDER)))))
        has_own = any(match.group(1) != _OF_ALL_PROGRAMS for match in matches)
        for match in matches:
            if (match.group(1) == _OF_ALL_PROGRAMS) != has_own:
                path = "%s/%s" % (_FOLDER, match.group())
                found.append((os.lstat(target.path(path)).st_mtime, path))
    except OSError as error:
        if not is_gone(error):
            builder.error("logs", error, _FOLDER)
    return [path for _modified_at, path in sorted(found, reverse=True)]


def read_log(path: str, most: int) -> Tuple[bytes, Content, bool]:
    """Read the end of a log, or the beginning of a compressed one, which may grow without bounds; tell whether something was left out."""
    if path.endswith(_UNKNOWN_TO_PYTHON):
        raise ValueError("compressed in a way that Python's own library cannot read")
    unpack = _decompressor(path)
    content = read_file(path, most, tail=unpack is None)
    if unpack is None:
        return content.data, content, content.offset > 0
    data = unpack(content.data, most + 1)
    return data[:most], content, len(data) > most or len(content.data) < content.stat.st_size


def _decompressor(path: str) -> Optional[Callable[[bytes, int], bytes]]:
    if path.endswith(".gz"):
        return lambda data, most: zlib.decompressobj(31).decompress(data, most)
    if path.endswith(".bz2"):
        return _unpack_bz2
    return _unpack_xz if path.endswith(".xz") else None


def _unpack_bz2(data: bytes, most: int) -> bytes:
    import bz2  # pylint: disable=import-outside-toplevel  # a minimal Python may lack it

    return bz2.BZ2Decompressor().decompress(data, most)


def _unpack_xz(data: bytes, most: int) -> bytes:
    import lzma  # pylint: disable=import-outside-toplevel  # a minimal Python may lack it

    return lzma.LZMADecompressor(memlimit=64 << 20).decompress(data, most)


@contextmanager
def _time_zone_of(target: Target) -> Iterator[None]:
    """Logs without a zone are in the host's, whatever ``TZ`` we were started with."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = ":" + target.path("/etc/localtime")
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


def parse_log(data: bytes, path: str, modified_at: float, most: int = _MOST_LINES, most_of_logins: int = _MOST_LINES) -> Tuple[List[LogLine], int]:
    """The last ``most_of_logins`` lines of programs that let people in and the last ``most`` of our others, and how many there were.

    ``modified_at``, when the log last changed, says the year where the lines have none.
    """
    kept: Dict[bool, Deque[Match[bytes]]] = {True: deque(maxlen=most_of_logins), False: deque(maxlen=most)}
    total, number, place = 0, 1, 0
    for match in _LINE.finditer(data):
        total += 1
        kept[match.group(2) in _OF_LOGIN].append(match)
    matches = sorted(list(kept[True]) + list(kept[False]), key=lambda match: match.start())
    lines = []
    for match, at in zip(matches, _times([match.group(1) for match in matches], modified_at)):
        number += data.count(b"\n", place, match.start())
        place = match.start()
        stamp, program, pid, message = match.groups()
        inferred = at is not None and not stamp[:4].isdigit()
        lines.append(LogLine(at, program.decode("ascii"), message, path, number, pid=int(pid) if pid else None, year_inferred=inferred))
    return lines, total


def _times(stamps: List[bytes], modified_at: float) -> List[Optional[float]]:
    """Seconds since 1970, ``None`` for what is no time. Without a year, a line is the youngest that is not younger than the next one."""
    times: List[Optional[float]] = []
    latest: float = modified_at
    for stamp in reversed(stamps):
        at = parse_iso(stamp) if stamp[:4].isdigit() else _without_year(stamp, latest)
        if at is not None:
            latest = min(latest, at) if not stamp[:4].isdigit() else latest
        times.append(at)
    return times[::-1]


def parse_iso(stamp: bytes) -> Optional[float]:
    """``2026-11-23T15:01:07.970558+00:00`` in seconds since 1970; without a zone, in the local one."""
    match = _ISO.match(stamp)
    if not match:
        return None
    fields = [int(part) for part in match.groups()[:6]]
    is_local = not match.group(8) and not match.group(9)
    at = _local(fields[0], fields[1:]) if is_local else _utc(fields)
    if at is None:
        return None
    offset = (int(match.group(10)) * 60 + int(match.group(11))) * 60 if match.group(9) else 0
    return at + float(match.group(7) or 0) - (-offset if match.group(9) == b"-" else offset)


def _utc(fields: List[int]) -> Optional[float]:
    try:
        return float(calendar.timegm((fields[0], fields[1], fields[2], fields[3], fields[4], fields[5])))
    except (OverflowError, ValueError):
        return None


def _without_year(stamp: bytes, latest: float) -> Optional[float]:
    try:
        fields = [_MONTHS.index(stamp[:3]) + 1, int(stamp[4:6])] + [int(part) for part in stamp[7:].split(b":")]
    except ValueError:
        return None
    year = time.localtime(latest + _DAY).tm_year
    at = _local(year, fields)
    return _local(year - 1, fields) if at is not None and at > latest + _DAY else at


def _local(year: int, fields: List[int]) -> Optional[float]:
    try:
        return time.mktime((year, fields[0], fields[1], fields[2], fields[3], fields[4], 0, 0, -1))
    except (OverflowError, ValueError):
        return None
