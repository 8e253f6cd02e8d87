# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of systemd-logind."""

import os

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import logind

SSH = b"""# This is private data. Do not parse.
UID=1001
USER=mallory
ACTIVE=1
STATE=active
REMOTE=1
TYPE=tty
CLASS=user
SCOPE=session-12.scope
REMOTE_HOST=203.0.113.5
SERVICE=sshd
LEADER=4200
AUDIT=12
REALTIME=1700000000500000
MONOTONIC=422081553
"""


def test_a_session_of_ssh():
    session = logind.parse("12", SSH)
    assert session == ("12", "user", 4200, 1001, b"mallory", None, b"203.0.113.5", "sshd", "tty", "active", 1700000000.5)
    assert not session.is_manager


@pytest.mark.parametrize("kind, is_manager", [(b"manager", True), (b"manager-early", True), (b"background", False), (b"user-early", False)])
def test_a_service_manager_is_told_from_people(kind, is_manager):
    assert logind.parse("c1", b"CLASS=%s\n" % kind).is_manager is is_manager


@pytest.mark.parametrize(
    "written, read",
    [
        (b'REMOTE_HOST="a b"', b"a b"),
        (b"REMOTE_HOST=a\\x20b", b"a b"),
        (b"REMOTE_HOST=\\n\\\\", b"\n\\"),
        (b'REMOTE_HOST="', b'"'),
        (b"REMOTE_HOST=a=b", b"a=b"),
        (b"REMOTE_HOST=\xff", b"\xff"),
    ],
)
def test_quotes_and_escapes(written, read):
    assert logind.parse("1", written + b"\n").remote_host == read


def test_what_is_no_number_is_unknown():
    session = logind.parse("1", b"LEADER=-1\nUID=x\nREALTIME=" + b"9" * 30 + b"\nno line\n\n=\n")
    assert (session.leader, session.uid, session.started_at) == (None, None, None)


def test_the_terminal_or_else_the_display():
    assert logind.parse("1", b"TTY=tty2\nDISPLAY=:0\n").terminal == b"tty2"
    assert logind.parse("1", b"DISPLAY=:0\n").terminal == b":0"


def test_fifos_of_sessions_are_left_alone_and_others_are_said(tmp_path):
    (tmp_path / "12").write_bytes(SSH)
    os.mkfifo(str(tmp_path / "12.ref"))
    os.mkfifo(str(tmp_path / "13"))
    failed = []
    sessions = logind.read_sessions(str(tmp_path), lambda path, error: failed.append((path, error.strerror)))
    assert [session.id for session in sessions] == ["12"]
    assert failed == [(str(tmp_path / "13"), "is a fifo, not a regular file")]


def test_a_host_without_logind(tmp_path):
    with pytest.raises(FileNotFoundError):
        logind.read_sessions(str(tmp_path / "sessions"), lambda path, error: None)
