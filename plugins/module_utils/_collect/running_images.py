# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image that a process runs, judged by its inode: the text of ``/proc/PID/exe`` is free to choose for a local user."""

import os
from typing import NamedTuple, Optional

from . import procfs
from .target import Target

_DELETED = b" (deleted)"
_MEMFD = b"/memfd:"


class Image(NamedTuple):
    """``path`` without its mark as deleted, ``state`` as ``_schema/processes.py`` lists it, and the running file's own status."""

    path: Optional[bytes]
    state: str
    status: Optional[os.stat_result] = None

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
    try:
        link = procfs.read_link(target.proc, stat.pid, "exe")
        status = os.stat("%s/%d/exe" % (target.proc, stat.pid))
    except OSError as error:
        return Image(None, "none" if procfs.is_gone(error) else "unreadable")
    return _judge(target, stat.pid, link, status)


def _judge(target: Target, pid: int, link: bytes, status: os.stat_result) -> Image:
    # A memfd lives on the kernel's own tmpfs: no name ever led to it. A file may be called "/memfd:x", but it has links.
    if link.startswith(_MEMFD) and status.st_nlink == 0:
        return Image(_without_mark(link), "memfd", status)
    if _same_file(_stat_as_seen(target, pid, link), status):
        return Image(link, "present", status)
    path = _without_mark(link)
    there = _stat_as_seen(target, pid, path)
    if there is None:
        return Image(path, "deleted", status)
    if _same_file(there, status):
        return Image(path, "present", status)
    return Image(path, "replaced", status)


def _without_mark(link: bytes) -> bytes:
    return link[: -len(_DELETED)] if link.endswith(_DELETED) else link


def path_as_seen(target: Target, pid: int, path: bytes) -> bytes:
    """A path as the process sees it: in its own root and mount namespace (``/proc/PID/root``, proc(5))."""
    return os.fsencode("%s/%d/root" % (target.proc, pid)) + path


def _stat_as_seen(target: Target, pid: int, path: bytes) -> Optional[os.stat_result]:
    try:
        return os.stat(path_as_seen(target, pid, path))
    except OSError:
        return None


def _same_file(one: Optional[os.stat_result], other: os.stat_result) -> bool:
    # overlayfs may give the same file another device number when it is reached through a descriptor: the inode has to be the same.
    if one is None or one.st_ino != other.st_ino:
        return False
    return one.st_dev == other.st_dev or (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)
