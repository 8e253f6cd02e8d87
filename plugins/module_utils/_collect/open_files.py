# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open file descriptors of a process: what ``lsof -u`` lists."""

import os
import stat
from typing import Any, Callable, Dict, Iterator, Optional

from . import procfs
from .file_servers import NoAnswer
from .reading import put, read_kernel
from .running_images import is_there, path_as_seen
from .target import Target

_DELETED = b" (deleted)"
_KINDS = (
    (stat.S_ISREG, "file"),
    (stat.S_ISDIR, "directory"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISFIFO, "pipe"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)
_MODES = {os.O_RDONLY: "r", os.O_WRONLY: "w", os.O_RDWR: "rw"}


def read_open_files(
    target: Target, pid: int, limit: Optional[int] = None, unanswered: Callable[[NoAnswer], None] = lambda _error: None
) -> Iterator[Dict[str, Any]]:
    """Records ``open_file`` of one process, at most ``limit``. Raises ``OSError`` when its descriptors are not ours to read.

    ``unanswered`` is told of each one whose file system does not answer; its record has what the kernel says of it all the same.
    """
    place = target.place(pid)
    for descriptor in procfs.list_descriptors(target.proc, place, limit):
        status = _status(target, place, descriptor.number, unanswered)
        path, is_deleted = descriptor.target, _is_deleted(target, pid, descriptor.target, status)
        record: Dict[str, Any] = {
            "pid": pid,
            "descriptor": descriptor.number,
            "kind": _kind(path, status),
            "mode": _mode(target, place, descriptor.number),
            "is_deleted": is_deleted,
            "inode": status.st_ino if status else None,
        }
        put(record, "path", path[: -len(_DELETED)] if is_deleted and path.endswith(_DELETED) else path)
        yield record


def _status(target: Target, place: procfs.Place, number: int, unanswered: Callable[[NoAnswer], None]) -> Optional[os.stat_result]:
    """Ask the open file itself: the text of its link may be anything."""
    try:
        path = "%s/%s/fd/%d" % (target.proc, place, number)
        return target.file_servers.ask(path, os.stat, path)  # type: ignore[no-any-return]
    except NoAnswer as error:
        unanswered(error)
    except OSError:
        pass  # closed meanwhile
    return None


def _kind(link: bytes, status: Optional[os.stat_result]) -> str:
    if link.startswith(b"anon_inode:"):
        return "anonymous"
    if status is None:
        return "file" if link.startswith(b"/") else "other"
    return next((kind for test, kind in _KINDS if test(status.st_mode)), "other")


def _is_deleted(target: Target, pid: int, link: bytes, status: Optional[os.stat_result]) -> bool:
    """No name is left; or, where another hard link is, not the one that it was opened under. Pipes and sockets never had one."""
    if not status or not link.startswith(b"/"):
        return False
    return status.st_nlink == 0 or (link.endswith(_DELETED) and not is_there(target, path_as_seen(target, pid, link)))


def _mode(target: Target, place: procfs.Place, number: int) -> Optional[str]:
    """Access mode from ``/proc/PID/fdinfo`` (octal ``flags``)."""
    try:
        for line in read_kernel("%s/%s/fdinfo/%d" % (target.proc, place, number), 4096).split(b"\n"):
            if line.startswith(b"flags:"):
                return _MODES.get(int(line.split()[1], 8) & os.O_ACCMODE)
    except (OSError, ValueError, IndexError):
        pass
    return None
