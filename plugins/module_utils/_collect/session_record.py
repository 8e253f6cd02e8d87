# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One session as a record ``session``. What the kernel says stands before what a record says; a difference is kept beside it."""

import time
from typing import Any, Dict, Iterator, List, Optional, Tuple

from . import procfs
from .reading import iso_time, put, put_list, text
from .remote_ends import RemoteEnds
from .section import SectionBuilder
from .session_merge import Draft
from .session_processes import last_typed
from .target import Target

_UTMP_NAME = 32  # bytes that utmp has room for


class SessionReader:
    """Makes records of drafts; what it may not read goes to the section's errors."""

    def __init__(self, target: Target, builder: SectionBuilder) -> None:
        self._target = target
        self._builder = builder
        self._own = target.own_pids()
        self._ends = RemoteEnds(target, builder)

    def read(self, draft: Draft) -> Dict[str, Any]:
        """The record of a session."""
        record: Dict[str, Any] = {}
        self._account(record, draft)
        self._place(record, draft)
        self._times(record, draft)
        self._processes(record, draft)
        login = draft.login
        record["service"] = self._service(draft)
        record["type"] = login.type if login else None
        record["session"] = login.id if login else None
        record["state"] = login.state if login else None
        known = (("utmp", draft.record), ("logind", login), ("processes", draft.members))
        record["sources"] = [name for name, knows in known if knows]
        record["stale"] = not draft.members
        record["is_damaged"] = bool(draft.record and draft.record.is_damaged)
        record["is_own"] = any(pid in self._own for pid in _heads(draft)) and bool(draft.members)
        return record

    def _account(self, record: Dict[str, Any], draft: Draft) -> None:
        uid = self._uid(draft)
        names = list(_recorded_users(draft))
        if uid is None:
            put(record, "user", names[0] if names else None)
            record["uid"] = self._uid_of(names[0]) if names else None
            record["recorded_user"] = None
            return
        record["uid"] = uid
        # Accounts may share a uid: the name that was logged in with is the better one.
        name = self._name_of(uid)
        fitting = [other for other in names if self._uid_of(other) == (None if name is None else uid)]
        put(record, "user", fitting[0] if fitting else name)
        others = [other for other in names if other not in fitting]
        put(record, "recorded_user", others[0] if others else None)

    def _uid(self, draft: Draft) -> Optional[int]:
        """The account by the kernel or by logind; ``None`` where only a record of utmp is left."""
        if draft.login and draft.login.uid is not None:
            return draft.login.uid
        if draft.connection:
            return self._uid_of_process(draft.connection.worker)
        if draft.terminal:
            leader = draft.terminal.leader
            if leader.comm == b"login":
                children = [stat for stat in self._target.stats.values() if stat.ppid == leader.pid]
                leader = children[0] if children else leader
            return self._uid_of_process(leader.pid)
        return self._uid_of_process(draft.members[0]) if draft.members else None

    def _uid_of_process(self, pid: int) -> Optional[int]:
        try:
            return int(procfs.read_status(self._target.proc, pid)["Uid"].split()[0])
        except (OSError, KeyError, IndexError, ValueError):
            return None

    def _uid_of(self, name: bytes) -> Optional[int]:
        try:
            account = self._target.accounts.by_name(name)
            if account is None and len(name) == _UTMP_NAME:
                account = next((one for one in self._target.accounts.all if one.name.startswith(name)), None)
        except OSError:
            return None
        return account.uid if account else None

    def _name_of(self, uid: int) -> Optional[bytes]:
        try:
            account = self._target.accounts.by_uid(uid)
        except OSError as error:
            self._builder.error("accounts", error, "/etc/passwd")
            return None
        return account.name if account else None

    def _place(self, record: Dict[str, Any], draft: Draft) -> None:
        put(record, "terminal", _terminal(draft))
        end = self._ends.of(_holders(draft))
        hosts = list(_recorded_hosts(draft))
        if end:
            put(record, "from", end.address.encode("ascii"))
            differing = [host for host in hosts if host.partition(b"%")[0] != end.address.encode("ascii")]
            put(record, "recorded_from", differing[0] if differing else None)
        else:
            put(record, "from", hosts[0] if hosts else None)
            differing = [host for host in hosts if host != hosts[0]]
            put(record, "recorded_from", differing[0] if differing else None)
        record["from_port"] = end.port if end else None

    def _times(self, record: Dict[str, Any], draft: Draft) -> None:
        record["login_at"] = iso_time(self._began(draft))
        typed = last_typed(self._target, draft.terminal) if draft.terminal else None
        record["idle"] = None if typed is None else round(max(0.0, time.time() - typed), 2)

    def _began(self, draft: Draft) -> Optional[float]:
        if draft.login and draft.login.started_at:
            return draft.login.started_at
        if draft.record and not draft.record.is_damaged:
            return draft.record.at
        head = draft.terminal.leader if draft.terminal else self._target.stats.get(draft.leader or 0)
        if draft.members and head:
            return self._target.started_at(head)
        return draft.record.at or None if draft.record else None

    def _processes(self, record: Dict[str, Any], draft: Draft) -> None:
        stats = [self._target.stats[pid] for pid in draft.members]
        front = self._in_front(draft, stats)
        record["pid"] = draft.leader
        record["outer_pid"] = draft.outer.leader if draft.outer else None
        record["foreground_pid"] = front.pid if front else None
        put_list(record, "command", self._argv(front) if front else [])
        record["cpu_seconds"] = _cpu_seconds(stats)
        record["foreground_cpu_seconds"] = _cpu_seconds([front]) if front else None
        record["processes"] = len(stats)
        record["rss"] = sum(stat.rss for stat in stats) * procfs.PAGE

    def _in_front(self, draft: Draft, stats: List[procfs.Stat]) -> Optional[procfs.Stat]:
        if draft.terminal:
            leader = draft.terminal.leader
            group = [stat for stat in stats if stat.pgrp == leader.tpgid and stat.session == leader.session]
            # login stays in the group of the shell that it waits for.
            others = [stat for stat in group if stat.pid != leader.pid or leader.comm != b"login"]
            leads = [stat for stat in others if stat.pid == stat.pgrp]
            return max(leads or others or group or [leader], key=_age)
        heads = set(_heads(draft))
        children = [stat for stat in stats if stat.ppid in heads and stat.pid not in heads]
        # A command of a shared connection stands for itself; a tunnel has nothing but its server: not the monitor, which is root's.
        alone = draft.connection.worker if draft.connection and draft.outer is None else draft.leader
        rest = [stat for stat in stats if stat.pid == alone] or stats
        found = (children if draft.outer is None else []) or rest
        return max(found, key=_age) if found else None

    def _argv(self, stat: procfs.Stat) -> List[bytes]:
        try:
            argv = procfs.read_argv(self._target.proc, stat.pid)
        except OSError as error:
            if not procfs.is_gone(error):
                self._builder.error("command line", error, "pid %d" % stat.pid)
            return []
        # A process that writes its own title leaves NULs behind it.
        while argv and not argv[-1] and len(argv) > 1:
            argv.pop()
        return argv

    def _service(self, draft: Draft) -> Optional[str]:
        if draft.login and draft.login.service:
            return draft.login.service
        if draft.connection:
            return "sshd"
        if draft.terminal is None:
            return None
        if draft.terminal.leader.comm == b"login":
            return "login"
        parent = self._target.stats.get(draft.terminal.leader.ppid)
        return text(parent.comm) if parent and parent.pid > 1 else None


def _age(stat: procfs.Stat) -> Tuple[int, int]:
    return stat.starttime, stat.pid


def _cpu_seconds(stats: List[procfs.Stat]) -> float:
    return round(sum(stat.utime + stat.stime for stat in stats) / procfs.TICKS, 2)


def _terminal(draft: Draft) -> Optional[bytes]:
    if draft.terminal:
        return draft.terminal.name.encode("ascii")
    if draft.login and draft.login.terminal:
        return draft.login.terminal
    return draft.record.line or None if draft.record else None


def _heads(draft: Draft) -> List[int]:
    """The processes through which it came: a further terminal of a connection has its own only."""
    heads = [draft.leader] if draft.leader else []
    if draft.connection and draft.outer is None:
        heads += draft.connection.pids
    return heads + ([draft.terminal.leader.pid] if draft.terminal else [])


def _holders(draft: Draft) -> Iterator[int]:
    """Who may hold the connection: sshd's processes, or whoever opened the terminal."""
    if draft.connection:
        yield from draft.connection.pids
    elif draft.terminal:
        yield draft.terminal.leader.pid
        if draft.terminal.leader.ppid > 1:
            yield draft.terminal.leader.ppid
    elif draft.login and draft.members and draft.leader:
        yield draft.leader


def _recorded_users(draft: Draft) -> Iterator[bytes]:
    if draft.record and draft.record.user:
        yield draft.record.user
    if draft.login and draft.login.user:
        yield draft.login.user
    if draft.connection and draft.connection.user:
        yield draft.connection.user


def _recorded_hosts(draft: Draft) -> Iterator[bytes]:
    """What logind has comes first: more programs than root's may write utmp."""
    login = draft.login or (draft.outer.login if draft.connection and draft.outer else None)
    if login and login.remote_host:
        yield login.remote_host
    if draft.record and draft.record.host:
        yield draft.record.host
    elif draft.record and draft.record.address:
        yield draft.record.address.encode("ascii")
