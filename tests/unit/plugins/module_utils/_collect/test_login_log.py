# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What sshd, login and su log of people who come in or do not: lines recorded from OpenSSH 8.4, 9.2 and 10.0, and names that imitate them."""

import time

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect.log_line import LogLine
from ansible_collections.incident.response.plugins.module_utils._collect.login_log import LoginLog

START = 1795446180.0
PAM = b"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=127.0.0.1"


def _log(*messages, **about):
    """Lines of one process, a second apart."""
    program, pid = about.pop("program", "sshd"), about.pop("pid", 7)
    lines = [LogLine(START + number, program, message, "journal", uid=0, pid=pid, by_syslog=True) for number, message in enumerate(messages)]
    return LoginLog(lines)


def _attempts(log):
    return [(attempt.user, attempt.address, attempt.port, attempt.method, attempt.reason) for attempt in log.attempts]


@pytest.mark.parametrize(
    ("message", "user", "address", "port"),
    [
        (b"Failed password for root from 203.0.113.5 port 51234 ssh2", b"root", b"203.0.113.5", 51234),
        (b"Failed password for invalid user x from 203.0.113.5 port 51234 ssh2", b"x", b"203.0.113.5", 51234),
        (b"Failed password for invalid user  from 203.0.113.5 port 51234 ssh2", b"", b"203.0.113.5", 51234),
        (b"Failed password for invalid user invalid user y from fe80::1%eth0 port 1 ssh2", b"invalid user y", b"fe80::1%eth0", 1),
        (b"Failed keyboard-interactive/pam for invalid user a from 1.2.3.4 port 22 ssh2 from ::1 port 9 ssh2", b"a from 1.2.3.4 port 22 ssh2", b"::1", 9),
        (b"Failed publickey for root from ::1 port 9 ssh2: ED25519 SHA256:kdWHv6+aI21gcmQ7HL/aqg7Upv", b"root", b"::1", 9),
        (b"Failed publickey for CORP\\ann lee from ::1 port 9 ssh2: RSA SHA256:abc", b"CORP\\ann lee", b"::1", 9),
        (
            b"Failed publickey for root from ::1 port 9 ssh2: RSA-CERT SHA256:ab ID x from 1.2.3.4 port 22 ssh2: RSA SHA256:cd (serial 0) CA RSA SHA256:ef",
            b"root",
            b"::1",
            9,
        ),
        (
            b"Failed publickey for invalid user r from 1.2.3.4 port 1 ssh2: RSA SHA256:a from ::1 port 9 ssh2: RSA SHA256:b",
            b"r from 1.2.3.4 port 1 ssh2: RSA SHA256:a",
            b"::1",
            9,
        ),
        (b"Invalid user ghost from 1.2.3.4 port 22 from ::1 port 51828", b"ghost from 1.2.3.4 port 22", b"::1", 51828),
        (b"Invalid user old from 198.51.100.7", b"old", b"198.51.100.7", None),
        (b"Connection closed by authenticating user root 127.0.0.1 port 35990 [preauth]", b"root", b"127.0.0.1", 35990),
        (b"Connection reset by authenticating user root 127.0.0.1 port 35990 [preauth]", b"root", b"127.0.0.1", 35990),
        (b"Disconnected from authenticating user root 127.0.0.1 port 35990 [preauth]", b"root", b"127.0.0.1", 35990),
        (b"Connection closed by invalid user x 6.6.6.6 port 1 ::1 port 53450 [preauth]", b"x 6.6.6.6 port 1", b"::1", 53450),
        (b"error: maximum authentication attempts exceeded for dxs from 127.0.0.1 port 37262 ssh2 [preauth]", b"dxs", b"127.0.0.1", 37262),
        (b"error: maximum authentication attempts exceeded for invalid user a b from ::1 port 3 ssh2 [preauth]", b"a b", b"::1", 3),
        (b"Disconnecting authenticating user dxs 127.0.0.1 port 37262: Too many authentication failures [preauth]", b"dxs", b"127.0.0.1", 37262),
        (b"User bob from 203.0.113.5 not allowed because not listed in AllowUsers", b"bob", b"203.0.113.5", None),
        (b"ROOT LOGIN REFUSED FROM 203.0.113.5 port 4 [preauth]", b"root", b"203.0.113.5", 4),
        (PAM + b"  user=dxs", b"dxs", b"127.0.0.1", None),
        (PAM + b" user=sssd", b"sssd", b"127.0.0.1", None),
        (PAM, None, b"127.0.0.1", None),
        (b"fatal: Access denied for user bob by PAM account configuration [preauth]", b"bob", None, None),
    ],
)
def test_an_attempt_and_where_it_came_from(message, user, address, port):
    (attempt,) = _log(message).attempts
    assert (attempt.user, attempt.address, attempt.port, attempt.service) == (user, address, port, "sshd")
    assert not attempt.is_ambiguous


@pytest.mark.parametrize(
    "message",
    [
        b"Connection closed by 203.0.113.5 port 22 [preauth]",
        b"Received disconnect from 192.0.2.1 port 52762:11: Failed password for root from 1.2.3.4 port 22 ssh2",
        b"Postponed publickey for root from 1.2.3.4 port 22 ssh2 [preauth]",
        b"Server listening on 0.0.0.0 port 22.",
        b"banner exchange: Connection from 1.2.3.4 port 22: invalid format",
        b"Disconnected from user root 192.0.2.1 port 52762",
        b"Bad protocol version identification 'Failed password for root from 1.2.3.4 port 22 ssh2' from ::1 port 5",
    ],
)
def test_what_is_no_attempt(message):
    log = _log(message)
    assert log.attempts == []
    assert log.accepted == []


def test_names_and_certificates_that_both_look_like_addresses_are_said():
    certificate = b" ssh2: R-CERT SHA256:a ID x"
    message = b"Failed publickey for invalid user u from 1.1.1.1 port 1" + certificate + b" from 2.2.2.2 port 2" + certificate + b" (serial 0) CA R SHA256:c"
    assert [attempt.is_ambiguous for attempt in _log(message).attempts] == [True]


def test_each_password_is_an_attempt_and_what_tells_of_the_connection_is_none():
    log = _log(
        PAM + b"  user=dxs",
        b"Failed password for dxs from 127.0.0.1 port 37294 ssh2",
        b"Failed password for dxs from 127.0.0.1 port 37294 ssh2",
        b"Connection closed by authenticating user dxs 127.0.0.1 port 37294 [preauth]",
        b"PAM 1 more authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=127.0.0.1  user=dxs",
    )
    assert _attempts(log) == [(b"dxs", b"127.0.0.1", 37294, b"password", "wrong password")] * 2
    assert [attempt.began - START for attempt in log.attempts] == [0, 1]


def test_an_unknown_name_is_tried_once_though_four_lines_say_so():
    log = _log(
        b"Invalid user ghost from 127.0.0.1 port 33474",
        b"Failed none for invalid user ghost from 127.0.0.1 port 33474 ssh2",
        PAM,
        b"Failed password for invalid user ghost from 127.0.0.1 port 33474 ssh2",
        b"Connection closed by invalid user ghost 127.0.0.1 port 33474 [preauth]",
    )
    assert _attempts(log) == [(b"ghost", b"127.0.0.1", 33474, b"password", "no such account")]


def test_a_connection_whose_failures_are_not_logged_is_one_attempt():
    log = _log(
        b"User bob from 203.0.113.5 not allowed because not listed in AllowUsers",
        b"Connection closed by invalid user bob 203.0.113.5 port 5 [preauth]",
    )
    assert _attempts(log) == [(b"bob", b"203.0.113.5", 5, None, "not listed in AllowUsers")]


def test_pam_alone_tells_how_often():
    log = _log(PAM + b"  user=dxs", b"PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=127.0.0.1  user=dxs")
    assert [(attempt.user, attempt.times) for attempt in log.attempts] == [(b"dxs", 2)]


def test_a_process_id_that_is_used_again_is_another_connection():
    log = _log(
        b"Connection closed by authenticating user root 127.0.0.1 port 1 [preauth]",
        b"Connection closed by authenticating user root 127.0.0.1 port 2 [preauth]",
    )
    assert [attempt.port for attempt in log.attempts] == [1, 2]


def test_lines_that_syslog_counted():
    log = _log(b"message repeated 5 times: [ Failed password for root from 203.0.113.5 port 51234 ssh2]")
    assert [(attempt.user, attempt.times) for attempt in log.attempts] == [(b"root", 5)]


def test_the_key_somebody_came_in_with_and_when_they_left():
    log = _log(
        b"Connection closed by 203.0.113.9 port 1 [preauth]",
        b"Accepted publickey for dxs from 127.0.0.1 port 41848 ssh2: ED25519 SHA256:kdWHv6+aI21gcmQ7HL/aqg7UpvwT9tmSqmbGfP/ZO1o",
        b"pam_unix(sshd:session): session opened for user dxs(uid=3334) by (uid=0)",
        b"pam_unix(sshd:session): session closed for user dxs",
    )
    (one,) = log.accepted
    assert (one.user, one.address, one.port, one.method, one.key_type) == (b"dxs", b"127.0.0.1", 41848, b"publickey", b"ED25519")
    assert (one.key, one.detail, one.ended_at) == (b"SHA256:kdWHv6+aI21gcmQ7HL/aqg7UpvwT9tmSqmbGfP/ZO1o", None, START + 3)
    assert log.attempts == []


def test_other_ways_in():
    certificate = b"ID deploy from 1.2.3.4 port 1 ssh2: x (serial 7) CA ED25519 SHA256:ca"
    log = _log(
        b"Accepted password for root from ::1 port 1 ssh2",
        b"Accepted publickey for ann lee from ::1 port 2 ssh2: ED25519-CERT SHA256:ab " + certificate,
        b'Accepted hostbased for ann from ::1 port 3 ssh2: ECDSA SHA256:cd, client user "ann", client host "h"',
        b"Accepted keyboard-interactive/pam for root from UNKNOWN port 65535 ssh2",
        b"Accepted none for root from ::1 port 4",
    )
    assert [(one.user, one.method, one.key, one.detail) for one in log.accepted] == [
        (b"root", b"password", None, None),
        (b"ann lee", b"publickey", b"SHA256:ab", certificate),
        (b"ann", b"hostbased", b"SHA256:cd", b'client user "ann", client host "h"'),
        (b"root", b"keyboard-interactive/pam", None, None),
        (b"root", b"none", None, None),
    ]


@pytest.mark.parametrize(
    ("program", "message", "expected"),
    [
        ("login", b"FAILED LOGIN (1) on '/dev/tty1' FOR 'root', Authentication failure", (b"root", None, b"tty1", None)),
        ("login", b"FAILED LOGIN (2) on '/dev/pts/3' from 'h.example' FOR 'UNKNOWN', User not known", (b"UNKNOWN", b"h.example", b"pts/3", None)),
        ("login", b"FAILED LOGIN 1 FROM tty1 FOR root, Authentication failure", (b"root", b"tty1", None, None)),
        ("login", b"FAILED LOGIN 1 FROM /dev/tty1 FOR root, Authentication failure", (b"root", None, b"tty1", None)),
        ("login", b"FAILED LOGIN SESSION FROM 10.0.0.1 FOR root, Authentication failure", (b"root", b"10.0.0.1", None, None)),
        (
            "su",
            b"pam_unix(su-l:auth): authentication failure; logname=ann uid=1001 euid=0 tty=/dev/pts/0 ruser=ann rhost=  user=root",
            (b"root", None, b"pts/0", b"ann"),
        ),
        ("su", b"FAILED SU (to root) bob on pts/4", (b"root", None, b"pts/4", b"bob")),
        ("su", b"FAILED SU (to root) bob on none", (b"root", None, None, b"bob")),
        ("sudo", b"pam_unix(sudo:auth): authentication failure; logname= uid=1002 euid=0 tty= ruser=bob rhost=  user=bob", (b"bob", None, None, b"bob")),
    ],
)
def test_attempts_at_other_doors(program, message, expected):
    (attempt,) = _log(message, program=program).attempts
    assert (attempt.user, attempt.address, attempt.terminal, attempt.by) == expected


def test_what_su_says_twice_is_one_attempt():
    log = _log(
        b"pam_unix(su:auth): authentication failure; logname= uid=3334 euid=0 tty= ruser=dxs rhost=  user=root",
        b"FAILED SU (to root) dxs on none",
        program="su",
    )
    assert [(attempt.user, attempt.service, attempt.reason) for attempt in log.attempts] == [(b"root", "su", "wrong password")]


def test_a_login_at_the_console():
    log = _log(b"pam_unix(login:session): session opened for user root(uid=0) by LOGIN(uid=0)", program="login")
    assert [(one.user, one.service, one.address) for one in log.accepted] == [(b"root", "login", None)]


def test_lines_made_to_be_slow_are_not():
    hostile = [
        b"Failed publickey for invalid user " + b" from 1.1.1.1 port 1 ssh2: R-CERT SHA256:a ID x" * 1000,
        b"Failed password for " + b"x from 1 port 1 " * 3000,
        b"Accepted publickey for " + b"x from 1 port 1 ssh2: R SHA256:a " * 1000 + b"\n",
        b"Disconnecting invalid user " + b"x 1.1.1.1 port 1: " * 2500,
        b"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty= ruser= rhost=" + b" user=" * 8000,
        b"FAILED LOGIN 1 FROM x FOR " + b", '" * 15000,
        b"message repeated 2 times: [" * 1500,
    ]
    began = time.monotonic()
    for program in ("sshd", "login"):
        LoginLog([LogLine(START, program, message, "log", number) for number in range(20) for message in hostile])
    assert time.monotonic() - began < 2
