# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host while it is read: what several sections need is read once and kept here."""

import os
from typing import Dict, List, Optional, Set

from . import procfs
from .accounts import Accounts


class Target:
    """A host under ``root`` and ``proc``; tests point both at trees of their own."""

    def __init__(self, root: str = "/", proc: str = "/proc") -> None:
        self.root = root.rstrip("/")
        self.proc = proc
        self.is_root = os.geteuid() == 0
        self._accounts: Optional[Accounts] = None
        self._stats: Optional[Dict[int, procfs.Stat]] = None
        self._socket_owners: Optional[Dict[int, List[int]]] = None
        self._boot_time: Optional[float] = None
        self.unreadable_descriptors: Set[int] = set()
        self.programs_by_size: Optional[Dict[int, List[bytes]]] = None

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
        """``/proc/PID/stat`` of every process that was listed and still there, by pid."""
        if self._stats is None:
            self._stats = {}
            for pid in procfs.list_pids(self.proc):
                try:
                    self._stats[pid] = procfs.read_stat(self.proc, pid)
                except (OSError, ValueError, IndexError):
                    continue  # ended between the listing and the reading
        return self._stats

    @property
    def socket_owners(self) -> Dict[int, List[int]]:
        """Socket inode → pids that hold it. Pids whose descriptors we may not read are in ``unreadable_descriptors``."""
        if self._socket_owners is None:
            self._socket_owners = {}
            for pid in self.stats:
                self._add_sockets_of(pid, self._socket_owners)
        return self._socket_owners

    def _add_sockets_of(self, pid: int, owners: Dict[int, List[int]]) -> None:
        try:
            for descriptor in procfs.list_descriptors(self.proc, pid):
                if descriptor.target.startswith(b"socket:["):
                    holders = owners.setdefault(int(descriptor.target[8:-1]), [])
                    if pid not in holders:
                        holders.append(pid)
        except OSError as error:
            if not procfs.is_gone(error):
                self.unreadable_descriptors.add(pid)

    def uids_of(self, pid: int) -> Set[int]:
        """Every uid of a process, and the login it descends from; empty when it is gone."""
        try:
            fields = procfs.read_status(self.proc, pid).get("Uid", b"").split()
            login = procfs.read_loginuid(self.proc, pid)
        except OSError:
            return set()
        return {int(uid) for uid in fields} | ({login} if login is not None else set())

    @property
    def boot_time(self) -> float:
        """Seconds since 1970."""
        if self._boot_time is None:
            self._boot_time = procfs.boot_time(self.proc)
        return self._boot_time

    def started_at(self, stat: procfs.Stat) -> float:
        """When a process was started, in seconds since 1970."""
        return self.boot_time + stat.starttime / procfs.TICKS

    def own_pids(self) -> Set[int]:
        """This run: our process and its ancestors up to the session's leader, by ancestry and never by name."""
        own: Set[int] = set()
        pid = os.getpid()
        while pid > 1 and pid not in own:
            own.add(pid)
            stat = self.stats.get(pid)
            pid = stat.ppid if stat else 0
        return own
