# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that something of runs here, as logind counts them: logged in, or lingering, so that their services run with nobody logged in.

What logind keeps is laid beside what the kernel shows: a service manager of an account that logind does not know is found by its cgroup.
"""

import os
import re
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import logind
from .reading import iso_time, put, read_file, text
from .section import SectionBuilder
from .session_processes import control_group
from .target import Target

_USERS = "/run/systemd/users"
_LINGER = "/var/lib/systemd/linger"
_LIMIT = 1 << 16
_MOST = 10000
_UID = re.compile(r"[0-9]{1,10}\Z")
_MANAGER = re.compile(rb"/user@([0-9]{1,10})\.service/init\.scope(?:\n|\Z)")


def read_users(target: Target, builder: SectionBuilder, wanted: Callable[[Dict[str, Any]], bool]) -> None:
    """Add them to the section's ``users``, by uid."""
    builder.declare("users")
    known, lingering, managers = _known(target, builder), _lingering(target, builder), _managers(target)
    _leave_out_managers(target, known)
    uids = {uid: name for name, uid in lingering.items() if uid is not None}
    for uid in sorted(set(known) | set(uids) | set(managers)):
        record = _record(target, uid, known.get(uid), uids.get(uid), managers.get(uid))
        if wanted(record):
            builder.add(record, to="users")
    for name in sorted(name for name, uid in lingering.items() if uid is None):
        record = _record(target, None, None, name, None)
        if wanted(record):
            builder.add(record, to="users")


def _known(target: Target, builder: SectionBuilder) -> Dict[int, Dict[str, bytes]]:
    known = {}
    for name in _names(target, builder, _USERS):
        path = "%s/%s" % (_USERS, name)
        if not _UID.match(name):
            continue
        try:
            known[int(name)] = logind.parse_fields(read_file(target.path(path), _LIMIT).data)
        except FileNotFoundError:
            continue  # gone meanwhile
        except OSError as error:
            builder.error("logind user", error, path)
    return known


def _leave_out_managers(target: Target, known: Dict[int, Dict[str, bytes]]) -> None:
    """A service manager has a session of its own on Debian 13: nobody came in through it."""
    try:
        sessions = logind.read_sessions(target.path(logind.FOLDER), lambda path, error: None)
    except OSError:
        return  # said with the sessions
    managers = {session.id.encode("ascii") for session in sessions if session.is_manager}
    for fields in known.values():
        fields["SESSIONS"] = b" ".join(session for session in fields.get("SESSIONS", b"").split() if session not in managers)


def _lingering(target: Target, builder: SectionBuilder) -> Dict[bytes, Optional[int]]:
    """The names that may linger, with their uids: each is an empty file."""
    found: Dict[bytes, Optional[int]] = {}
    for name in _names(target, builder, _LINGER):
        raw = os.fsencode(name)
        try:
            account = target.accounts.by_name(raw)
        except OSError:
            account = None
        found[raw] = account.uid if account else None
    return found


def _names(target: Target, builder: SectionBuilder, folder: str) -> List[str]:
    try:
        return sorted(os.listdir(target.path(folder)))[:_MOST]
    except FileNotFoundError:
        return []
    except OSError as error:
        builder.error("logind users", error, folder)
        return []


def _managers(target: Target) -> Dict[int, int]:
    """Uid → pid of each service manager: the first process in a cgroup that only the system's manager makes."""
    found: Dict[int, Tuple[int, int]] = {}
    for pid, stat in target.stats.items():
        if stat.comm != b"systemd" or pid == 1:
            continue
        match = _MANAGER.search(control_group(target, pid) or b"")
        if match:
            uid = int(match.group(1))
            found[uid] = min(found.get(uid, (stat.starttime, pid)), (stat.starttime, pid))
    return {uid: pid for uid, (_started, pid) in found.items()}


def _record(target: Target, uid: Optional[int], fields: Optional[Dict[str, bytes]], linger: Optional[bytes], manager: Optional[int]) -> Dict[str, Any]:
    fields_or_none = fields or {}
    since = logind.number(fields_or_none.get("REALTIME"))
    state = fields_or_none.get("STATE")
    record: Dict[str, Any] = {
        "uid": uid,
        "state": text(state[:256]) if state else None,
        "is_lingering": linger is not None,
        "sessions": [text(session) for session in fields_or_none.get("SESSIONS", b"").split()[:1000]],
        "slice": "user-%d.slice" % uid if uid is not None and fields is not None else None,
        "since": iso_time(since / 1e6) if since else None,
        "manager_pid": manager,
        "sources": [name for name, knows in (("logind", fields is not None), ("linger", linger is not None), ("processes", manager is not None)) if knows],
    }
    put(record, "user", fields_or_none.get("NAME") or linger or _name_of(target, uid))
    return record


def _name_of(target: Target, uid: Optional[int]) -> Optional[bytes]:
    try:
        account = target.accounts.by_uid(uid)
    except OSError:
        return None
    return account.name if account else None
