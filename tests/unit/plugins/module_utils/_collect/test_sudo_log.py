# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of sudo, as recorded from sudo 1.9.5, 1.9.13 and 1.9.16, and forged ones."""

import time

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect.homes import Mounts
from ansible_collections.incident.response.plugins.module_utils._collect.log_line import LogLine, trust
from ansible_collections.incident.response.plugins.module_utils._collect.sudo_log import Reader, join_continued, parse_sudo
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target
from ansible_collections.incident.response.plugins.module_utils._schema.history import SUDO_EVENT


def test_a_command():
    line = parse_sudo(b"   alice : TTY=pts/0 ; PWD=/home/alice ; USER=www-data ; GROUP=adm ; COMMAND=/usr/bin/id -u")
    assert line == (b"alice", None, b"pts/0", b"/home/alice", b"www-data", b"adm", b"/usr/bin/id -u", False)


def test_no_terminal_and_further_fields():
    assert parse_sudo(b"alice : PWD=/ ; USER=root ; COMMAND=/usr/bin/id").terminal is None
    assert parse_sudo(b"alice : TTY=unknown ; PWD=/ ; USER=root ; COMMAND=/usr/bin/id").terminal is None
    line = parse_sudo(b"alice : HOST=h ; TTY=pts/1 ; CHROOT=/srv ; PWD=/ ; USER=root ; TSID=000001 ; ENV=A=b C=d ; COMMAND=/usr/bin/id")
    assert (line.terminal, line.cwd, line.run_as, line.command) == (b"pts/1", b"/", b"root", b"/usr/bin/id")


@pytest.mark.parametrize(
    ("message", "reason", "command", "run_as"),
    [
        (b"alice : unknown user nosuchuser ; TTY=pts/0 ; PWD=/ ; USER=nosuchuser ; ", b"unknown user nosuchuser", None, b"nosuchuser"),
        (b"alice : unknown user #-1 ; TTY=pts/0 ; PWD=/ ; USER=#-1 ; ", b"unknown user #-1", None, b"#-1"),
        (b"alice : unknown user: nosuch ; PWD=/ ; USER=nosuch ;", b"unknown user: nosuch", None, b"nosuch"),
        (b"bob : 3 incorrect password attempts ; PWD=/ ; USER=root ; COMMAND=/usr/bin/id", b"3 incorrect password attempts", b"/usr/bin/id", b"root"),
        (b"bob : a password is required ; PWD=/ ; USER=root ; COMMAND=/usr/bin/id", b"a password is required", b"/usr/bin/id", b"root"),
        (b"mallory : user NOT in sudoers ; PWD=/ ; USER=root ; COMMAND=/usr/bin/cat /etc/shadow", b"user NOT in sudoers", b"/usr/bin/cat /etc/shadow", b"root"),
        (b"mallory : command not allowed ; PWD=/ ; USER=root ; COMMAND=list", b"command not allowed", b"list", b"root"),
    ],
)
def test_what_was_denied(message, reason, command, run_as):
    line = parse_sudo(message)
    assert (line.reason, line.command, line.run_as, line.is_ambiguous) == (reason, command, run_as, False)


@pytest.mark.parametrize(
    "message",
    [
        b"alice : unable to resolve host testhost: Temporary failure in name resolution",
        b"root : problem with defaults entries ; PWD=/root ; USER=root ;",
        b"pam_unix(sudo:session): session opened for user root(uid=0) by (uid=1001)",
        b"pam_unix(sudo:auth): authentication failure; logname= uid=1002 euid=0 tty= ruser=bob rhost=  user=bob",
        b"pam_unix(sudo:auth): conversation failed : PWD=/ but no fields",
        b"",
        b" : ",
    ],
)
def test_what_is_not_about_a_command(message):
    assert parse_sudo(message) is None


def test_a_directory_that_forges_fields():
    line = parse_sudo(b"eve : PWD=/tmp/hx ; USER=root ; COMMAND=/bin/true ; USER=root ; COMMAND=/usr/bin/cat /etc/shadow")
    assert line.command == b"/usr/bin/cat /etc/shadow"
    assert line.cwd == b"/tmp/hx ; USER=root ; COMMAND=/bin/true"
    assert line.is_ambiguous


def test_a_directory_that_forges_a_command_only_deceives_nobody():
    line = parse_sudo(b"eve : TTY=pts/0 ; PWD=/tmp/a ; COMMAND=/bin/true ; USER=root ; COMMAND=/usr/bin/id")
    assert (line.cwd, line.command, line.is_ambiguous) == (b"/tmp/a ; COMMAND=/bin/true", b"/usr/bin/id", False)


def test_an_argument_that_forges_fields():
    quoted = b"eve : PWD=/home/eve ; USER=root ; COMMAND=/usr/bin/sh -c 'echo \\'q\\' ; USER=root ; COMMAND=/bin/x'"
    line = parse_sudo(quoted)
    assert (line.cwd, line.is_ambiguous) == (b"/home/eve", True)
    assert line.command.startswith(b"/usr/bin/sh -c 'echo")
    plain = b"eve : PWD=/home/eve ; USER=root ; COMMAND=/usr/bin/sh -c evil ; USER=root ; COMMAND=/usr/bin/id"
    assert parse_sudo(plain, lambda path: path == b"/home/eve").command == b"/usr/bin/sh -c evil ; USER=root ; COMMAND=/usr/bin/id"


def test_a_user_asked_for_that_forges_fields_is_denied_all_the_same():
    line = parse_sudo(b"eve : unknown user x ; COMMAND=/bin/y ; TTY=pts/0 ; PWD=/ ; USER=x ; COMMAND=/bin/y ; ")
    assert line.reason == b"unknown user x ; COMMAND=/bin/y"


def test_forged_fields_take_no_time():
    began = time.monotonic()
    for part in (b" ; USER=a ; ENV=", b" ; USER=a", b" ; USER=a ; COMMAND=", b" ; TTY=", b" ; USER=a ;  "):
        parse_sudo(b"eve : PWD=/" + part * 3000 + b"x")
    assert time.monotonic() - began < 2


def test_users_with_blanks():
    assert parse_sudo(b"   root  : PWD=/ ; USER=root ; COMMAND=/usr/bin/id").user == b"root "


def _line(message, **more):
    return LogLine(1795446180.5, "sudo", message, **dict({"source": "journal"}, **more))


def test_split_commands_are_joined():
    first = b"alice : PWD=/ ; USER=root ; COMMAND=/usr/bin/id"
    lines = join_continued(
        [
            _line(first, pid=7),
            _line(b"bob : PWD=/ ; USER=root ; COMMAND=/bin/ls", pid=8),
            _line(b"alice : (command continued) " + b"x" * 960, pid=7),
            _line(b"alice : (command continued) yy", pid=7),
            _line(b"carol : (command continued) zz", pid=9),
        ]
    )
    assert [line.message for line in lines] == [
        first + b" " + b"x" * 960 + b"yy",
        b"bob : PWD=/ ; USER=root ; COMMAND=/bin/ls",
        b"carol : (command continued) zz",
    ]


@pytest.mark.parametrize(
    ("uid", "privileged", "by_syslog", "named", "expected"),
    [
        (1001, True, True, 1001, "kernel"),  # sudo itself: the real uid is the caller's
        (0, True, True, 1001, "kernel"),
        (1001, False, True, 1001, "forgeable"),  # the account about itself
        (1001, None, True, 1001, "forgeable"),
        (1002, False, True, 1001, "forged"),
        (1002, True, True, 1001, "forged"),  # executed sudo right after logging, to borrow its capabilities
        (1002, False, True, 0, "forged"),
        (1001, True, False, 1001, "forgeable"),
        (1001, True, True, None, "kernel"),
        (None, None, False, 1001, "forgeable"),
    ],
)
def test_trust(uid, privileged, by_syslog, named, expected):
    assert trust(_line(b"", uid=uid, privileged=privileged, by_syslog=by_syslog), named) == expected


def test_a_plain_account_cannot_have_run_useradd():
    line = LogLine(None, "useradd", b"new user: name=x, UID=0", "journal", uid=1001, privileged=False, by_syslog=True)
    assert trust(line) == "forged"
    assert trust(line._replace(uid=0)) == "kernel"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (b"/bin/sh -c 'echo BECOME-SUCCESS-abcdefghijklmnopqrstuvwxyzabcdef ; /usr/bin/python3 -c \"print(1)\"'", True),
        (b"/bin/sh -c echo BECOME-SUCCESS-abcdefghijklmnopqrstuvwxyzabcdef ; /usr/bin/python3", True),
        (b"/bin/echo BECOME-SUCCESS-abcdefghijklmnopqrstuvwxyzabcdef", False),
        (b"/usr/bin/id", False),
    ],
)
def test_ansible_is_recognised_and_the_record_is_the_declared_one(tmp_path, command, expected):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_bytes(b"alice:x:1001:1001::/home/alice:/bin/bash\n")
    event = Reader(Target(root=str(tmp_path)), Mounts([])).event(
        _line(b"alice : PWD=/ ; USER=root ; COMMAND=" + command, uid=1001, privileged=True, by_syslog=True)
    )
    assert event["is_configuration_management"] is expected
    assert set(event) == {field.name for field in SUDO_EVENT.fields}
    assert (event["at"], event["trust"], event["result"], event["writer_uid"]) == ("2026-11-23T15:03:00Z", "kernel", "executed", 1001)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (b"/bin/bash --login -c true", True),
        (b"/usr/bin/su -c id", True),
        (b"/usr/local/bin/zsh", True),
        (b"/usr/bin/sum x", False),
        (b"/usr/bin/id /bin/sh", False),
        (b"list", False),
    ],
)
def test_shells_are_marked(tmp_path, command, expected):
    event = Reader(Target(root=str(tmp_path)), Mounts([])).event(_line(b"alice : PWD=/ ; USER=root ; COMMAND=" + command))
    assert event["runs_shell"] is expected
