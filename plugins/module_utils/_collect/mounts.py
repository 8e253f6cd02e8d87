# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mount that an open file is on. Sources: proc(5) for ``mountinfo`` and ``fdinfo``, mount(8) for the options."""

from typing import Dict, List, NamedTuple, Optional, Set

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
