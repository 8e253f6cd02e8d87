# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of su, useradd and their kin taken apart into fields: recorded from shadow, util-linux, PAM, polkit and doas."""

import time

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect.account_events import account_event, remade_accounts
from ansible_collections.incident.response.plugins.module_utils._collect.event_log import with_capabilities
from ansible_collections.incident.response.plugins.module_utils._collect.log_line import LogLine
from ansible_collections.incident.response.plugins.module_utils._collect.sudo_log import Reader
from ansible_collections.incident.response.plugins.module_utils._schema.history import ACCOUNT_EVENT

_AT = 1795446180.0


def _line(message, program="su", uid=0, at=_AT, **about):
    return LogLine(at, program, message, "journal", uid=uid, by_syslog=True, **about)


@pytest.mark.parametrize(
    ("message", "action", "result", "fields"),
    [
        (
            b"new user: name=butter, UID=1002, GID=0, home=/root, shell=/bin/bash, from=/dev/pts/1",
            "user_added",
            "success",
            {"user": "butter", "uid": 1002, "gid": 0, "home": "/root", "shell": "/bin/bash", "terminal": "pts/1"},
        ),
        (
            b"new user: name=x, UID=1, GID=1, home=/a, shell=/b, shell=/bin/sh",
            "user_added",
            "success",
            {"user": "x", "home": "/a, shell=/b", "shell": "/bin/sh"},
        ),
        (b"failed adding user 'dxa', exit code: 9", "user_added", "failure", {"user": "dxa"}),
        (b"delete user 'dxa'", "user_deleted", "success", {"user": "dxa"}),
        (
            b"change user 'dxa' UID from '1001' to '0'",
            "user_changed",
            "success",
            {"user": "dxa", "attribute": "UID", "before": "1001", "after": "0", "uid": 0},
        ),
        (
            b"change user 'dxa' shell from '/bin/bash' to '/bin/sh'",
            "user_changed",
            "success",
            {"user": "dxa", "attribute": "shell", "before": "/bin/bash", "after": "/bin/sh", "shell": "/bin/sh"},
        ),
        (b"change user name 'dxb' to 'dxc'", "user_changed", "success", {"user": "dxb", "attribute": "name", "before": "dxb", "after": "dxc"}),
        (
            b"changed user 'dxa' shell to '/bin/bash'",
            "user_changed",
            "success",
            {"user": "dxa", "attribute": "shell", "after": "/bin/bash", "shell": "/bin/bash"},
        ),
        (b"changed user 'dxa' information", "user_changed", "success", {"user": "dxa", "attribute": "information"}),
        (b"changed password expiry for dxa", "user_changed", "success", {"user": "dxa", "attribute": "password expiry"}),
        (b"password for 'dxa' changed by 'root'", "password_changed", "success", {"user": "dxa", "by": "root"}),
        (b"change user 'dxc' password", "password_changed", "success", {"user": "dxc"}),
        (b"pam_unix(chpasswd:chauthtok): password changed for dxa", "password_changed", "success", {"user": "dxa"}),
        (b"lock user 'dxa' password", "password_locked", "success", {"user": "dxa"}),
        (b"unlock user 'dxa' password", "password_unlocked", "success", {"user": "dxa"}),
        (b"new group: name=dxg, GID=7777", "group_added", "success", {"group": "dxg", "gid": 7777}),
        (b"group added to /etc/gshadow: name=dxg", "group_added", "success", {"group": "dxg"}),
        (b"group 'dxh' removed from /etc/group", "group_deleted", "success", {"group": "dxh"}),
        (b"removed group 'dxa' owned by 'dxa'", "group_deleted", "success", {"group": "dxa", "user": "dxa"}),
        (b"group changed in /etc/group (group dxg/7777, new name: dxh)", "group_changed", "success", {"group": "dxg", "attribute": "name", "after": "dxh"}),
        (b"members of group dxg set by root to a,b", "group_changed", "success", {"group": "dxg", "attribute": "members", "by": "root", "after": "a,b"}),
        (b"password of group dxg removed by root", "group_changed", "success", {"group": "dxg", "attribute": "password", "by": "root"}),
        (b"add 'dxa' to shadow group 'sudo'", "member_added", "success", {"user": "dxa", "group": "sudo"}),
        (b"user dxa added by root to group adm", "member_added", "success", {"user": "dxa", "by": "root", "group": "adm"}),
        (b"delete 'dxc' from group 'dxh'", "member_removed", "success", {"user": "dxc", "group": "dxh"}),
        (b"user dxa removed by root from group adm", "member_removed", "success", {"user": "dxa", "by": "root", "group": "adm"}),
        (b"(to root) bob on pts/0", "switched", "success", {"user": "root", "by": "bob", "terminal": "pts/0"}),
        (b"FAILED SU (to root) bob on none", "switched", "failure", {"user": "root", "by": "bob"}),
        (b"Successful su for root by bob", "switched", "success", {"user": "root", "by": "bob"}),
        (b"- /dev/pts/1 bob:root", "switched", "failure", {"user": "root", "by": "bob", "terminal": "pts/1"}),
        (b"Invalid password for group 'adm' from 'dxn'", "switched", "failure", {"user": "dxn", "by": "dxn", "group": "adm"}),
        (
            b"pam_unix(su-l:session): session opened for user root(uid=0) by ann(uid=1000)",
            "session_opened",
            "success",
            {"user": "root", "by": "ann", "by_uid": 1000},
        ),
        (b"pam_unix(su:session): session opened for user root by (uid=1000)", "session_opened", "success", {"user": "root", "by_uid": 1000}),
        (b"pam_unix(sudo:session): session closed for user root", "session_closed", "success", {"user": "root"}),
        (
            b"pam_unix(su:auth): authentication failure; logname=ann uid=1000 euid=0 tty=/dev/pts/0 ruser=ann rhost=  user=root",
            "authentication",
            "failure",
            {"user": "root", "by": "ann", "by_uid": 1000, "terminal": "pts/0"},
        ),
        (
            b"alice: Executing command [USER=root] [TTY=/dev/pts/0] [CWD=/home/alice] [COMMAND=/usr/bin/id]",
            "command",
            "success",
            {"by": "alice", "user": "root", "terminal": "pts/0", "command": "/usr/bin/id"},
        ),
        (
            b"alice: Error executing command as another user: Not authorized [USER=root] [TTY=unknown] [CWD=/] [COMMAND=/bin/sh]",
            "command",
            "failure",
            {"by": "alice", "user": "root", "terminal": "unknown", "command": "/bin/sh"},
        ),
        (b"ann ran command /bin/sh -c id as root from /home/ann", "command", "success", {"by": "ann", "user": "root", "command": "/bin/sh -c id"}),
        (b"pam_limits(su:session): Could not set limit for 'core' to soft=0", None, None, {}),
    ],
)
def test_fields(message, action, result, fields):
    event = account_event(_line(message))
    assert set(event) == {field.name for field in ACCOUNT_EVENT.fields}
    assert (event["action"], event["result"]) == (action, result)
    names = ("user", "by", "by_uid", "terminal", "group", "uid", "gid", "home", "shell", "attribute", "before", "after", "command")
    told = {name: event[name] for name in names if event[name] is not None}
    assert {name: told.get(name) for name in fields} == fields
    assert event["message"] == message.decode()


def test_lines_made_to_be_slow_are_not():
    hostile = [
        b"change user '" + b"' a from '" * 5000,
        b"new user: name=x, UID=1, GID=1, home=" + b", shell=" * 6000,
        b"user " + b" added by a to group" * 2500,
        b"pam_unix(su:session): session opened for user " + b" by " * 12000,
        b"x: [USER=" + b"] [COMMAND=" * 4500,
        b"ann ran command " + b" as x" * 9000,
        b"Operator of x FAILED to authenticate to gain " + b"(owned by unix-user:" * 2400,
        b"user '" * 8000,
        b" user=x" * 7000,
    ]
    began = time.monotonic()
    for message in hostile * 20:
        account_event(_line(message))
    assert time.monotonic() - began < 2


def test_an_account_that_was_made_again_is_not_called_a_forger(tree):
    tree.file("/etc/passwd", b"root:x:0:0::/root:/bin/sh\nann:x:1005:1005::/:/bin/sh\n")
    made = _line(b"new user: name=ann, UID=1005, GID=1005, home=/home/ann, shell=/bin/sh, from=none", "useradd", at=_AT + 60)
    lie = _line(b"new user: name=ann, UID=1005, GID=1005, home=/home/ann, shell=/bin/sh", "useradd", uid=1009, at=_AT + 999)
    reader = Reader(tree.target(), None, remade_accounts([made, lie]))
    used = b"ann : PWD=/ ; USER=root ; COMMAND=/usr/bin/id"
    before = _line(used, "sudo", uid=1001, privileged=True)
    assert reader.event(before)["trust"] == "forgeable"
    assert reader.event(before._replace(at=_AT + 120))["trust"] == "forged"
    assert Reader(tree.target(), None).event(before)["trust"] == "forged"


def test_a_new_name_or_uid_counts_as_made_again():
    lines = [
        _line(b"change user name 'a' to 'b'", "usermod", at=1.0),
        _line(b"change user 'c' UID from '1' to '2'", "usermod", at=2.0),
        _line(b"change user 'd' shell from '1' to '2'", "usermod", at=3.0),
        _line(b"pam_unix(newusers:chauthtok): password changed for e", "newusers", at=4.0),
    ]
    assert remade_accounts(lines) == {b"a": 1.0, b"b": 1.0, b"c": 2.0, b"e": 4.0}


def test_what_one_line_of_a_process_tells_of_its_capabilities_holds_for_the_others():
    first = _line(b"x", "sudo", uid=1001, pid=7)
    lines = with_capabilities([first, first._replace(privileged=True), first._replace(pid=8), first._replace(at=_AT + 5)])
    assert [line.privileged for line in lines] == [True, True, None, None]
