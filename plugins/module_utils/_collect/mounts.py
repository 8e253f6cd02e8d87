# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mount that an open file is on, and where it lies below that. Sources: proc(5) for ``mountinfo`` and ``fdinfo``, mount(8) for the options."""

import os
from typing import Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from . import procfs
from .reading import read_kernel


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
        for line in read_kernel("/proc/self/fdinfo/%d" % descriptor, 4096).split(b"\n"):
            if line.startswith(b"mnt_id:"):
                return self._find(int(line[7:]), process)
        return None

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
        for line in table.split(b"\n"):
            fields, dash, rest = line.partition(b" - ")
            field = fields.split(b" ")
            if dash and len(field) > 5:
                options = field[5].decode("ascii", "replace").split(",")
                self._by_number[int(field[0])] = Mount(unescape(field[4]), options, rest.partition(b" ")[0])


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
        fields = read_kernel("/proc/self/fdinfo/%d" % descriptor, 4096).split()
    finally:
        os.close(descriptor)
    number = fields[fields.index(b"mnt_id:") + 1]
    return next((place for own, _point, place in _covering(proc, process, path) if own == number), None)


def place_of_path(proc: str, path: bytes) -> Optional[Location]:
    """Device and path within its file system of what is at a path in our own namespace. Raises ``OSError``."""
    covering = list(_covering(proc, "self", path))
    return max(enumerate(covering), key=lambda entry: (len(entry[1][1]), entry[0]))[1][2] if covering else None


def _covering(proc: str, process: procfs.Place, path: bytes) -> Iterator[Tuple[bytes, bytes, Location]]:
    """Number and point of every mount that a path lies on or below, and the place that it leads to there."""
    for line in read_kernel("%s/%s/mountinfo" % (proc, process)).split(b"\n"):
        field = line.split(b" ")
        if len(field) < 5:
            continue
        root, point = (unescape(name).rstrip(b"/") for name in field[3:5])
        if path == point or path.startswith(point + b"/"):
            yield field[0], point, (field[2], root + path[len(point) :])
