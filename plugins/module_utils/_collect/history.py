# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section ``history``: what was typed, what sudo and its kin recorded, and what was done to hide it."""

import time
from typing import Any, Dict, List, Optional, Set

from . import event_log
from .account_events import account_event, remade_accounts
from .event_log import EventLog
from .fair_share import FairShare
from .history_files import file_record, find_files, read_histories
from .history_formats import Entry
from .history_tampering import Environments, add_named_places, read_environments, sign_of_switch, signs_in_environments, signs_of
from .homes import Home, find_homes, read_mounts
from .reading import iso_time, put, put_list
from .section import SectionBuilder
from .startup_files import Startup, read_startup_files
from .sudo_log import Reader, join_continued
from .target import Target


class _Wanted:
    """The accounts that were asked for; all of them when none was."""

    def __init__(self, target: Target, users: Optional[List[str]], builder: SectionBuilder) -> None:
        self.uids: Optional[Set[int]] = None
        self._names = set(users or ())
        if not users:
            return
        try:
            self.uids, unknown = target.accounts.uids_of(users)
            self._names |= {name for name in map(target.accounts.name_of, self.uids) if name}
        except OSError as error:
            builder.error("accounts", error, "/etc/passwd")
            self.uids, unknown = {int(user) for user in users if user.isdigit()}, []
        for user in unknown:
            builder.error("user asked for", "no account of that name in /etc/passwd", user)

    def sign(self, record: Dict[str, Any]) -> bool:
        """A sign that concerns all accounts concerns these."""
        return self.uids is None or record["uid"] is None or record["uid"] in self.uids

    def event(self, record: Dict[str, Any]) -> bool:
        """What they did, what was done as them or to them, and what they wrote."""
        if self.uids is None:
            return True
        names = (record["user"], record.get("run_as"), record.get("by"))
        return any(name in self._names for name in names) or (record["writer_uid"] or None) in self.uids


def collect(target: Target, limit: int = 5000, users: Optional[List[str]] = None, events: Optional[EventLog] = None) -> Dict[str, Any]:
    """Read the histories of every account, or of ``users``, and what was logged of them. Of too much the newest of each file is kept."""
    events = events or event_log.start(target)
    try:
        builder = SectionBuilder(limit)
        for part in ("homes", "files", "tampering", "sudo_events", "account_events"):
            builder.declare(part)
        wanted = _Wanted(target, users, builder)
        homes = find_homes(target, builder, wanted.uids)
        for home in homes:
            builder.add(_home_record(home), to="homes")
        startup, environments = read_startup_files(target, homes, builder), read_environments(target, builder)
        add_named_places(environments, homes, startup.histfiles)
        _add_histories(homes, startup, builder)
        _add_switches(target, startup, environments, wanted, builder)
        _add_events(target, events, wanted, builder)
        return builder.finish()
    finally:
        events.stop()


def _home_record(home: Home) -> Dict[str, Any]:
    """A record ``home``."""
    record: Dict[str, Any] = {"uid": home.uid, "owner_uid": home.owner_uid}
    put(record, "user", home.account.name if home.account else None)
    put(record, "path", home.path)
    put(record, "link_target", home.link_target)
    put_list(record, "accounts", home.accounts)
    return record


def _add_histories(homes: List[Home], startup: Startup, builder: SectionBuilder) -> None:
    entries, now = FairShare(builder.limit), time.time()
    for number, history in enumerate(read_histories(find_files(homes, startup.histfiles, builder), builder)):
        account = history.found.home.account
        builder.add(file_record(history, account.name if account else None), to="files")
        for sign in signs_of(history, now):
            builder.add(sign, to="tampering")
        if history.parsed:
            entries.add(number, [(history.found.home, history.found.program, history.found.path, entry) for entry in history.parsed.entries])
    for home, program, path, entry in entries.finish():
        builder.add(_entry_record(home, program, path, entry))
    if entries.total > builder.limit:
        builder.reached("items", builder.limit, entries.total)


def _entry_record(home: Home, program: str, path: bytes, entry: Entry) -> Dict[str, Any]:
    record: Dict[str, Any] = {"uid": home.uid, "program": program, "line": entry.line, "at": iso_time(entry.at), "duration": entry.duration}
    put(record, "user", home.account.name if home.account else None)
    put(record, "file", path)
    put(record, "command", entry.command)
    if entry.is_partial and "command" not in record.get("clipped", ()):
        record.setdefault("clipped", []).append("command")
    return record


def _add_switches(target: Target, startup: Startup, environments: Environments, wanted: _Wanted, builder: SectionBuilder) -> None:
    for switch in startup.switches:
        builder.add(sign_of_switch(switch), to="tampering")
    for sign in signs_in_environments(target, environments):
        if wanted.sign(sign):
            builder.add(sign, to="tampering")


def _add_events(target: Target, events: EventLog, wanted: _Wanted, builder: SectionBuilder) -> None:
    """A flood by one account must not push out the events of others, so they share the limit."""
    sudo, accounts = FairShare(builder.limit), FairShare(builder.limit)
    lines = [line for line in events.lines(builder) if not line.is_of_login]
    reader = Reader(target, read_mounts(target), remade_accounts(lines))
    for order, line in enumerate(join_continued(lines)):
        event = reader.event(line) if line.program == "sudo" else None
        share, record = (accounts, account_event(line)) if event is None else (sudo, event)
        if wanted.event(record):
            # By what its writer could not choose, where there is such a thing.
            share.add((line.source, line.uid), [(order, record)])
    for part, share in (("sudo_events", sudo), ("account_events", accounts)):
        for _order, record in sorted(share.finish(), key=lambda kept: int(kept[0])):
            builder.add(record, to=part)
        if share.total > builder.limit:
            builder.reached(part, builder.limit, share.total)
