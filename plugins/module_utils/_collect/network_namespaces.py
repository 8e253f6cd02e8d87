# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network namespaces of a host, where each can be read, and a way into them (network_namespaces(7), setns(2))."""

import errno
import os
import re
import threading
from itertools import islice
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Set

from . import procfs
from .mounts import parse_mountinfo
from .reading import read_kernel, reason_of, text
from .section import SectionBuilder
from .target import Target

_THREADS = 4096
_PLACES = 8  # any of them will do, and some may end meanwhile
_MOST_ENTERED = 500
_SECONDS = 10.0
_CLONE_NEWNET = 0x40000000
# Where ``ip netns`` and Docker keep them, each under its name.
_FOLDERS = (b"/run/netns/", b"/var/run/netns/", b"/run/docker/netns/", b"/var/run/docker/netns/")
# A path that leads through any other file system is not walked: who serves it could keep us waiting for ever.
_LOCAL_FILE_SYSTEMS = frozenset(b"rootfs tmpfs ramfs devtmpfs ext2 ext3 ext4 xfs btrfs f2fs zfs overlay squashfs nsfs".split())


class Namespace(NamedTuple):
    """A network namespace: its inode number, ``None`` for that of process 1, whether we are in it, and who lives in it.

    ``places`` are folders of processes and threads, ``pids`` the processes they are of. ``mounts`` are where it is mounted, a name first.
    """

    inode: Optional[int]
    is_ours: bool
    places: List[str]
    pids: List[int]
    number: int
    mounts: List[bytes]
    doors: List[bytes]

    def folder(self) -> Optional[str]:
        """A folder with its tables, as ``/proc/PID/net``; ``None`` when nobody lives in it any more."""
        return next((place + "/net" for place in self.places if _inode(place) == self.number), None)

    @property
    def name(self) -> Optional[bytes]:
        """Its name, as ``ip netns`` and Docker say; the whole path where it is mounted elsewhere."""
        for mount in self.mounts:
            for folder in _FOLDERS:
                if mount.startswith(folder):
                    return mount[len(folder) :]
        return self.mounts[0] if self.mounts else None

    def inside(self, call: Callable[[], Any]) -> Any:
        """Call a function inside, in a thread of its own that ends with it; ours is never left. Raises ``OSError`` and what the function raises."""
        if self.is_ours:
            return call()
        outcome: Dict[str, Any] = {}

        def run() -> None:
            try:
                self._enter()
                outcome["value"] = call()
            except Exception as error:  # noqa: BLE001
                outcome["error"] = error

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(_SECONDS)
        if "error" in outcome:
            raise outcome["error"]
        if "value" not in outcome:
            raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        return outcome["value"]

    def _enter(self) -> None:
        for door in [os.fsencode(place + "/ns/net") for place in self.places] + self.doors:
            try:
                descriptor = os.open(door, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                if os.fstat(descriptor).st_ino == self.number:
                    _set_namespace(descriptor)
                    return
            finally:
                os.close(descriptor)
        raise OSError(errno.ENOENT, "nobody lives in it any more, and no mount leads to it")


def _set_namespace(descriptor: int) -> None:
    """setns(2) for this thread. Raises ``OSError``: only root may."""
    try:
        import ctypes

        library = ctypes.CDLL(None, use_errno=True)
        set_namespace = library.setns
    except (ImportError, AttributeError, OSError) as error:
        raise OSError(errno.ENOSYS, "this Python cannot call setns: %s" % reason_of(error)) from None
    if set_namespace(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def namespaces(target: Target, builder: SectionBuilder) -> List[Namespace]:
    """All that processes live in or mounts keep; that of process 1 (or ours, where process 1 is closed to us) first."""
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
    mounts = _read_mounts(target, builder)
    doors = _doors(mounts, set(places), builder)
    kept = [inode for inode in doors if inode not in places]
    order = sorted(places, key=lambda inode: (inode != first, inode)) + kept
    if len(order) > _MOST_ENTERED:
        builder.reached("network namespaces", _MOST_ENTERED, len(order))
    return [
        Namespace(
            inode=None if inode == first else inode,
            is_ours=inode == ours,
            places=places.get(inode, []),
            pids=pids.get(inode, []),
            number=inode,
            mounts=_of(mounts, inode),
            doors=doors.get(inode, []),
        )
        for inode in order[:_MOST_ENTERED]
    ]


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


class _Mount(NamedTuple):
    """A mount: the namespace that it keeps, if it does, where it is, and the type of its file system."""

    namespace: Optional[int]
    point: bytes
    kind: bytes


def _read_mounts(target: Target, builder: SectionBuilder) -> List[_Mount]:
    try:
        table = read_kernel(target.proc + "/self/mountinfo")
    except OSError as error:
        builder.error("network namespaces without a process", error)
        return []
    found = []
    for line in parse_mountinfo(table):
        namespace = re.match(rb"net:\[([0-9]{1,18})\]$", line.root)
        found.append(_Mount(int(namespace.group(1)) if namespace else None, line.point, line.kind))
    return found


def _of(mounts: List[_Mount], inode: int) -> List[bytes]:
    return sorted((mount.point for mount in mounts if mount.namespace == inode), key=lambda point: not point.startswith(_FOLDERS))


def _doors(mounts: List[_Mount], known: Set[int], builder: SectionBuilder) -> Dict[int, List[bytes]]:
    """Where each namespace can be entered by its mount; those that nobody lives in and that cannot be are said."""
    doors: Dict[int, List[bytes]] = {}
    by_point: Dict[bytes, List[_Mount]] = {}
    for mount in mounts:
        by_point.setdefault(mount.point, []).append(mount)
    for mount in mounts:
        if mount.namespace is None or mount.namespace in known:
            continue
        if by_point[mount.point][-1].namespace == mount.namespace and _is_safe(mount.point, by_point):
            doors.setdefault(mount.namespace, []).append(mount.point)
        elif mount.namespace not in doors:
            builder.error("sockets of a network namespace", "no process lives in it, and the way to its mount is not a safe one", text(mount.point))
    return doors


def _is_safe(point: bytes, by_point: Dict[bytes, List[_Mount]]) -> bool:
    """Whether every file system on the way is a local one."""
    parts = point.split(b"/")
    folders = [b"/".join(parts[:count]) or b"/" for count in range(1, len(parts) + 1)]
    return all(mount.kind in _LOCAL_FILE_SYSTEMS for folder in folders for mount in by_point.get(folder, []))
