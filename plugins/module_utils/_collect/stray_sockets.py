# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets that stand in no table that was read: made in a network namespace that their process has left, and that nobody lives in.

Or passed over: the kernel shows its tables in pieces, and finds its place again by counting rows, of which some may have gone meanwhile.

A socket stays in the namespace that it was made in (network_namespaces(7)). Which one that is says only the socket itself (SIOCGSKNS, Linux 4.9),
so a copy of its descriptor is asked (pidfd_getfd(2), Linux 5.6) and closed again.
"""

import errno
import fcntl
import os
from itertools import islice
from typing import Any, Dict, Iterator, List, NamedTuple, Set, Tuple

from . import procfs
from .section import SectionBuilder
from .target import MAX_DESCRIPTORS, Target

_SIOCGSKNS = 0x894C
# The numbers are those of every architecture but alpha (asm-generic/unistd.h).
_PIDFD_OPEN, _PIDFD_GETFD = 434, 438
_PROTOCOLS = (b"TCP", b"UDP", b"RAW", b"PING", b"SCTP", b"PACKET", b"MPTCP")
_MOST = 5000
# Without these calls a stray cannot be told from a socket that was never bound, which stands in no table either.
_CANNOT_BE_ASKED = (errno.ENOSYS, errno.EPERM, errno.EINVAL, errno.ENOTTY)
_UNKNOWN = "was never bound, or is in a network namespace that its process has left: the kernel does not let us ask which"


class Found(NamedTuple):
    """A namespace that a stray socket is in: its number, the process that holds the socket, and an open descriptor of the namespace."""

    number: int
    pid: int
    descriptor: int


class Strays(NamedTuple):
    """``namespaces`` that were not known, and the inodes of sockets that a table that was read may have: to be looked for once more.

    Of sockets that could not be asked ``unasked`` has pid and descriptor.
    """

    namespaces: List[Found]
    perhaps_passed_over: Set[int]
    unasked: Dict[int, Tuple[int, int]]

    def close(self) -> None:
        """Let go of the namespaces."""
        for found in self.namespaces:
            os.close(found.descriptor)

    def report(self, target: Target, builder: SectionBuilder) -> None:
        """Say which of those that could not be asked are still in no table and still there.

        What was started after us is left out: every socket is in no table from its making until it is bound.
        """
        ours = target.stats.get(os.getpid())
        for inode, (pid, number) in self.unasked.items():
            stat = target.stats.get(pid)
            if stat is None or (ours is not None and stat.starttime >= ours.starttime):
                continue
            try:
                is_there = inode in self.perhaps_passed_over and procfs.read_link(target.proc, pid, "fd/%d" % number) == b"socket:[%d]" % inode
            except OSError:
                continue  # it came and went while we looked
            if is_there:
                builder.error("socket in no table", _UNKNOWN, "pid %d" % pid)


def follow(target: Target, strays: Dict[int, List[int]], known: Set[int], builder: SectionBuilder) -> Strays:
    """Ask where sockets (inode → pids) are; ``known`` are numbers of namespaces. The caller closes the descriptors of those that were not."""
    found: Dict[int, Found] = {}
    passed_over: Set[int] = set()
    unasked: Dict[int, Tuple[int, int]] = {}
    for pid, number, inode in islice(_with_tables(target, strays, builder), _MOST):
        try:
            descriptor = _namespace_of(pid, number, inode)
        except OSError as error:
            if procfs.is_gone(error):
                continue
            passed_over.add(inode)
            if error.errno not in _CANNOT_BE_ASKED:
                builder.error("socket in no table", error, "pid %d" % pid)
            elif target.is_root:  # others may ask hardly any
                unasked[inode] = (pid, number)
            continue
        namespace = os.fstat(descriptor).st_ino
        if namespace in known:
            passed_over.add(inode)
        if namespace in known or namespace in found:
            os.close(descriptor)
        else:
            found[namespace] = Found(namespace, pid, descriptor)
    return Strays(list(found.values()), passed_over, unasked)


def _with_tables(target: Target, strays: Dict[int, List[int]], builder: SectionBuilder) -> Iterator[Tuple[int, int, int]]:
    """Pid, descriptor and inode of those whose protocol has a table; of each process the descriptors are read once."""
    looked = 0
    for pid in sorted({pids[0] for pids in strays.values()}):
        try:
            for descriptor in procfs.list_descriptors(target.proc, pid, MAX_DESCRIPTORS):
                inode = int(descriptor.target[8:-1]) if descriptor.target.startswith(b"socket:[") else None
                if inode not in strays:
                    continue
                looked += 1
                if looked > _MOST:
                    builder.reached("sockets in no table", _MOST)
                    return
                if os.getxattr("%s/%d/fd/%d" % (target.proc, pid, descriptor.number), "system.sockprotoname").startswith(_PROTOCOLS):
                    yield pid, descriptor.number, inode
        except OSError:
            continue  # it has ended, or is not ours to see


def _namespace_of(pid: int, number: int, inode: int) -> int:
    """A descriptor of the namespace that a process's socket is in. Raises ``OSError``."""
    process = _call(_PIDFD_OPEN, pid, 0)
    try:
        copy = _call(_PIDFD_GETFD, process, number, 0)
    finally:
        os.close(process)
    try:
        if os.fstat(copy).st_ino != inode:
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
        return fcntl.ioctl(copy, _SIOCGSKNS)
    finally:
        os.close(copy)


def _call(number: int, *arguments: int) -> int:
    """A system call that the C library may have no function for. Raises ``OSError``."""
    try:
        import ctypes

        library: Any = ctypes.CDLL(None, use_errno=True)
        library.syscall.restype = ctypes.c_long
    except (ImportError, AttributeError, OSError):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS)) from None
    result = int(library.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments)))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
