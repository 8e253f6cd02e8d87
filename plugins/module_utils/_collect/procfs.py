# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One process as the kernel shows it. Sources: proc(5), Documentation/filesystems/proc.rst.

Every function raises ``OSError`` when the process is gone (ENOENT, ESRCH) or not ours to read (EACCES, EPERM).
"""

import errno
import os
from itertools import islice
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple, Union

from .reading import read_kernel

PF_KTHREAD = 0x00200000  # include/linux/sched.h
GONE = (errno.ENOENT, errno.ESRCH)

_NOT_SET = 4294967295  # (uid_t) -1
_ENDED = ("Z", "X")

# Where a process is found below /proc: its pid, "self", or one of its threads (PID/task/TID).
Place = Union[int, str]

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Stat(NamedTuple):
    """The fields of ``/proc/PID/stat`` that are used, under their names of proc(5); times in clock ticks."""

    pid: int
    comm: bytes
    state: str
    ppid: int
    pgrp: int
    session: int
    tty_nr: int
    tpgid: int
    flags: int
    utime: int
    stime: int
    nice: int
    num_threads: int
    starttime: int
    rss: int

    @property
    def is_kernel_thread(self) -> bool:
        """Decided by the kernel's own flag: names and empty command lines are under the control of the process."""
        return bool(self.flags & PF_KTHREAD)

    @property
    def is_headless(self) -> bool:
        """Whether the first thread has ended, so that all say zombie, while others live on (pthread_exit(3) in ``main``)."""
        return self.state in _ENDED and self.num_threads > 1


class Descriptor(NamedTuple):
    """An open file descriptor: its number, and the text of its link (``socket:[1234]``, ``/tmp/x (deleted)``)."""

    number: int
    target: bytes


def is_gone(error: OSError) -> bool:
    """Tell whether an error only means that the process ended meanwhile."""
    return error.errno in GONE


def list_pids(proc: str) -> List[int]:
    """The pids that the kernel lists, in ascending order."""
    return sorted(int(name) for name in os.listdir(proc) if name.isdigit())


def parse_stat(data: bytes) -> Stat:
    """Parse ``/proc/PID/stat``. The name may hold blanks, parentheses and newlines: only the last ``)`` ends it."""
    begin, end = data.index(b"("), data.rindex(b")")
    field = data[end + 2 :].split()
    number = [int(value) for value in field[1:]]  # number[i] is field i + 4 of proc(5)
    return Stat(
        pid=int(data[:begin]),
        comm=data[begin + 1 : end],
        state=field[0].decode("ascii", "replace"),
        ppid=number[0],
        pgrp=number[1],
        session=number[2],
        tty_nr=number[3],
        tpgid=number[4],
        flags=number[5],
        utime=number[10],
        stime=number[11],
        nice=number[15],
        num_threads=number[16],
        starttime=number[18],
        rss=number[20],
    )


def read_stat(proc: str, pid: Place) -> Stat:
    """Read ``/proc/PID/stat``."""
    return parse_stat(read_kernel("%s/%s/stat" % (proc, pid)))


def list_threads(proc: str, pid: int) -> List[int]:
    """The ids of the threads of a process."""
    return [int(name) for name in os.listdir("%s/%d/task" % (proc, pid))]


def living_thread(proc: str, pid: int) -> Place:
    """The place of a thread that has not ended; of the process itself where there is none."""
    for tid in list_threads(proc, pid):
        place = "%d/task/%d" % (pid, tid)
        try:
            if read_stat(proc, place).state not in _ENDED:
                return place
        except (OSError, ValueError, IndexError):
            continue
    return pid


def read_colon_file(path: str) -> Dict[str, bytes]:
    r"""Read a file of ``Name:\tvalue`` lines, such as ``status`` and ``io``."""
    fields = {}
    for line in read_kernel(path).split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon:
            fields[name.decode("ascii", "replace")] = value.strip()
    return fields


def read_status(proc: str, pid: Place) -> Dict[str, bytes]:
    """Read ``/proc/PID/status``."""
    return read_colon_file("%s/%s/status" % (proc, pid))


def read_loginuid(proc: str, pid: Place) -> Optional[int]:
    """The login that a process descends from, ``None`` where there never was one or the kernel keeps none."""
    try:
        value = int(read_kernel("%s/%s/loginuid" % (proc, pid), 64))
    except (FileNotFoundError, PermissionError, ValueError):
        return None
    return None if value == _NOT_SET else value


def read_argv(proc: str, pid: Place) -> List[bytes]:
    """The arguments, apart; none for kernel threads, zombies, and whoever asked prctl(2) for none; one empty argument is one."""
    data = read_kernel("%s/%s/cmdline" % (proc, pid), 1 << 21)
    if not data:
        return []
    return (data[:-1] if data.endswith(b"\0") else data).split(b"\0")


def read_environment(proc: str, pid: Place) -> List[Tuple[bytes, bytes]]:
    """The environment the process was started with, as (name, value); entries without ``=`` have an empty value."""
    entries = []
    for entry in read_kernel("%s/%s/environ" % (proc, pid), 1 << 21).split(b"\0"):
        if entry:
            name, _equals, value = entry.partition(b"=")
            entries.append((name, value))
    return entries


def read_link(proc: str, pid: Place, name: str) -> bytes:
    """The text of ``/proc/PID/<name>`` (``exe``, ``cwd``, ``root``, ``ns/net`` …)."""
    return os.readlink(os.fsencode("%s/%s/%s" % (proc, pid, name)))


def namespace(proc: str, pid: Place, kind: str) -> int:
    """The inode number that identifies a namespace of a process, or of ``"self"`` (namespaces(7)); ``kind`` as in ``ns/<kind>``."""
    return os.stat("%s/%s/ns/%s" % (proc, pid, kind)).st_ino


def list_descriptors(proc: str, pid: Place, limit: Optional[int] = None) -> Iterator[Descriptor]:
    """The open descriptors, at most ``limit``; one that is closed meanwhile is left out."""
    with os.scandir(os.fsencode("%s/%s/fd" % (proc, pid))) as entries:  # a process may have a million: never all names at once
        for entry in islice(entries, limit):
            try:
                yield Descriptor(int(entry.name), os.readlink(entry.path))
            except OSError as error:
                if not is_gone(error):
                    raise


def count_descriptors(proc: str, pids: Iterable[int], limit: int) -> int:
    """How many descriptors processes hold together; counting stops at ``limit``. Those that may not be seen are not counted."""
    count = 0
    for pid in pids:
        try:
            with os.scandir("%s/%s/fd" % (proc, pid)) as entries:
                count += sum(1 for _entry in islice(entries, limit - count))
        except OSError:
            continue
    return count


def boot_time(proc: str) -> float:
    """When the kernel booted, in seconds since 1970 (``btime`` of ``/proc/stat``)."""
    for line in read_kernel(proc + "/stat").split(b"\n"):
        if line.startswith(b"btime "):
            return float(line.split()[1])
    raise OSError(errno.EIO, "/proc/stat has no btime")


# Device numbers of terminals (Documentation/admin-guide/devices.txt); a pseudo terminal's majors are 136 to 143.
_TERMINALS = {4: "tty", 229: "hvc", 204: "ttyAMA", 188: "ttyUSB"}


def terminal_name(tty_nr: int) -> Optional[str]:
    """Name of a controlling terminal (``pts/3``, ``tty1``, ``ttyS0``), ``None`` for none; proc(5) has the bits of tty_nr."""
    if not tty_nr:
        return None
    major, minor = (tty_nr >> 8) & 0xFFF, (tty_nr & 0xFF) | ((tty_nr >> 12) & 0xFFF00)
    if 136 <= major <= 143:
        return "pts/%d" % (minor + 256 * (major - 136))
    if major == 4 and minor >= 64:
        return "ttyS%d" % (minor - 64)
    if major == 5 and minor == 1:
        return "console"
    return "%s%d" % (_TERMINALS[major], minor) if major in _TERMINALS else "%d:%d" % (major, minor)
