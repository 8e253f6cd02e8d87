# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests of files, in threads (hashlib lets go of the interpreter's lock), in bounded memory and of a bounded amount."""

import errno
import hashlib
import os
import stat
import threading
import time
from collections import deque
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Tuple

from .file_servers import PATIENCE, FileServers
from .reading import NotAFile, kind_of, reason_of

_CHUNK = 1 << 20
_WORKERS = 4
_MOST_IN_ALL = 1 << 32  # of sparse files, a user has terabytes for nothing
_SECONDS_IN_ALL = 120.0
# What a file system that another host answers for may take for a large file.
_SLOWEST = 20 << 20  # bytes a second
_MOST_SECONDS = 20.0
Path = Any  # str or bytes


class Job(NamedTuple):
    """A file to hash: the paths that lead to it, and what it is known to be. A path that leads to another file by now is passed over."""

    paths: List[Path]
    status: os.stat_result


class Digests(NamedTuple):
    """Hexadecimal digests by algorithm; or ``error``, why there are none; or neither, when no path leads to the file any more."""

    by_algorithm: Dict[str, str]
    error: Optional[str] = None


_GONE = Digests({})


def digest_file(path: Path, status: os.stat_result, algorithms: Iterable[str], max_size: int) -> Digests:
    """Hash what a path opens (``/proc/PID/exe`` opens the running image itself), if it is the file with that status."""
    try:
        handle = open_known(path, status.st_dev, status.st_ino)
    except OSError as error:
        return Digests({}, reason_of(error))
    if handle is None:
        return _GONE
    try:
        size = os.fstat(handle).st_size
        if size > max_size:
            return Digests({}, "is larger than max_file_size: %d bytes" % size)
        return Digests(_digest(handle, algorithms, max_size))
    except OSError as error:
        return Digests({}, reason_of(error))
    finally:
        os.close(handle)


def open_known(path: Path, device: int, inode: int) -> Optional[int]:
    """Take hold (``O_PATH``, open(2)) of a regular file that is known; ``None`` when the path leads to no or to another file by now.

    Raises ``NotAFile`` or another ``OSError``.
    """
    try:
        # Without O_PATH, a device that is there by now would notice that it is opened.
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
        return None
    status = os.fstat(handle)
    if (status.st_dev, status.st_ino) == (device, inode) and stat.S_ISREG(status.st_mode):
        return handle
    os.close(handle)
    if (status.st_dev, status.st_ino) != (device, inode):
        return None
    raise NotAFile(path, kind_of(status.st_mode))


def open_to_read(handle: int) -> int:
    """Open what ``open_known`` holds. The access time is evidence: it is left alone where we may (open(2), O_NOATIME).

    Whoever has a lease on the file could make us wait for 45 seconds (fcntl(2), F_SETLEASE): he is told, and the file refused.
    """
    path, flags = "/proc/self/fd/%d" % handle, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        try:
            return os.open(path, flags | os.O_NOATIME)
        except PermissionError:
            return os.open(path, flags)
    except BlockingIOError:
        raise BlockingIOError(errno.EWOULDBLOCK, "is under a lease that another process has to give up first") from None


def _digest(handle: int, algorithms: Iterable[str], max_size: int) -> Dict[str, str]:
    digests = {name: digest for name, digest in ((name, _new(name)) for name in algorithms) if digest is not None}
    descriptor = open_to_read(handle)
    try:
        left = max_size
        while left > 0:  # a file may grow while it is read
            chunk = os.read(descriptor, min(_CHUNK, left))
            if not chunk:
                break
            left -= len(chunk)
            for digest in digests.values():
                digest.update(chunk)
    finally:
        os.close(descriptor)
    return {name: digest.hexdigest() for name, digest in digests.items()}


def _new(name: str) -> Any:
    """A digest, ``None`` where this Python has none. In FIPS mode MD5 has to be asked for as what it is here: no security."""
    try:
        return hashlib.new(name)
    except ValueError:
        pass
    try:
        return hashlib.new(name, usedforsecurity=False)  # novm: Python 3.9; an older one says TypeError
    except (TypeError, ValueError):
        return None


def digest_all(jobs: Dict[int, Job], algorithms: Iterable[str], max_size: int, servers: FileServers) -> Dict[int, Digests]:
    """Hash many files; the answer is by the jobs' keys. The smallest come first, so that giants only cost themselves."""
    names = list(algorithms)
    affordable, answers = _affordable(jobs, max_size)
    done = _in_threads(affordable, lambda key: _digest_job(jobs[key], names, max_size, servers), _SECONDS_IN_ALL)
    late = Digests({}, "was not hashed within the %g seconds that all files together may take, the smallest first" % _SECONDS_IN_ALL)
    answers.update((key, done.get(key, late)) for key in affordable)
    return answers


def _in_threads(keys: List[int], work: Callable[[int], Digests], seconds: float) -> Dict[int, Digests]:
    """What the work has given for each key in the time. No thread is waited for longer, not at the end of this run either."""
    waiting, done, deadline = deque(keys), {}, time.monotonic() + seconds

    def run() -> None:
        while waiting and time.monotonic() < deadline:
            try:
                key = waiting.popleft()
            except IndexError:  # another thread was faster
                return
            done[key] = work(key)

    threads = [threading.Thread(target=run, daemon=True) for _number in range(min(_WORKERS, len(keys)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return dict(done)


def _affordable(jobs: Dict[int, Job], max_size: int) -> Tuple[List[int], Dict[int, Digests]]:
    """The keys of the jobs that are to be done, and the answers for the others."""
    most = left = max(_MOST_IN_ALL, max_size)
    affordable, refused = [], {}
    for key in sorted(jobs, key=lambda key: jobs[key].status.st_size):
        size = jobs[key].status.st_size
        if size > max_size or size <= left:
            affordable.append(key)
            left -= 0 if size > max_size else size
        else:
            refused[key] = Digests({}, "no more than %d bytes are hashed in one run, the smallest files first" % most)
    return affordable, refused


def _digest_job(job: Job, names: List[str], max_size: int, servers: FileServers) -> Digests:
    seconds = PATIENCE + min(job.status.st_size / _SLOWEST, _MOST_SECONDS)
    for path in job.paths:
        try:
            digests: Digests = servers.ask(path, digest_file, path, job.status, names, max_size, seconds=seconds)
        except OSError as error:
            return Digests({}, reason_of(error))
        except Exception as error:  # noqa: BLE001  a thread that ends takes the answers of others with it
            return Digests({}, "%s: %s" % (type(error).__name__, error))
        if digests != _GONE:
            return digests
    return _GONE
