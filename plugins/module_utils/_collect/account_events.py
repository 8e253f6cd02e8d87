# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What su, passwd, useradd and their kin logged, and what sudo logged beside commands, as records ``account_event``.

Source: lines recorded from shadow 4.8, 4.13 and 4.17, util-linux, Linux-PAM, and those that polkit and doas are documented with.
"""

import re
from typing import Any, Dict, List, Match, NamedTuple, Optional, Pattern, Tuple

from .log_line import LogLine, trust
from .reading import iso_time, put

_TEXTS = ("user", "by", "terminal", "group", "home", "shell", "attribute", "before", "after", "command")
_NUMBERS = ("uid", "gid", "by_uid")
_NO_TERMINAL = (b"", b"none", b"???", b"?")
_FROM_NAMES_OF_PARTS = {b"UID": "uid", b"GID": "gid", b"home": "home", b"shell": "shell"}


class _Form(NamedTuple):
    """A form of line: what was done, whether it succeeded, and the fields by the names of its groups."""

    action: str
    is_success: bool
    pattern: Pattern[bytes]


def _forms(*told: Tuple[str, bool, bytes]) -> Tuple[_Form, ...]:
    return tuple(_Form(action, is_success, re.compile(pattern + rb"$", re.DOTALL)) for action, is_success, pattern in told)


# Anybody may write such a line, so none may take long to match: what lies between two marks is bounded, or cannot hold the second.
_FORMS = _forms(
    (
        "user_added",
        True,
        rb"new user: name=(?P<user>[^,]*), UID=(?P<uid>\d+), GID=(?P<gid>\d+), home=(?P<home>.*), shell=(?P<shell>.*?)(?:, from=(?P<terminal>[^,]*))?",
    ),
    ("user_added", False, rb"failed adding user '(?P<user>[^']*)', .*"),
    ("user_deleted", True, rb"delete user '(?P<user>[^']*)'"),
    ("user_changed", True, rb"change user '(?P<user>[^']*)' (?P<attribute>[A-Za-z]+) from '(?P<before>[^']*)' to '(?P<after>[^']*)'"),
    ("user_changed", True, rb"change user (?P<attribute>name) '(?P<user>(?P<before>[^']*))' to '(?P<after>[^']*)'"),
    ("user_changed", True, rb"changed user '(?P<user>[^']*)' (?P<attribute>shell) to '(?P<after>[^']*)'"),
    ("user_changed", True, rb"changed user '(?P<user>[^']*)' (?P<attribute>information)"),
    ("user_changed", True, rb"changed (?P<attribute>password expiry) for (?P<user>\S*)"),
    ("password_changed", True, rb"change user '(?P<user>[^']*)' password"),
    ("password_changed", True, rb"password for '(?P<user>[^']*)' changed by '(?P<by>[^']*)'"),
    ("password_changed", True, rb"password for (?P<user>\S+) changed by (?P<by>\S+)"),
    ("password_changed", True, rb"pam_\w+\([^)]*:chauthtok\): password changed for (?P<user>.*)"),
    ("password_locked", True, rb"lock user '(?P<user>[^']*)' password"),
    ("password_unlocked", True, rb"unlock user '(?P<user>[^']*)' password"),
    ("group_added", True, rb"(?:new group|group added to \S+): name=(?P<group>[^,]*)(?:, GID=(?P<gid>\d+))?"),
    ("group_deleted", True, rb"removed (?:shadow )?group '(?P<group>[^']*)' owned by '(?P<user>[^']*)'"),
    ("group_deleted", True, rb"group '(?P<group>[^']*)' removed(?: from \S+)?"),
    ("group_changed", True, rb"group changed in \S+ \(group (?P<group>[^/,]*)(?:/\d+)?, new (?P<attribute>name|gid|password): ?(?P<after>[^)]*)\)"),
    ("group_changed", True, rb"(?P<attribute>password) of group (?P<group>\S+) (?:changed|removed) by (?P<by>\S+)"),
    ("group_changed", True, rb"(?P<attribute>administrators|members) of group (?P<group>\S+) set by (?P<by>\S+) to (?P<after>.*)"),
    ("member_added", True, rb"add(?:ed)? '(?P<user>[^']*)' to (?:shadow )?group '(?P<group>[^']*)'"),
    ("member_added", True, rb"user (?P<user>\S+) added by (?P<by>\S+) to group (?P<group>\S+)"),
    ("member_removed", True, rb"(?:delete|remove)d? '(?P<user>[^']*)' from (?:shadow )?group '(?P<group>[^']*)'"),
    ("member_removed", True, rb"user (?P<user>\S+) removed by (?P<by>\S+) from group (?P<group>\S+)"),
    ("switched", True, rb"\(to (?P<user>[^)]*)\) (?P<by>[^)]*) on (?P<terminal>\S+)"),
    ("switched", False, rb"FAILED SU \(to (?P<user>[^)]*)\) (?P<by>[^)]*) on (?P<terminal>\S+)"),
    ("switched", True, rb"Successful su for (?P<user>\S+) by (?P<by>\S+)"),
    ("switched", False, rb"FAILED su for (?P<user>\S+) by (?P<by>\S+)"),
    ("switched", True, rb"\+ (?P<terminal>\S+) (?P<by>[^:]*):(?P<user>.*)"),
    ("switched", False, rb"- (?P<terminal>\S+) (?P<by>[^:]*):(?P<user>.*)"),
    ("switched", True, rb"user '(?P<user>(?P<by>[^']*))' \(login '[^']*' on (?P<terminal>\S+)\) switched to group '(?P<group>[^']*)'"),
    ("switched", False, rb"Invalid password for group '(?P<group>[^']*)' from '(?P<user>(?P<by>[^']*))'"),
    (
        "session_opened",
        True,
        rb"pam_\w+\([^)]*:session\): session opened for user (?P<user>[^(]{0,256}?)(?:\(uid=\d+\))? by (?P<by>[^(]{0,256})\(uid=(?P<by_uid>\d+)\)",
    ),
    ("session_closed", True, rb"pam_\w+\([^)]*:session\): session closed for user (?P<user>.*)"),
    (
        "authentication",
        False,
        rb"pam_\w+\([^)]*:auth\): authentication failure; logname=\S* uid=(?P<by_uid>\d+) euid=\d+ tty=(?P<terminal>\S*) "
        rb"ruser=(?P<by>\S*) rhost=\S* *(?:user=(?P<user>.*))?",
    ),
    ("command", True, rb"(?P<by>[^:]*): Executing command \[USER=(?P<user>[^]]*)\] \[TTY=(?P<terminal>[^]]*)\] \[CWD=[^]]*\] \[COMMAND=(?P<command>.*)\]"),
    ("command", False, rb"(?P<by>[^:]*): [^[]*\[USER=(?P<user>[^]]*)\] \[TTY=(?P<terminal>[^]]*)\] \[CWD=[^]]*\] \[COMMAND=(?P<command>.*)\]"),
    ("command", True, rb"(?P<by>\S+) ran command (?P<command>.*) as (?P<user>\S+) from .*"),
    ("command", False, rb"command not permitted for (?P<by>\S+): (?P<command>.*)"),
    ("authentication", False, rb"failed auth for (?P<user>(?P<by>\S+))"),
    ("authentication", True, rb"Operator of \S+ successfully authenticated as unix-user:(?P<user>\S+) to gain .*\(owned by unix-user:(?P<by>[^)]{0,256})\)"),
    ("authentication", False, rb"Operator of \S+ FAILED to authenticate to gain .*\(owned by unix-user:(?P<user>(?P<by>[^)]{0,256}))\)"),
)
# The account that any other line is about, where it names it; the first that matches.
_NAMING = tuple(
    re.compile(pattern)
    for pattern in (
        rb"session (?:opened|closed) for user ([^( ]{1,256})",
        rb"password changed for (\S+)$",
        rb"expired password for user (\S+)",
        rb"^(?:delete user|change user|changed user|lock user|unlock user|add|added|delete|removed|remove|set) '([^']{1,256})'",
        rb" user=(\S+)$",
        rb"^(\S+) : ",
        rb"\buser '([^']{1,256})'",
    )
)


def _form_of(message: bytes) -> Tuple[Optional[_Form], Optional[Match[bytes]]]:
    for form in _FORMS:
        match = form.pattern.match(message)
        if match:
            return form, match
    return None, None


def account_of(message: bytes) -> Optional[bytes]:
    """The account that a line is about."""
    message = message.strip()
    _form, match = _form_of(message)
    if match:
        return match.groupdict().get("user")
    for pattern in _NAMING:
        found = pattern.search(message)
        if found:
            return found.group(1)
    return None


def account_event(line: LogLine) -> Dict[str, Any]:
    """The record of a line."""
    message = line.message.strip()
    form, match = _form_of(message)
    record: Dict[str, Any] = {
        "at": iso_time(line.at),
        "program": line.program,
        "action": form.action if form else None,
        "result": ("success" if form.is_success else "failure") if form else None,
        "year_inferred": line.year_inferred,
        "source": line.source,
        "trust": trust(line),
        "writer_uid": line.uid,
        "line": line.line,
    }
    _put_fields(record, match.groupdict() if match else {"user": account_of(message)})
    put(record, "message", message)
    return record


def _put_fields(record: Dict[str, Any], fields: Dict[str, Optional[bytes]]) -> None:
    terminal = fields.get("terminal")
    if terminal is not None:
        terminal = terminal[len(b"/dev/") :] if terminal.startswith(b"/dev/") else terminal
        fields["terminal"] = None if terminal in _NO_TERMINAL else terminal
    part = _FROM_NAMES_OF_PARTS.get(fields.get("attribute") or b"")
    if part:
        fields[part] = fields.get("after")
    for name in _TEXTS:
        put(record, name, fields.get(name) or None, limit=16384 if name == "command" else 4096)
    for name in _NUMBERS:
        record[name] = _number(fields.get(name))


def _number(digits: Optional[bytes]) -> Optional[int]:
    return int(digits) if digits and digits.isdigit() and len(digits) < 20 else None


def remade_accounts(lines: List[LogLine]) -> Dict[bytes, float]:
    """When root last made an account, or gave it another uid or name: before that, its name may have meant another uid."""
    remade: Dict[bytes, float] = {}
    for line in lines:
        if line.at is None or line.uid != 0 or line.program not in ("newusers", "useradd", "usermod"):
            continue
        form, match = _form_of(line.message.strip())
        fields = match.groupdict() if match else {}
        if form and (form.action == "user_added" or line.program == "newusers" or fields.get("attribute") in (b"UID", b"name")):
            for name in (fields.get("user"), fields.get("after") if fields.get("attribute") == b"name" else None):
                if name:
                    remade[name] = max(line.at, remade.get(name, 0.0))
    return remade
