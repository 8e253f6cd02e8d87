# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings together what sshd's processes, logind, the terminals and utmp each know of a session: one draft for each.

The kernel's view comes first; records are laid beside it, since records can be removed and forged.
"""

import re
from typing import Dict, List, Optional

from . import utmp
from .logind import LoginSession
from .session_processes import Terminal, ancestors, audit_session_of, login_session_of
from .ssh_connections import Connection
from .target import Target

# A process is there before its login is recorded; the clock of the boot time is rounded.
_SLACK = 5.0
_NEAR = 60.0
_TERMINAL_LINE = re.compile(rb"(?:pts/[0-9]+|tty[A-Za-z0-9]+)\Z")


class Draft:
    """A session while its sources are brought together. ``leader`` is a pid, ``members`` are those of all its processes."""

    def __init__(
        self, leader: Optional[int], terminal: Optional[Terminal] = None, connection: Optional[Connection] = None, outer: "Optional[Draft]" = None
    ) -> None:
        self.leader = leader
        self.terminal = terminal
        self.connection = connection
        self.login: Optional[LoginSession] = None
        self.record: Optional[utmp.Entry] = None
        self.outer = outer
        self.members: List[int] = []


class Merger:
    """Call the ``add_…`` methods in the order in which they stand here."""

    def __init__(self, target: Target, terminals: List[Terminal]) -> None:
        self.drafts: List[Draft] = []
        self._target = target
        self._free = {terminal.leader.pid: terminal for terminal in terminals}
        self._by_leader: Dict[int, Draft] = {}
        self._by_kernel_session: Dict[int, Draft] = {}
        self._by_login: Dict[str, Draft] = {}
        self._by_audit: Dict[int, Draft] = {}
        self._by_pid: Dict[int, Draft] = {}

    def _new(self, draft: Draft, *leaders: int) -> Draft:
        self.drafts.append(draft)
        for pid in leaders:
            self._by_leader.setdefault(pid, draft)
        if draft.terminal:
            self._by_kernel_session[draft.terminal.leader.session] = draft
            self._by_leader.setdefault(draft.terminal.leader.pid, draft)
            self._free.pop(draft.terminal.leader.pid, None)
        return draft

    def add_connection(self, connection: Connection) -> None:
        """A connection of sshd is one session; a shared one (ControlMaster) has more terminals, or commands without one, inside it."""
        children = [stat for stat in self._target.stats.values() if stat.ppid == connection.worker and stat.pid not in connection.pids]
        terminals = [self._free[stat.pid] for stat in sorted(children, key=lambda stat: stat.starttime) if stat.pid in self._free]
        first = self._new(Draft(connection.worker, terminals[0] if terminals else None, connection), *connection.pids)
        for terminal in terminals[1:]:
            self._new(Draft(terminal.leader.pid, terminal, connection, first))
        commands = [stat.pid for stat in children if not stat.tty_nr and stat.state != "Z"] if terminals else []
        if commands:
            self._new(Draft(commands[-1], None, connection, first), *commands)

    def add_login(self, login: LoginSession) -> None:
        """A session of logind, by its leader while that is the process which logind saw."""
        leader = login.leader if self._is_leader(login) else None
        draft = self._by_leader.get(leader) if leader else None
        if draft is None or draft.login is not None:
            terminal = self._terminal_of(login, leader) if leader else None
            draft = self._new(Draft(login.leader, terminal), *([leader] if leader else []))
        draft.login = login
        draft.leader = login.leader
        self._by_login[login.id] = draft
        audit = audit_session_of(self._target, leader) if leader else None
        if audit is not None:
            self._by_audit.setdefault(audit, draft)

    def _is_leader(self, login: LoginSession) -> bool:
        stat = self._target.stats.get(login.leader or 0)
        if stat is None:
            return False
        session = login_session_of(self._target, stat.pid)
        if session is not None:
            return session == login.id
        return login.started_at is None or self._target.started_at(stat) <= login.started_at + _SLACK

    def _terminal_of(self, login: LoginSession, leader: int) -> Optional[Terminal]:
        for terminal in self._free.values():
            named = login.terminal is not None and login.terminal == terminal.name.encode("ascii") and leader in ancestors(self._target, terminal.leader.pid)
            if named or leader in (terminal.leader.pid, terminal.leader.ppid):
                return terminal
        return None

    def add_terminals(self) -> None:
        """Terminals that nobody has claimed: shells that no login recorded, and those that sudo, tmux and their like opened."""
        for terminal in list(self._free.values()):
            self._new(Draft(terminal.leader.pid, terminal))

    def assign_processes(self) -> None:
        """Give every process to the session it belongs to; terminals opened inside a session get to know it."""
        for pid, stat in self._target.stats.items():
            if stat.is_kernel_thread:
                continue
            draft = self._by_kernel_session.get(stat.session) if stat.tty_nr else None
            draft = draft or self._of_ancestors(pid) or self._of_origin(pid)
            if draft:
                self._by_pid[pid] = draft
                draft.members.append(pid)
        for draft in self.drafts:
            if draft.outer is None and draft.terminal and not draft.connection and not draft.login:
                outer = self._by_pid.get(draft.terminal.leader.ppid) or self._of_origin(draft.terminal.leader.pid)
                draft.outer = outer if outer is not draft else None

    def _of_ancestors(self, pid: int) -> Optional[Draft]:
        for ancestor in ancestors(self._target, pid):
            draft = self._by_leader.get(ancestor)
            if draft:
                return draft
            stat = self._target.stats[ancestor]
            if stat.tty_nr and stat.session in self._by_kernel_session:
                return self._by_kernel_session[stat.session]
        return None

    def _of_origin(self, pid: int) -> Optional[Draft]:
        """For a process that left its parents behind: the scope it is in, or the login it descends from."""
        draft = self._by_login.get(login_session_of(self._target, pid) or "") if self._by_login else None
        if draft is None and self._by_audit:
            draft = self._by_audit.get(audit_session_of(self._target, pid) or 0)
        return draft

    def add_record(self, record: utmp.Entry) -> None:
        """A record of utmp: laid beside the session it describes, or a session of its own whose process is gone."""
        draft = self._described_by(record)
        if draft is None:
            draft = self._new(Draft(record.pid))
            if not _is_line(record) and self._was_there(record):
                draft.members = [pid for pid in self._target.stats if pid not in self._by_pid and record.pid in ancestors(self._target, pid)]
        draft.record = record

    def _described_by(self, record: utmp.Entry) -> Optional[Draft]:
        draft = self._by_pid.get(record.pid)
        if draft and draft.record is None and self._is_of(draft, record):
            return draft
        if not _is_line(record):
            return None
        # A pid can be forged as well: the same terminal, in use since the same minute.
        for other in self.drafts:
            if other.record is None and _name_of(other) == record.line and self._began_with(other, record):
                return other
        return None

    def _is_of(self, draft: Draft, record: utmp.Entry) -> bool:
        """Whether a record that names a process of this session was written for it."""
        if draft.terminal and draft.terminal.leader.pid == record.pid and _name_of(draft) == record.line:
            return True
        return self._was_there(record) and (_name_of(draft) == record.line or draft.terminal is None or not _is_line(record))

    def _was_there(self, record: utmp.Entry) -> bool:
        """Whether the process is older than its record: otherwise the pid was given out again."""
        stat = self._target.stats.get(record.pid)
        return stat is not None and stat.pid > 1 and self._target.started_at(stat) <= record.at + _SLACK

    def _began_with(self, draft: Draft, record: utmp.Entry) -> bool:
        return draft.terminal is not None and abs(self._target.started_at(draft.terminal.leader) - record.at) <= _NEAR


def _is_line(record: utmp.Entry) -> bool:
    """Whether a record names a terminal as the kernel does; others are names of displays and services."""
    return bool(_TERMINAL_LINE.match(record.line))


def _name_of(draft: Draft) -> Optional[bytes]:
    if draft.terminal:
        return draft.terminal.name.encode("ascii") if draft.terminal.is_ours else None
    return draft.login.terminal if draft.login else None
