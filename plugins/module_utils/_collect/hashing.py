# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests of files, in threads (hashlib lets go of the interpreter's lock), in bounded memory and of a bounded amount."""

import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

from .reading import kind_of, reason_of

_CHUNK = 1 << 20
_WORKERS = 4
_MOST_IN_ALL = 1 << 32  # of sparse files, a user has terabytes for nothing
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
        # Without O_PATH, a device that is there by now would notice that it is opened.
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
        return _GONE
    except OSError as error:
        return Digests({}, reason_of(error))
    try:
        found = os.fstat(handle)
        if (found.st_dev, found.st_ino) != (status.st_dev, status.st_ino):
            return _GONE
        if not stat.S_ISREG(found.st_mode):
            return Digests({}, "is a %s, not a regular file" % kind_of(found.st_mode))
        if found.st_size > max_size:
            return Digests({}, "is larger than max_file_size: %d bytes" % found.st_size)
        return Digests(_digest(handle, algorithms, max_size))
    except OSError as error:
        return Digests({}, reason_of(error))
    finally:
        os.close(handle)


def _open_to_read(handle: int) -> int:
    """The access time is evidence: it is left alone where we may (open(2), O_NOATIME)."""
    path, flags = "/proc/self/fd/%d" % handle, os.O_RDONLY | os.O_CLOEXEC
    try:
        return os.open(path, flags | os.O_NOATIME)
    except PermissionError:
        return os.open(path, flags)


def _digest(handle: int, algorithms: Iterable[str], max_size: int) -> Dict[str, str]:
    digests = {name: digest for name, digest in ((name, _new(name)) for name in algorithms) if digest is not None}
    descriptor = _open_to_read(handle)
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


def digest_all(jobs: Dict[int, Job], algorithms: Iterable[str], max_size: int) -> Dict[int, Digests]:
    """Hash many files; the answer is by the jobs' keys. The smallest come first, so that giants only cost themselves."""
    names = list(algorithms)
    affordable, answers = _affordable(jobs, max_size)
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        for key, digests in zip(affordable, pool.map(lambda key: _digest_job(jobs[key], names, max_size), affordable)):
            answers[key] = digests
    return answers


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


def _digest_job(job: Job, names: List[str], max_size: int) -> Digests:
    for path in job.paths:
        digests = digest_file(path, job.status, names, max_size)
        if digests != _GONE:
            return digests
    return _GONE
