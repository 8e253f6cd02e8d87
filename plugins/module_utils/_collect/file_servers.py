# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""File systems that another process or host answers for (FUSE, NFS …), and that may never answer.

A request that a FUSE server has taken is waited for even after SIGKILL (fs/fuse/dev.c, ``request_wait_answer``): a thread that asks
would keep this run from ever ending. So a child of ours asks. One that gets no answer is left behind, holds nothing of ours, and
ends with the file system.
"""

import errno
import os
import pickle
import select
import signal
import stat
import struct
import threading
import time
from contextlib import suppress
from typing import Any, Callable, Dict, List, Optional, Set, Tuple, Union

from .mounts import mount_number, parse_mountinfo
from .reading import read_kernel, text

Path = Union[str, bytes]

PATIENCE = 2.0  # seconds
# A hostile host may have any number of them, and the run has to end.
_MOST_SILENT = 5
_SERVED = (b"fuse", b"nfs", b"cifs", b"smb", b"9p", b"ceph", b"afs", b"autofs", b"lustre", b"glusterfs", b"gpfs", b"coda", b"orangefs")
# How the kernel names the devices behind these (/sys/class/bdi): by number, or by the type of the file system.
_DEVICES = ("0:",) + tuple(kind.decode("ascii") for kind in _SERVED)
_LINK = b"what a link leads to"
_UNKNOWN = b"an unknown file system"
_HEAD = struct.Struct("=I")


class NoAnswer(OSError):
    """A file system did not answer in time; ``strerror`` names its type."""

    def __init__(self, kind: bytes, seconds: float) -> None:
        super().__init__(errno.ETIMEDOUT, "lies on %s, which did not answer within %g seconds" % (text(kind), seconds))


class FileServers:
    """The file systems of a host that may not answer. A host without any costs nothing but a look."""

    def __init__(self, proc: str = "/proc", devices: str = "/sys/class/bdi") -> None:
        self._proc = os.fsencode(proc)
        self._devices = devices
        self._exist: Optional[bool] = None
        self._kinds: Dict[int, Optional[bytes]] = {}
        self._safe_folders: Set[bytes] = set()
        self._silent: Set[Optional[int]] = set()
        self._asker: Optional[_Asker] = None
        self._lock = threading.Lock()

    @property
    def exist(self) -> bool:
        """Whether there may be one, in any mount namespace."""
        if self._exist is None:
            try:
                self._exist = any(name.startswith(_DEVICES) for name in os.listdir(self._devices))
            except OSError:
                self._exist = True
        return self._exist

    def ask(self, path: Path, call: Callable[..., Any], *arguments: Any, seconds: float = PATIENCE) -> Any:
        """Return ``call(*arguments)``, which touches ``path``; where that may never answer, within ``seconds``.

        ``call`` is a function of a module, its arguments and its answer can be pickled. Raises what it raises, and ``NoAnswer``. A magic link of
        proc(5) is followed when it is the end of ``path`` (``/proc/PID/exe``), or the root of a process in front of it (``/proc/PID/root/…``).
        """
        if not self.exist:
            return call(*arguments)
        mount, kind = self._served_by(os.fsencode(path))
        if kind is None:
            return call(*arguments)
        with self._lock:
            if mount in self._silent or len(self._silent) >= _MOST_SILENT:
                raise NoAnswer(kind, seconds)
            self._asker = self._asker or _Asker()
            try:
                return self._asker.ask(call, arguments, seconds)
            except _Silence:
                self._asker.abandon()
                self._asker = None
                self._silent.add(mount)
                raise NoAnswer(kind, seconds) from None

    def _served_by(self, path: bytes) -> Tuple[Optional[int], Optional[bytes]]:
        """Mount and type of the first served file system on the way to a path; no type when nothing on the way is served.

        ``O_PATH`` (open(2)) sends no request for what a mount or a magic link leads to, only for a name looked up in a folder.
        """
        start, names = self._way(path)
        folder = os.path.dirname(path)
        if names and folder in self._safe_folders:
            start, names = folder, names[-1:]
        try:
            handle = os.open(start, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return None, None  # to ask for it says the same
        try:
            mount, kind = self._mount_of(handle, path)
            for name in names:
                if kind is not None:
                    return mount, kind
                handle, above = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=handle), handle
                os.close(above)
                mount, kind = self._mount_of(handle, path)
            if kind is None and names:
                self._safe_folders.add(folder)
                if stat.S_ISLNK(os.fstat(handle).st_mode):
                    return None, _LINK
            return mount, kind
        except NotADirectoryError:
            return None, _LINK  # in the middle of the way
        except OSError:
            return None, None
        finally:
            os.close(handle)

    def _way(self, path: bytes) -> Tuple[bytes, List[bytes]]:
        """Where a path begins, what may be opened as it is; and the names after it."""
        parts = [part for part in path.split(b"/") if part not in (b"", b".")]
        if not path.startswith(self._proc + b"/"):
            return b"/", parts
        # /proc/PID/root, or /proc/PID/task/TID/root
        depth = next((number + 1 for number, part in enumerate(parts[: self._proc.count(b"/") + 4]) if part == b"root"), None)
        return (path, []) if depth is None else (b"/" + b"/".join(parts[:depth]), parts[depth:])

    def _mount_of(self, handle: int, path: bytes) -> Tuple[Optional[int], Optional[bytes]]:
        """Id and, where it is served, type of the mount of an open file (``/proc/self/fdinfo``, ``/proc/PID/mountinfo``)."""
        mount = mount_number(os.fsdecode(self._proc), handle)
        if mount not in self._kinds:
            self._read_mounts(b"%s/self" % self._proc)
        if mount not in self._kinds and path.startswith(self._proc + b"/"):
            self._read_mounts(b"/".join(path.split(b"/")[: self._proc.count(b"/") + 2]))
        # One that was unmounted while in use (umount -l) is in no table.
        return mount, self._kinds.get(mount, _UNKNOWN)

    def _read_mounts(self, process: bytes) -> None:
        for line in parse_mountinfo(read_kernel(process + b"/mountinfo")):
            self._kinds[line.number] = line.kind if line.kind.startswith(_SERVED) else None


class _Silence(Exception):
    """No answer came in time."""


class _Asker:
    """A child of ours that calls functions for us, one at a time, and holds nothing open but its two pipes."""

    def __init__(self) -> None:
        requests, self._to = os.pipe()
        self._from, answers = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                _answer_all(requests, answers)
            finally:
                os._exit(0)  # without what Python does at its end: that is for us to do
        os.close(requests)
        os.close(answers)

    def ask(self, call: Callable[..., Any], arguments: Tuple[Any, ...], seconds: float) -> Any:
        """Return what the call returns, or raise the ``OSError`` that it raises. Raises ``_Silence``."""
        deadline = time.monotonic() + seconds
        _send(self._to, pickle.dumps((call, arguments)))
        try:
            answer, error = pickle.loads(_receive(self._from, deadline))  # noqa: S301  of our own child
        except EOFError:
            raise _Silence from None
        if error is not None:
            raise error
        return answer

    def abandon(self) -> None:
        """Let go of a child that waits. It dies as soon as the kernel lets it."""
        os.kill(self._pid, signal.SIGKILL)
        os.close(self._to)
        os.close(self._from)


def _answer_all(requests: int, answers: int) -> None:
    """Run in the child: answer until we have ended."""
    with suppress(EOFError, OSError):
        _hold_only(requests, answers)
        while True:
            call, arguments = pickle.loads(_receive(requests))  # noqa: S301  of our own parent
            _send(answers, pickle.dumps(_outcome(call, arguments)))


def _hold_only(requests: int, answers: int) -> None:
    """Close what we inherited: whoever waits for the end of our output must not wait for this child."""
    null = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in (requests, answers):
            with suppress(OSError):
                os.close(int(name))
    os.chdir("/")


def _outcome(call: Callable[..., Any], arguments: Tuple[Any, ...]) -> Tuple[Any, Optional[OSError]]:
    try:
        return call(*arguments), None
    except OSError as error:
        return None, error


def _send(descriptor: int, data: bytes) -> None:
    data = _HEAD.pack(len(data)) + data
    while data:
        data = data[os.write(descriptor, data) :]


def _receive(descriptor: int, deadline: Optional[float] = None) -> bytes:
    (size,) = _HEAD.unpack(_read(descriptor, _HEAD.size, deadline))
    return _read(descriptor, size, deadline)


def _read(descriptor: int, size: int, deadline: Optional[float]) -> bytes:
    data = b""
    while len(data) < size:
        if deadline is not None and not _is_ready(descriptor, deadline - time.monotonic()):
            raise _Silence
        chunk = os.read(descriptor, size - len(data))
        if not chunk:
            raise EOFError
        data += chunk
    return data


def _is_ready(descriptor: int, seconds: float) -> bool:
    poll = select.poll()  # select(2) knows no descriptor above 1023
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))
