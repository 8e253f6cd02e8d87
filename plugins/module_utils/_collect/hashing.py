# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests of open files, in threads (hashlib lets go of the interpreter's lock) and in bounded memory."""

import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import Dict, Iterable, List, NamedTuple, Optional, Tuple, TypeVar

_CHUNK = 1 << 20
_WORKERS = 4
Key = TypeVar("Key")


class Digests(NamedTuple):
    """Hexadecimal digests by algorithm; or ``error``, why there are none."""

    by_algorithm: Dict[str, str]
    error: Optional[str] = None


def digest_file(path: str, algorithms: Iterable[str], max_size: int) -> Digests:
    """Hash what a path opens (``/proc/PID/exe`` opens the running image itself, whatever stands at its path)."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        return Digests({}, error.strerror)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return Digests({}, "is not a regular file")
        if status.st_size > max_size:
            return Digests({}, "is larger than max_file_size: %d bytes" % status.st_size)
        return Digests(_digest(descriptor, algorithms, max_size))
    except OSError as error:
        return Digests({}, error.strerror)
    finally:
        os.close(descriptor)


def _digest(descriptor: int, algorithms: Iterable[str], max_size: int) -> Dict[str, str]:
    digests = {name: hashlib.new(name) for name in algorithms}
    left = max_size
    while left > 0:  # a file may grow while it is read
        chunk = os.read(descriptor, min(_CHUNK, left))
        if not chunk:
            break
        left -= len(chunk)
        for digest in digests.values():
            digest.update(chunk)
    return {name: digest.hexdigest() for name, digest in digests.items()}


def digest_all(jobs: List[Tuple[Key, str]], algorithms: Iterable[str], max_size: int) -> Dict[Key, Digests]:
    """Hash many paths; the answer is by the jobs' keys."""
    names = list(algorithms)
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        digests = pool.map(lambda job: digest_file(job[1], names, max_size), jobs)
        return {job[0]: found for job, found in zip(jobs, digests)}
