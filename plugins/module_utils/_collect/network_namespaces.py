# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network namespaces of a host, each with the places under /proc from which its tables can be read (network_namespaces(7))."""

import os
from itertools import islice
from typing import Dict, Iterator, List, NamedTuple, Optional, Set

from . import procfs
from .reading import read_kernel, text
from .section import SectionBuilder
from .target import Target

_THREADS = 4096
_PLACES = 8  # any of them will do, and some may end meanwhile


class Namespace(NamedTuple):
    """A network namespace: its inode number, ``None`` for that of process 1, whether we are in it, and who lives in it.

    ``places`` are folders of processes and threads, ``pids`` the processes they are of.
    """

    inode: Optional[int]
    is_ours: bool
    places: List[str]
    pids: List[int]
    number: int

    def folder(self) -> Optional[str]:
        """A folder with its tables, as ``/proc/PID/net``; ``None`` when nobody lives in it any more."""
        return next((place + "/net" for place in self.places if _inode(place) == self.number), None)


def namespaces(target: Target, builder: SectionBuilder) -> List[Namespace]:
    """All that processes live in; that of process 1 (or ours, where process 1 is closed to us) first."""
    ours = _inode(target.proc + "/self")
    first = _inode(target.proc + "/1") or ours
    places: Dict[int, List[str]] = {} if first is None else {first: []}
    pids: Dict[int, List[int]] = {} if first is None else {first: [1]}
    for pid, stat in target.stats.items():
        for place in _places(target, pid, stat, builder):
            inode = _inode(place, builder)
            if inode is not None and len(places.setdefault(inode, [])) < _PLACES:
                places[inode].append(place)
                pids.setdefault(inode, []).append(pid)
    if ours in places:
        places[ours].append(target.proc + "/self")
    _add_empty(target, set(places), builder)
    order = sorted(places, key=lambda inode: (inode != first, inode))
    return [Namespace(None if inode == first else inode, inode == ours, places[inode], pids[inode], inode) for inode in order]


def _places(target: Target, pid: int, stat: procfs.Stat, builder: SectionBuilder) -> Iterator[str]:
    """A process, and its threads: each of them may have gone into a namespace of its own (setns(2))."""
    folder = "%s/%d" % (target.proc, pid)
    if stat.is_kernel_thread:
        return
    yield folder
    if stat.num_threads > _THREADS:
        builder.reached("threads of pid %d" % pid, _THREADS, stat.num_threads)
    if stat.num_threads > 1 and _inode(folder) is not None:
        try:
            with os.scandir(folder + "/task") as entries:
                threads = [entry.name for entry in islice(entries, _THREADS)]
        except OSError:
            return  # it has ended
        for thread in threads:
            if thread != str(pid):
                yield "%s/task/%s" % (folder, thread)


def _inode(place: str, builder: Optional[SectionBuilder] = None) -> Optional[int]:
    try:
        return os.stat(place + "/ns/net").st_ino
    except OSError as error:
        if builder and not procfs.is_gone(error):
            builder.error("network namespace of a process", error, place)
        return None


def _add_empty(target: Target, known: Set[int], builder: SectionBuilder) -> None:
    """Say which namespaces are only kept by a mount (``ip netns add``): nobody in them can be asked for their tables."""
    try:
        mounts = [line.split(b" ") for line in read_kernel(target.proc + "/self/mountinfo").split(b"\n")]
    except OSError as error:
        builder.error("network namespaces without a process", error)
        return
    for field in mounts:
        # Field 4 is the root of the mount, field 5 the mount point.
        if len(field) > 4 and field[3].startswith(b"net:[") and int(field[3][5:-1]) not in known:
            builder.error("sockets of a network namespace", "no process lives in it, so its tables cannot be read", text(field[4]))
