# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One running image or file as a record ``executable``, without its digests and its package."""

import errno
import os
import stat as mode_bits
from typing import Any, Dict, List, NamedTuple, Optional

from .hashing import open_known
from .mounts import Mount, Mounts
from .reading import NotAFile, iso_time, put, read_file, text
from .running_images import Image
from .section import SectionBuilder
from .target import Target

_CAPABILITIES = "security.capability"
_NONE = (errno.ENODATA, errno.ENOTSUP)
_LIMIT = 1 << 24


class Running(NamedTuple):
    """An image, its own status, and the processes that run it; ``started_at`` is when the first of them was, ``None`` for a mere file.

    ``resolved`` is where a path that was asked for leads to, ``None`` for what runs.
    """

    image: Image
    status: os.stat_result
    pids: List[int]
    started_at: Optional[float]
    is_foreign: bool
    resolved: Optional[bytes] = None

    def paths(self, target: Target) -> List[Any]:
        """Paths that open it: through its processes whatever stands at its path, and that path when all of them have ended."""
        there = self.image.there if self.image.state != "replaced" else None
        return ["%s/%s/exe" % (target.proc, target.place(pid)) for pid in self.pids] + ([there] if there else [])

    @property
    def package_path(self) -> bytes:
        """The path that a package may have. One that was asked for may lead through links, as /usr/bin/vi does."""
        return self.resolved or self.image.path or b""


class Details(NamedTuple):
    """What is found out by holding a file: its mount, and its extended attribute ``security.capability`` or why that could not be read."""

    mount: Optional[Mount] = None
    capabilities: Optional[bytes] = None
    problem: Optional[str] = None


class Recorder:
    """Makes records. What it cannot read goes to the section's errors."""

    def __init__(self, target: Target, builder: SectionBuilder) -> None:
        self._target = target
        self._builder = builder
        self._mounts = Mounts(target.proc)
        self._groups: Optional[Dict[int, str]] = None

    def record(self, entry: Running) -> Dict[str, Any]:
        """The record; what others add is ``None``."""
        status, details = entry.status, self._details(entry)
        record: Dict[str, Any] = {
            "state": entry.image.state,
            "pids": entry.pids,
            "start_ticks": [self._target.stats[pid].starttime for pid in entry.pids if pid in self._target.stats],
            "sha256": None,
            "sha1": None,
            "md5": None,
            "path_sha256": None,
            "inode": status.st_ino,
            "device": status.st_dev,
            "links": status.st_nlink,
            "size": status.st_size,
            "owner_uid": status.st_uid,
            "owner": self._user(status.st_uid),
            "owner_gid": status.st_gid,
            "group": self._group(status.st_gid),
            "mode": "%04o" % mode_bits.S_IMODE(status.st_mode),
            "is_setuid": bool(status.st_mode & mode_bits.S_ISUID),
            "is_setgid": bool(status.st_mode & mode_bits.S_ISGID),
            "capabilities": details.capabilities.hex() if details.capabilities is not None else None,
            "capabilities_text": None,
            "mount_point": None,
            "mount_options": details.mount.options if details.mount else None,
            "file_system": text(details.mount.kind) if details.mount else None,
            "modified_at": iso_time(status.st_mtime),
            "changed_at": iso_time(status.st_ctime),
            "package": None,
            "package_version": None,
            "package_state": None,
            "same_as": None,
            "same_as_package": None,
        }
        put(record, "path", entry.image.path)
        put(record, "resolved_path", entry.resolved if entry.resolved != entry.image.path else None)
        put(record, "mount_point", details.mount.point if details.mount else None)
        if details.problem:
            self._builder.error("capabilities of an executable", details.problem, record["path"])
        if details.capabilities:
            self._put_capabilities(record, details.capabilities)
        return record

    def _details(self, entry: Running) -> Details:
        for path in entry.paths(self._target):
            process = str(self._target.place(entry.pids[0])) if entry.pids else "self"
            try:
                found = self._target.file_servers.ask(path, _hold, self._mounts, path, entry.status, process)
            except OSError as error:
                return Details(problem=error.strerror)
            if found is not None:
                return found  # type: ignore[no-any-return]
        return Details()

    def _put_capabilities(self, record: Dict[str, Any], data: bytes) -> None:
        from . import file_capabilities

        try:
            record["capabilities_text"] = file_capabilities.in_words(data)
        except ValueError as error:
            self._builder.error("capabilities of an executable", error, record["path"])

    def _user(self, uid: int) -> Optional[str]:
        try:
            return self._target.accounts.name_of(uid)
        except OSError:
            return None

    def _group(self, gid: int) -> Optional[str]:
        if self._groups is None:
            self._groups = {}
            try:
                lines = read_file(self._target.path("/etc/group"), _LIMIT).data.split(b"\n")
            except OSError as error:
                self._builder.error("groups", error, "/etc/group")
                return None
            for fields in (line.split(b":") for line in lines):
                if len(fields) > 3 and fields[2].isdigit():
                    self._groups.setdefault(int(fields[2]), text(fields[0]))
        return self._groups.get(gid)


def _hold(mounts: Mounts, path: Any, status: os.stat_result, process: str) -> Optional[Details]:
    """Details of the file that a path opens, ``None`` when it is another one by now. Raises ``OSError``."""
    try:
        handle = open_known(path, status.st_dev, status.st_ino)
    except NotAFile:
        return Details()  # whoever wants its digest says so
    if handle is None:
        return None
    try:
        mount, capabilities, problem = mounts.of(handle, process), None, None
        try:
            capabilities = os.getxattr("/proc/self/fd/%d" % handle, _CAPABILITIES)
        except OSError as error:
            problem = error.strerror if error.errno not in _NONE else None
        return Details(mount, capabilities, problem)
    finally:
        os.close(handle)
