# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading hostile files, and carrying hostile bytes without loss."""

import base64
import errno
import os
import stat
import time
from typing import Any, Dict, Iterable, NamedTuple, Optional, Union

# O_NONBLOCK: a FIFO planted under a well-known name must not hang us. O_NOFOLLOW: root must not follow a user's link.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_HOLD = os.O_PATH | os.O_CLOEXEC
_MOST_LINKS = 40  # path_resolution(7)
_KINDS = (
    (stat.S_ISREG, "file"),
    (stat.S_ISDIR, "directory"),
    (stat.S_ISLNK, "link"),
    (stat.S_ISFIFO, "fifo"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "character device"),
    (stat.S_ISBLK, "block device"),
)

Path = Union[str, bytes]


class NotAFile(OSError):
    """Something that is not a regular file stands where a file should be; ``kind`` says what, ``strerror`` says so."""

    def __init__(self, path: Path, kind: str) -> None:
        super().__init__(errno.EINVAL, "is a %s, not a regular file" % kind, path)
        self.kind = kind


class Content(NamedTuple):
    """Bytes of a file, its ``os.stat_result``, and where in the file the bytes begin (0 unless it was cut)."""

    data: bytes
    stat: os.stat_result
    offset: int


def kind_of(mode: int) -> str:
    """Name the file type of a ``st_mode``."""
    for test, name in _KINDS:
        if test(mode):
            return name
    return "unknown"


def _open_quietly(path: Path, flags: int, dir_fd: Optional[int] = None) -> int:
    """Open without changing the access time, which is evidence, where we may (open(2), O_NOATIME)."""
    try:
        return os.open(path, flags | os.O_NOATIME, dir_fd=dir_fd)
    except PermissionError:
        return os.open(path, flags, dir_fd=dir_fd)


def open_file(path: Path, beneath: Optional[Path] = None) -> int:
    """Open a regular file for reading and return its descriptor.

    ``path`` itself is never followed when it is a link. With ``beneath``, ``path`` is relative to that directory and no
    component of it may be a link: use it below anything that a user owns.
    Raises ``NotAFile`` or another ``OSError``.
    """
    directory = None if beneath is None else _open_directory(beneath, path)
    try:
        name = path if directory is None else os.path.basename(path)
        try:
            descriptor = _open_quietly(name, _READ, directory)
        except OSError as error:
            # ELOOP: a link. ENXIO: a socket, or a device without a driver.
            if error.errno in (errno.ELOOP, errno.ENXIO):
                raise NotAFile(path, kind_of(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)) from None
            raise
    finally:
        if directory is not None:
            os.close(directory)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise NotAFile(path, kind_of(mode))
    return descriptor


def _open_directory(base: Path, relative: Path) -> int:
    """Open the directory that holds ``relative`` below ``base``, following no link on the way."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    descriptor = os.open(base, flags)
    for part in os.fsencode(os.path.dirname(relative)).split(b"/"):
        if part in (b"", b"."):
            continue
        try:
            deeper = os.open(part, flags | os.O_NOFOLLOW, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = deeper
    return descriptor


def stat_named(path: bytes) -> os.stat_result:
    """The status of the file that an absolute path leads to, for a path that an operator named below folders of anybody.

    A link is followed only if it belongs to root or to us, or is the kernel's own in procfs: a user's may lead to what only root can read.
    Each step is taken from a directory that is held open, so that nothing can be exchanged meanwhile. Raises ``OSError``.
    """
    procfs = os.stat("/proc").st_dev
    here = os.open("/", _HOLD)
    parts, links = path.split(b"/")[::-1], 0
    try:
        while parts:
            name = parts.pop()
            if name in (b"", b"."):
                continue
            step = os.open(name, _HOLD | os.O_NOFOLLOW, dir_fd=here)
            status = os.fstat(step)
            if stat.S_ISLNK(status.st_mode):
                links += 1
                target = b"" if status.st_dev == procfs else _target_of(step, status)
                os.close(step)
                if links > _MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                parts += target.split(b"/")[::-1]
                step = os.open("/" if target.startswith(b"/") else "." if target else name, _HOLD, dir_fd=here)
            os.close(here)
            here = step
        return os.fstat(here)
    finally:
        os.close(here)


def _target_of(link: int, status: os.stat_result) -> bytes:
    """Where a link that is held leads. Raises ``OSError`` for one that is not to be followed."""
    target = os.readlink(b"", dir_fd=link)
    if status.st_uid not in (0, os.geteuid()):
        os.close(link)
        raise OSError(errno.ELOOP, "a link of uid %d on the way, which is not followed, leads to %s" % (status.st_uid, text(target)))
    return target


def read_file(path: Path, limit: int, beneath: Optional[Path] = None, tail: bool = False) -> Content:
    """Read at most ``limit`` bytes of a regular file: its beginning, or its end when ``tail``.

    The file was cut when ``len(data) < stat.st_size``. Raises as ``open_file`` does.
    """
    descriptor = open_file(path, beneath)
    try:
        status = os.fstat(descriptor)
        offset = max(0, status.st_size - limit) if tail else 0
        if offset:
            os.lseek(descriptor, offset, os.SEEK_SET)
        return Content(_read_up_to(descriptor, limit), status, offset)
    finally:
        os.close(descriptor)


def _read_up_to(descriptor: int, limit: int) -> bytes:
    chunks = []
    while limit > 0:
        chunk = os.read(descriptor, min(limit, 1 << 20))
        if not chunk:
            break
        chunks.append(chunk)
        limit -= len(chunk)
    return b"".join(chunks)


def read_kernel(path: Path, limit: int = 1 << 24) -> bytes:
    """Read a file of procfs or sysfs, whose size is not known before; at most ``limit`` bytes. Raises ``OSError``."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        return _read_up_to(descriptor, limit)
    finally:
        os.close(descriptor)


def text(data: bytes) -> str:
    r"""Decode UTF-8; each byte that is not valid becomes ``\xNN``."""
    return data.decode("utf-8", "backslashreplace")


def is_text(data: bytes) -> bool:
    """Tell whether bytes survive ``text`` without loss."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def put(record: Dict[str, Any], name: str, data: Optional[bytes], limit: int = 4096) -> None:
    """Put bytes into a record as text; mark the field when it was clipped, keep its bytes where they are not UTF-8."""
    if data is None:
        record[name] = None
        return
    if len(data) > limit:
        data = data[:limit]
        record.setdefault("clipped", []).append(name)
    record[name] = text(data)
    if not is_text(data):
        record.setdefault("raw", {})[name] = base64.b64encode(data).decode("ascii")


def put_list(record: Dict[str, Any], name: str, parts: Iterable[bytes], limit: int = 65536) -> None:
    """Put a list of byte strings into a record; the raw bytes are kept NUL-separated. ``limit`` is for all together."""
    kept, left = [], limit
    for part in parts:
        if len(part) > left:
            kept.append(part[: max(left, 0)])
            record.setdefault("clipped", []).append(name)
            break
        kept.append(part)
        left -= len(part) + 1
    record[name] = [text(part) for part in kept]
    if not all(is_text(part) for part in kept):
        record.setdefault("raw", {})[name] = base64.b64encode(b"\0".join(kept)).decode("ascii")


def iso_time(epoch: Optional[float]) -> Optional[str]:
    """Seconds since 1970 as UTC, ISO 8601; ``None`` for what no calendar holds (a planted -1 or 2**62 must not raise)."""
    if epoch is None:
        return None
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch)) if 0 <= epoch < 253402300800 else None
    except (ValueError, OverflowError, OSError):
        return None


def reason_of(error: BaseException) -> str:
    """Say in words why something could not be read, without the path (which stands beside it)."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "%s: %s" % (type(error).__name__, error)
