# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section ``sessions``: who is logged in by every source that knows, who was, and who tried."""

import os
from typing import Any, Callable, Dict, List, Optional, Set, Tuple

from . import event_log, logind, utmp
from .event_log import EventLog
from .failed_logins import read_failed_logins
from .last_logins import read_last_logins
from .logged_in_users import read_users
from .login_log import LoginLog
from .login_records import read_logins
from .section import SectionBuilder
from .session_merge import Draft, Merger
from .session_processes import find_terminals
from .session_record import SessionReader
from .ssh_connections import find_connections
from .target import Target

_UTMP = ("/run/utmp", "/var/run/utmp")
_BYTES = 4 << 20


def collect(target: Target, limit: int = 5000, users: Optional[List[str]] = None, events: Optional[EventLog] = None) -> Dict[str, Any]:
    """Read the sessions and login records of ``users``, by name or uid; all of them when none is given."""
    log = events or event_log.start(target)
    try:
        builder = SectionBuilder(limit)
        wanted = _Wanted(target, builder, users or [])
        _add_sessions(target, builder, wanted)
        read_users(target, builder, wanted)
        logged = LoginLog(log.lines(builder))
        read_logins(target, builder, wanted, logged.accepted)
        read_failed_logins(target, builder, wanted, logged.attempts)
        read_last_logins(target, builder, wanted)
        return builder.finish()
    finally:
        if events is None:  # else another section reads them after us
            log.stop()


def _add_sessions(target: Target, builder: SectionBuilder, wanted: Callable[[Dict[str, Any]], bool]) -> None:
    reader = SessionReader(target, builder)
    records = [reader.read(draft) for draft in _drafts(target, builder)]
    for record in sorted(records, key=_order):
        if wanted(record):
            builder.add(record)


def _order(record: Dict[str, Any]) -> Tuple[bool, str]:
    return record["stale"], record["login_at"] or ""


def _drafts(target: Target, builder: SectionBuilder) -> List[Draft]:
    merger = Merger(target, find_terminals(target))
    for connection in find_connections(target, builder):
        merger.add_connection(connection)
    logins = _logins(target, builder)
    for login in logins or []:
        if not login.is_manager:
            merger.add_login(login)
    merger.add_terminals()
    merger.assign_processes()
    for entry in _entries(target, builder, is_needed=logins is None):
        merger.add_record(entry)
    return merger.drafts


def _logins(target: Target, builder: SectionBuilder) -> Optional[List[logind.LoginSession]]:
    """The sessions of logind, ``None`` where it does not run."""
    try:
        return logind.read_sessions(target.path(logind.FOLDER), lambda path, error: builder.error("logind session", error, path))
    except FileNotFoundError:
        return None
    except OSError as error:
        builder.error("logind sessions", error, logind.FOLDER)
        return []


def _entries(target: Target, builder: SectionBuilder, is_needed: bool) -> List[utmp.Entry]:
    """What utmp says of logins. It may be missing where logind keeps the sessions: Debian 13 has none."""
    missing: Optional[OSError] = None
    # /var/run is a link to /run on all but old systems.
    for folder in sorted({os.path.realpath(os.path.dirname(target.path(path))) for path in _UTMP}):
        path = folder[len(target.root) :] + "/utmp"
        try:
            return _logins_of(utmp.read("%s/utmp" % folder, _BYTES), path, builder)
        except FileNotFoundError as error:
            missing = error
        except OSError as error:
            builder.error("utmp", error, path)
            return []
    if is_needed and missing:
        builder.error("utmp", missing, _UTMP[0])
    return []


def _logins_of(content: utmp.Content, path: str, builder: SectionBuilder) -> List[utmp.Entry]:
    if content.is_cut:
        builder.reached("%s (records read)" % path, _BYTES // utmp.LAYOUT.size, content.size // utmp.LAYOUT.size)
    if content.left_over:
        builder.error("utmp", "its size is no multiple of a record: %d bytes are left over" % content.left_over, path)
    for entry in content.entries:
        if entry.is_damaged and entry.type != utmp.USER and not entry.is_zero:
            builder.error("utmp record", "holds what no login writes", "record at byte %d" % entry.offset)
    return [entry for entry in content.entries if entry.type == utmp.USER]


class _Wanted:
    """Whose sessions and logins were asked for: all of them when nobody was named."""

    def __init__(self, target: Target, builder: SectionBuilder, users: List[str]) -> None:
        self._uids: Optional[Set[int]] = None
        self._names = set(users)
        if not users:
            return
        try:
            self._uids, unknown = target.accounts.uids_of(users)
            self._names.update(name for name in map(target.accounts.name_of, self._uids) if name)
        except OSError as error:
            self._uids, unknown = set(), []
            builder.error("accounts", error, "/etc/passwd")
        for user in unknown:
            builder.error("user asked for", "no account of that name in /etc/passwd", user)

    def __call__(self, record: Dict[str, Any]) -> bool:
        if self._uids is None:
            return True
        return record.get("uid") in self._uids or record["user"] in self._names or record.get("recorded_user") in self._names
