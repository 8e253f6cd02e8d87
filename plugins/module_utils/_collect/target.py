# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host while it is read: what several sections need is read once and kept here."""

import os
import time
from typing import Dict, Iterable, List, Optional, Set

from . import procfs
from .accounts import Accounts
from .file_servers import FileServers
from .section import SectionBuilder

# A process may hold a million descriptors. Past a total, the others still get their share.
MAX_DESCRIPTORS = 50000
_MAX_DESCRIPTORS_IN_ALL = 500000
_MAX_DESCRIPTORS_OF_THREADS = 20000
_SHARE_OF_DESCRIPTORS = 1000
_CLOCK_BOOTTIME = 7  # include/uapi/linux/time.h; Python has the name from 3.7 on


class Target:
    """A host under ``root`` and ``proc``; tests point both at trees of their own."""

    def __init__(self, root: str = "/", proc: str = "/proc") -> None:
        self.root = root.rstrip("/")
        self.proc = proc
        self.is_root = os.geteuid() == 0
        self.file_servers = FileServers(proc)
        self._accounts: Optional[Accounts] = None
        self._stats: Optional[Dict[int, procfs.Stat]] = None
        self._boot_time: Optional[float] = None
        self._descriptors_left = 0
        self.no_list: Optional[OSError] = None
        self.unreadable_descriptors: Set[int] = set()
        self.cut_descriptors: Set[int] = set()
        self.unreadable_processes: Set[int] = set()
        self.covered: Set[int] = set()
        self.programs_by_size: Optional[Dict[int, List[bytes]]] = None
        self.digests_of_programs: Dict[bytes, Optional[str]] = {}
        # As they were read last: what only counts sockets need not read them again.
        self.socket_owners: Optional[Dict[int, List[int]]] = None

    def path(self, absolute: str) -> str:
        """Where a file of the host is found."""
        return self.root + absolute

    @property
    def accounts(self) -> Accounts:
        """The accounts of the host. Raises ``OSError``."""
        if self._accounts is None:
            self._accounts = Accounts(self.root or "/")
        return self._accounts

    @property
    def stats(self) -> Dict[int, procfs.Stat]:
        """``/proc/PID/stat`` of every process that was listed and still there, by pid.

        Left out are pids in ``unreadable_processes``, and in ``covered`` those whose directory shows another process. There are none
        where /proc cannot be listed: ``no_list`` says why.
        """
        if self._stats is None:
            self._stats = {}
            try:
                pids = procfs.list_pids(self.proc)
            except OSError as error:
                pids, self.no_list = [], error
            for pid in pids:
                self._add_stat_of(pid, self._stats)
        return self._stats

    def place(self, pid: int) -> procfs.Place:
        """Where a process is found below /proc: what a zombie shows nothing of, its other threads do."""
        stat = self.stats.get(pid)
        if stat is None or not stat.is_headless:
            return pid
        try:
            return procfs.living_thread(self.proc, pid)
        except OSError:
            return pid

    def _add_stat_of(self, pid: int, stats: Dict[int, procfs.Stat]) -> None:
        try:
            stat = procfs.read_stat(self.proc, pid)
        except (OSError, ValueError, IndexError) as error:
            # It may also have ended between the listing and the reading.
            if isinstance(error, OSError) and not procfs.is_gone(error):
                self.unreadable_processes.add(pid)
            return
        if stat.pid == pid:
            stats[pid] = stat
        else:
            self.covered.add(pid)

    def read_socket_owners(self) -> Dict[int, List[int]]:
        """Socket inode → pids that hold it now; they need not be in ``stats``, which is of another moment.

        Pids whose descriptors we may not read are in ``unreadable_descriptors``, those with more than are read in ``cut_descriptors``.
        """
        owners: Dict[int, List[int]] = {}
        self._descriptors_left = _MAX_DESCRIPTORS_IN_ALL
        self.unreadable_descriptors.clear()
        self.cut_descriptors.clear()
        for pid in procfs.list_pids(self.proc):
            if pid not in self.covered:
                self._add_sockets_of(pid, owners)
        self.socket_owners = owners
        return owners

    def owners_among_threads(self, inodes: Set[int]) -> Dict[int, List[int]]:
        """Socket inode → pids, of sockets that no process seems to hold: a thread may have descriptors of its own (``CLONE_FILES``, unshare(2))."""
        owners: Dict[int, List[int]] = {}
        left = _MAX_DESCRIPTORS_OF_THREADS
        for stat in self.stats.values():
            if stat.num_threads < 2 or stat.pid in self.covered:
                continue
            try:
                for tid in procfs.list_threads(self.proc, stat.pid):
                    for descriptor in procfs.list_descriptors(self.proc, "%d/task/%d" % (stat.pid, tid), left):
                        left -= 1
                        inode = int(descriptor.target[8:-1]) if descriptor.target.startswith(b"socket:[") else None
                        if inode in inodes and stat.pid not in owners.get(inode, []):
                            owners.setdefault(inode, []).append(stat.pid)
            except OSError:
                continue  # it has ended, or is not ours to look at
            if left <= 0:
                break
        return owners

    def _add_sockets_of(self, pid: int, owners: Dict[int, List[int]]) -> None:
        limit = MAX_DESCRIPTORS if self._descriptors_left > 0 else _SHARE_OF_DESCRIPTORS
        count = 0
        try:
            for descriptor in procfs.list_descriptors(self.proc, self.place(pid), limit + 1):
                count += 1
                if descriptor.target.startswith(b"socket:["):
                    holders = owners.setdefault(int(descriptor.target[8:-1]), [])
                    if not holders or holders[-1] != pid:
                        holders.append(pid)
        except OSError as error:
            if not procfs.is_gone(error):
                self.unreadable_descriptors.add(pid)
        self._descriptors_left -= count
        if count > limit:
            self.cut_descriptors.add(pid)

    def uids_asked_for(self, users: Optional[Iterable[str]], builder: SectionBuilder) -> Optional[Set[int]]:
        """The uids of users asked for, ``None`` when nobody was; who is unknown goes to the section's errors."""
        if not users:
            return None
        try:
            uids, unknown = self.accounts.uids_of(users)
        except OSError as error:
            builder.error("accounts", error, "/etc/passwd")
            return {int(user) for user in users if user.isdecimal()}
        for user in unknown:
            builder.error("user asked for", "no account of that name in /etc/passwd", user)
        return uids

    def uids_of(self, pid: int) -> Set[int]:
        """Every uid of a process, and the login it descends from; empty when it is gone."""
        try:
            fields = procfs.read_status(self.proc, self.place(pid)).get("Uid", b"").split()
            login = procfs.read_loginuid(self.proc, pid)
        except OSError:
            return set()
        return {int(uid) for uid in fields} | ({login} if login is not None else set())

    @property
    def boot_time(self) -> float:
        """Seconds since 1970, by the clock as it is set now: the kernel counts back from that."""
        if self._boot_time is None:
            try:
                self._boot_time = procfs.boot_time(self.proc)
            except (OSError, ValueError, IndexError):
                self._boot_time = time.time() - time.clock_gettime(_CLOCK_BOOTTIME)
        return self._boot_time

    def started_at(self, stat: procfs.Stat) -> float:
        """When a process was started, in seconds since 1970."""
        return self.boot_time + stat.starttime / procfs.TICKS

    def own_pids(self) -> Set[int]:
        """This run: our process, its children, and its ancestors up to the session's own, by ancestry and never by name.

        A daemon right below process 1 that gave our branch a session of its own (sshd, cron, a terminal multiplexer) serves
        others as well: it is not this run.
        """
        own: Set[int] = {pid for pid, stat in self.stats.items() if stat.ppid == os.getpid()}
        pid, below = os.getpid(), None
        while pid > 1 and pid not in own:
            stat = self.stats.get(pid)
            if below and stat and stat.ppid <= 1 and below.session == below.pid:
                break
            own.add(pid)
            pid, below = (stat.ppid, stat) if stat else (0, None)
        return own
