# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open file descriptors of a process: what ``lsof -u`` lists."""

import os
import stat
from typing import Any, Dict, Iterator, Optional

from . import procfs
from .reading import put, read_kernel
from .target import Target

_DELETED = " (deleted)"
_MODES = {os.O_RDONLY: "r", os.O_WRONLY: "w", os.O_RDWR: "rw"}


def read_open_files(target: Target, pid: int) -> Iterator[Dict[str, Any]]:
    """Records ``open_file`` of one process. Raises ``OSError`` when its descriptors are not ours to read."""
    for descriptor in procfs.list_descriptors(target.proc, pid):
        record: Dict[str, Any] = {
            "pid": pid,
            "descriptor": descriptor.number,
            "kind": _kind(descriptor.target),
            "mode": _mode(target, pid, descriptor.number),
            "is_deleted": False,
            "inode": None,
        }
        put(record, "path", descriptor.target)
        _look_through(target, record)
        yield record


def _kind(link: bytes) -> str:
    for prefix, kind in ((b"socket:", "socket"), (b"pipe:", "pipe"), (b"anon_inode:", "anonymous"), (b"/memfd:", "file"), (b"/dev/", "device")):
        if link.startswith(prefix):
            return kind
    return "file" if link.startswith(b"/") else "other"


def _look_through(target: Target, record: Dict[str, Any]) -> None:
    """Ask the open file itself: its inode, and whether any name is left (a link's text can say so falsely)."""
    try:
        status = os.stat("%s/%d/fd/%d" % (target.proc, record["pid"], record["descriptor"]))
    except OSError:
        return
    record["inode"] = status.st_ino
    if record["kind"] == "file":
        record["is_deleted"] = status.st_nlink == 0
        if stat.S_ISDIR(status.st_mode):
            record["kind"] = "directory"
    if record["is_deleted"] and record["path"].endswith(_DELETED):
        record["path"] = record["path"][: -len(_DELETED)]


def _mode(target: Target, pid: int, number: int) -> Optional[str]:
    """Access mode from ``/proc/PID/fdinfo`` (octal ``flags``)."""
    try:
        for line in read_kernel("%s/%d/fdinfo/%d" % (target.proc, pid, number), 4096).split(b"\n"):
            if line.startswith(b"flags:"):
                return _MODES.get(int(line.split()[1], 8) & os.O_ACCMODE)
    except (OSError, ValueError, IndexError):
        pass
    return None
