# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image that a process runs, judged by its inode: the text of ``/proc/PID/exe`` is free to choose for a local user."""

import os
from typing import Iterator, NamedTuple, Optional, Tuple, Union

from . import procfs
from .file_servers import NoAnswer
from .reading import reason_of
from .target import Target

_DELETED = b" (deleted)"
_MEMFD = b"/memfd:"
_GENERATIONS = 16


class Image(NamedTuple):
    """``path`` without its mark as deleted, ``state`` as ``_schema/processes.py`` lists it, and the running file's own status.

    ``there`` is where its path was found, to be opened: the running file, or the other one that replaced it. ``reason`` says why
    an image is ``unreadable``.
    """

    path: Optional[bytes]
    state: str
    status: Optional[os.stat_result] = None
    there: Optional[bytes] = None
    reason: str = ""

    @property
    def inode(self) -> Optional[int]:
        """Inode number of the running file."""
        return self.status.st_ino if self.status else None

    @property
    def device(self) -> Optional[int]:
        """Device number of the running file."""
        return self.status.st_dev if self.status else None


def read_image(target: Target, stat: procfs.Stat) -> Image:
    """Say what a process runs. Never raises: what may not be seen is ``unreadable``, what has ended is ``none``."""
    if stat.is_kernel_thread:
        return Image(None, "kernel")
    link = None
    try:
        place = target.place(stat.pid)
        link = procfs.read_link(target.proc, place, "exe")
        exe = "%s/%s/exe" % (target.proc, place)
        status = target.file_servers.ask(exe, os.stat, exe)
    except OSError as error:
        if procfs.is_gone(error):
            return Image(None, "none")
        # A file system of a user's own (FUSE) may be closed to root, too: the path is still a fact.
        return Image(link, "unreadable", reason=reason_of(error))
    return _judge(target, stat, link, status)


def _judge(target: Target, stat: procfs.Stat, link: bytes, status: os.stat_result) -> Image:
    path = _without_mark(link)
    # A memfd lives on the kernel's own tmpfs: no name ever led to it. A file may be called "/memfd:x", but it has links.
    if link.startswith(_MEMFD) and status.st_nlink == 0:
        return Image(path, "memfd", status)
    for folder, is_decisive in _views(target, stat):
        # What has no link left is at no path, whatever a magic link or a bind mount makes of the path.
        if status.st_nlink and _is_file(target, folder + link, status):
            return Image(link, "present", status, folder + link)
        if status.st_nlink and _is_file(target, folder + path, status):
            return Image(path, "present", status, folder + path)
        if is_decisive and is_there(target, folder + path):
            return Image(path, "replaced", status, folder + path)
    return Image(path, "deleted", status)


def _without_mark(link: bytes) -> bytes:
    return link[: -len(_DELETED)] if link.endswith(_DELETED) else link


def path_as_seen(target: Target, pid: int, path: bytes) -> bytes:
    """A path as the process sees it: in its own root and mount namespace (``/proc/PID/root``, proc(5))."""
    return os.fsencode("%s/%s/root" % (target.proc, target.place(pid))) + path


def runs_in_our_root(target: Target, pid: int) -> bool:
    """Tell whether the root directory of a process is the host's; ``True`` where that may not be seen."""
    try:
        root = "%s/%s/root" % (target.proc, target.place(pid))
        inside, outside = target.file_servers.ask(root, os.stat, root), os.stat(target.root or "/")
    except OSError:
        return True
    return (inside.st_dev, inside.st_ino) == (outside.st_dev, outside.st_ino)


def _views(target: Target, stat: procfs.Stat) -> Iterator[Tuple[bytes, bool]]:
    """Folders below which the kernel's text of a path may be true; and whether another file that is found there replaced ours."""
    ours, own = os.fsencode(target.root), path_as_seen(target, stat.pid, b"")
    namespace = _mounts(target, stat.pid)
    # In our mount namespace the text is relative to our root, even of a process in a chroot.
    if namespace is None or namespace == _mounts(target, "self"):
        yield ours, True
    elif runs_in_our_root(target, stat.pid):
        # A service with a /tmp of its own; or somebody who mounted his file over ours to have its name.
        yield ours, True
        yield own, True
    else:
        # A container: relative to the root of its mounts. In a chroot of its own, only an ancestor may still have that root.
        yield own, True
        for pid in _ancestors_in(target, stat, namespace):
            yield path_as_seen(target, pid, b""), True
        yield ours, False


def _mounts(target: Target, pid: Union[int, str]) -> Optional[int]:
    try:
        return procfs.namespace(target.proc, target.place(pid) if isinstance(pid, int) else pid, "mnt")
    except OSError:
        return None


def _ancestors_in(target: Target, stat: procfs.Stat, namespace: int) -> Iterator[int]:
    pid = stat.ppid
    for _generation in range(_GENERATIONS):
        if pid not in target.stats or _mounts(target, pid) != namespace:
            return
        yield pid
        pid = target.stats[pid].ppid


def is_there(target: Target, path: bytes) -> bool:
    """Tell whether anything is at a path: also what does not answer; ``False`` where that cannot be seen."""
    try:
        target.file_servers.ask(path, os.lstat, path)
    except (OSError, ValueError) as error:
        return isinstance(error, NoAnswer)
    return True


def _is_file(target: Target, path: bytes, status: os.stat_result) -> bool:
    """Tell whether that very file is at a path; the kernel's text of a path has no links in it, so one that is there now is another file."""
    try:
        there = target.file_servers.ask(path, os.lstat, path)
    except OSError:
        return False
    if there.st_ino != status.st_ino:
        return False
    # overlayfs may give the same file another device number when it is reached through a descriptor. Nobody chooses a ctime.
    return there.st_dev == status.st_dev or (there.st_size, there.st_ctime_ns) == (status.st_size, status.st_ctime_ns)
