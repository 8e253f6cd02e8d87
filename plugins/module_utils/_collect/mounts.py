# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mount that an open file is on, and where it lies below that. Sources: proc(5) for ``mountinfo`` and ``fdinfo``, mount(8) for the options."""

import os
from typing import Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from . import procfs
from .reading import read_kernel


class MountLine(NamedTuple):
    """A line of ``mountinfo`` (proc(5)). ``root`` is what of the file system is mounted at ``point``; ``options`` are those of this mount."""

    number: int
    device: bytes
    root: bytes
    point: bytes
    options: bytes
    kind: bytes
    source: bytes


def parse_mountinfo(table: bytes) -> Iterator[MountLine]:
    """Every mount of a table; lines that are none are passed over."""
    for line in table.split(b"\n"):
        fields, dash, rest = line.partition(b" - ")
        field, end = fields.split(b" "), rest.split(b" ") + [b""]
        if dash and len(field) > 5 and field[0].isdigit():
            yield MountLine(int(field[0]), field[2], unescape(field[3]), unescape(field[4]), field[5], end[0], unescape(end[1]))


def mount_number(proc: str, descriptor: int) -> int:
    """The number of the mount that a file which we hold open is on (``mnt_id`` of ``fdinfo``). Raises ``OSError``, and ``ValueError`` without one."""
    fields = read_kernel("%s/self/fdinfo/%d" % (proc, descriptor), 4096).split()
    return int(fields[fields.index(b"mnt_id:") + 1])


class Mount(NamedTuple):
    """Where something is mounted, as its own namespace sees it; ``options`` are those of this mount, not of the whole file system."""

    point: bytes
    options: List[str]
    kind: bytes


class Mounts:
    """The mounts of all namespaces by their number, which is unique in the kernel."""

    def __init__(self, proc: str) -> None:
        self._proc = proc
        self._by_number: Dict[int, Mount] = {}
        self._read: Set[str] = set()

    def of(self, descriptor: int, process: str = "self") -> Optional[Mount]:
        """The mount of a file that we hold open. ``process`` is in its namespace. ``None`` when it was unmounted while in use. Raises ``OSError``."""
        try:
            return self._find(mount_number("/proc", descriptor), process)
        except ValueError:
            return None  # a kernel before 3.15 does not say

    def _find(self, number: int, process: str) -> Optional[Mount]:
        for place in ("self", process):
            if number not in self._by_number and place not in self._read:
                self._read.add(place)
                try:
                    self._add(read_kernel("%s/%s/mountinfo" % (self._proc, place)))
                except OSError:
                    continue  # the process has ended, or is not ours to look at
        return self._by_number.get(number)

    def _add(self, table: bytes) -> None:
        for line in parse_mountinfo(table):
            self._by_number[line.number] = Mount(line.point, line.options.decode("ascii", "replace").split(","), line.kind)


def unescape(name: bytes) -> bytes:
    r"""Undo the kernel's octal escapes of blanks and backslashes (``\040``)."""
    first, *others = name.split(b"\\")
    return first + b"".join(bytes([int(part[:3], 8)]) + part[3:] for part in others)


Location = Tuple[bytes, bytes]


def place_of_image(proc: str, process: procfs.Place, path: bytes) -> Optional[Location]:
    """Device and path within its file system of what a process runs, by the mount that it was started from.

    ``path`` is what the kernel shows, which a mount of one's own over another file chooses. ``None`` for a mount that is gone. Raises ``OSError``.
    """
    descriptor = os.open("%s/%s/exe" % (proc, process), os.O_PATH | os.O_CLOEXEC)
    try:
        number = mount_number("/proc", descriptor)
    finally:
        os.close(descriptor)
    return next((place for own, _point, place in _covering(proc, process, path) if own == number), None)


def place_of_path(proc: str, path: bytes) -> Optional[Location]:
    """Device and path within its file system of what is at a path in our own namespace. Raises ``OSError``."""
    covering = list(_covering(proc, "self", path))
    return max(enumerate(covering), key=lambda entry: (len(entry[1][1]), entry[0]))[1][2] if covering else None


def _covering(proc: str, process: procfs.Place, path: bytes) -> Iterator[Tuple[int, bytes, Location]]:
    """Number and point of every mount that a path lies on or below, and the place that it leads to there."""
    for line in parse_mountinfo(read_kernel("%s/%s/mountinfo" % (proc, process))):
        root, point = line.root.rstrip(b"/"), line.point.rstrip(b"/")
        if path == point or path.startswith(point + b"/"):
            yield line.number, point, (line.device, root + path[len(point) :])
