# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs of syslog daemons: times in both forms, rotated and compressed logs, and what the journal has as well."""

import bz2
import gzip
import lzma
import os
import time

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect.account_events import account_event, account_of
from ansible_collections.incident.response.plugins.module_utils._collect.account_log import parse_iso, parse_log, read_logs
from ansible_collections.incident.response.plugins.module_utils._collect.event_log import merge
from ansible_collections.incident.response.plugins.module_utils._collect.log_line import LogLine
from ansible_collections.incident.response.plugins.module_utils._collect.section import SectionBuilder
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target
from ansible_collections.incident.response.plugins.module_utils._schema.history import ACCOUNT_EVENT

SUDO = b"testhost sudo:    alice : PWD=/ ; USER=root ; COMMAND=/usr/bin/id\n"


def _host(tmp_path):
    (tmp_path / "var" / "log").mkdir(parents=True)
    return Target(root=str(tmp_path))


def _put(tmp_path, name, data, modified_at=1795446180):
    path = tmp_path / "var" / "log" / name
    path.write_bytes(data)
    os.utime(str(path), (modified_at, modified_at))


def test_iso_times():
    assert parse_iso(b"2026-11-23T15:03:00Z") == 1795446180
    assert parse_iso(b"2026-11-23T15:03:00.500000+00:00") == 1795446180.5
    assert parse_iso(b"2026-11-23T17:03:00+02:00") == 1795446180
    assert parse_iso(b"2026-11-23T09:33:00-0530") == 1795446180
    for stamp in (b"2026-13-23T15:03:00Z", b"2026-00-00T15:03:00Z", b"0000-01-01T00:00:00Z", b"nonsense"):
        assert parse_iso(stamp) is None


def test_lines_of_our_programs_only_with_their_numbers():
    data = (
        b"2026-11-23T15:03:00+00:00 h sshd[7]: Failed password for sudo: x\n"
        b"2026-11-23T15:03:00+00:00 h sudo:    alice : PWD=/ ; USER=root ; COMMAND=/usr/bin/id\n"
        b"2026-11-23T15:03:01+00:00 h sudox: no\n"
        b"2026-11-23T15:03:02+00:00 h su[1434]: FAILED SU (to root) bob on none\n"
    )
    lines, total = parse_log(data, "/var/log/auth.log", 0)
    assert total == 3
    assert [(line.program, line.line, line.at) for line in lines] == [("sshd", 1, 1795446180.0), ("sudo", 2, 1795446180.0), ("su", 4, 1795446182.0)]
    assert [line.pid for line in lines] == [7, None, 1434]
    del lines[0]
    assert lines[0].message.startswith(b"   alice : ")
    assert not lines[0].year_inferred


def test_the_year_comes_from_the_last_change_and_is_said(tmp_path):
    target = _host(tmp_path)
    data = b"Dec 31 23:59:00 h sudo: a\nJan  1 00:01:00 h sudo: b\nNov 23 15:03:00 h sudo: c\n"
    _put(tmp_path, "auth.log", data)
    lines = read_logs(target, SectionBuilder(10))
    assert [time.strftime("%Y-%m-%dT%H:%M", time.gmtime(line.at)) for line in lines] == ["2025-12-31T23:59", "2026-01-01T00:01", "2026-11-23T15:03"]
    assert all(line.year_inferred for line in lines)


def test_a_log_that_was_not_touched_for_years_goes_back_in_time(tmp_path):
    target = _host(tmp_path)
    _put(tmp_path, "secure", b"Nov 23 15:03:00 h sudo: a\nNov 20 15:03:00 h sudo: b\nFoo 99 99:99:99 h sudo: c\n")
    first, second, third = read_logs(target, SectionBuilder(10))
    assert time.gmtime(first.at)[:3] == (2025, 11, 23)
    assert time.gmtime(second.at)[:3] == (2026, 11, 20)
    assert third.at is None


def test_the_zone_is_the_hosts(tmp_path, monkeypatch):
    if not os.path.exists("/usr/share/zoneinfo/Asia/Tokyo"):
        pytest.skip("no zoneinfo on this machine")
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    target = _host(tmp_path)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "localtime").symlink_to("/usr/share/zoneinfo/Asia/Tokyo")
    _put(tmp_path, "auth.log", b"Nov 24 00:03:00 h sudo: a\n")
    (line,) = read_logs(target, SectionBuilder(10))
    assert line.at == 1795446180
    assert os.environ["TZ"] == "America/New_York"
    monkeypatch.undo()
    time.tzset()


def test_rotated_and_compressed_logs(tmp_path):
    target = _host(tmp_path)
    _put(tmp_path, "auth.log", b"2026-11-23T15:03:00Z " + SUDO, 1795446180)
    _put(tmp_path, "auth.log.1", b"2026-11-22T15:03:00Z " + SUDO, 1795359780)
    _put(tmp_path, "auth.log.2.gz", gzip.compress(b"2026-11-21T15:03:00Z " + SUDO), 1795273380)
    _put(tmp_path, "auth.log.3.bz2", bz2.compress(b"2026-11-20T15:03:00Z " + SUDO), 1795186980)
    _put(tmp_path, "secure-20261119.xz", lzma.compress(b"2026-11-19T15:03:00Z " + SUDO), 1795100580)
    _put(tmp_path, "auth.log.4.gz", b"no gzip at all", 1795000000)
    _put(tmp_path, "auth.logx", b"2026-11-18T15:03:00Z " + SUDO)
    os.mkfifo(str(tmp_path / "var" / "log" / "auth.log.5"))
    builder = SectionBuilder(10)
    lines = read_logs(target, builder)
    assert [line.source for line in lines] == [
        "/var/log/secure-20261119.xz",
        "/var/log/auth.log.3.bz2",
        "/var/log/auth.log.2.gz",
        "/var/log/auth.log.1",
        "/var/log/auth.log",
    ]
    assert {error["subjects"][0] for error in builder.finish()["errors"]} == {"/var/log/auth.log.4.gz", "/var/log/auth.log.5"}


def test_a_compressed_log_that_grows_without_bounds_is_cut_and_said(tmp_path):
    target = _host(tmp_path)
    _put(tmp_path, "auth.log.2.gz", gzip.compress(b"2026-11-21T15:03:00Z " + SUDO + b"\0" * (64 << 20)))
    builder = SectionBuilder(10)
    assert len(read_logs(target, builder)) == 1
    (limit,) = builder.finish()["limits"]
    assert limit["what"] == "bytes of /var/log/auth.log.2.gz"
    assert limit["limit"] == 8 << 20


def test_of_very_many_lines_the_newest_are_taken(tmp_path):
    target = _host(tmp_path)
    _put(tmp_path, "auth.log.1", b"2026-11-22T15:03:00Z " + SUDO, 1795359780)
    _put(tmp_path, "auth.log", b"".join(b"2026-11-23T15:%02d:%02dZ h sudo: %d\n" % (n // 600, n // 10 % 60, n) for n in range(20000)))
    builder = SectionBuilder(10)
    lines = read_logs(target, builder)
    assert len(lines) == 10000
    assert (lines[-1].message, lines[-1].line, lines[0].line) == (b"19999", 20000, 10001)
    assert builder.finish()["limits"][0]["what"] == "lines of logs"


def _line(source, at, message=b"  alice : x", program="sudo"):
    return LogLine(at, program, message, source)


def test_one_message_in_the_journal_and_in_a_log_is_one_event():
    journal = [_line("journal", 100.9), _line("journal", 200.0, b"sh -c echo a\necho b")]
    logs = [_line("log", 101.0, b"alice : x"), _line("log", 101.0, b"alice : x"), _line("log", 200.0, b"sh -c echo a#012echo b"), _line("log", 900.0)]
    assert [(line.source, line.at) for line in merge(journal, logs)] == [("journal", 100.9), ("log", 101.0), ("journal", 200.0), ("log", 900.0)]


def test_the_same_words_at_another_time_are_another_event():
    assert len(merge([_line("journal", 100.0)], [_line("log", 103.0), _line("log", None)])) == 3


@pytest.mark.parametrize(
    ("message", "account"),
    [
        (b"new user: name=butter, UID=1002, GID=0, home=/root, shell=/bin/bash, from=none", b"butter"),
        (b"(to root) bob on pts/0", b"root"),
        (b"FAILED SU (to root) bob on none", b"root"),
        (b"pam_unix(su-l:session): session opened for user hsudo1(uid=1000) by (uid=0)", b"hsudo1"),
        (b"pam_unix(sudo:session): session closed for user root", b"root"),
        (b"pam_unix(sudo:auth): authentication failure; logname= uid=1002 euid=0 tty= ruser=bob rhost=  user=bob", b"bob"),
        (b"password for 'bob' changed by 'root'", b"bob"),
        (b"pam_unix(chpasswd:chauthtok): password changed for bob", b"bob"),
        (b"user bob added by root to group adm", b"bob"),
        (b"add 'bob' to group 'sudo'", b"bob"),
        (b"changed user 'bob' shell to '/bin/sh'", b"bob"),
        (b"changed password expiry for bob", b"bob"),
        (b"delete user 'bob'", b"bob"),
        (b"  alice : unable to resolve host testhost", b"alice"),
        (b"new group: name=g, GID=1002", None),
    ],
)
def test_the_account_that_a_line_is_about(message, account):
    assert account_of(message) == account
    event = account_event(_line("journal", 1795446180.0, message, "su"))
    assert set(event) == {field.name for field in ACCOUNT_EVENT.fields}
    assert event["message"] == message.strip().decode()


def test_compressed_in_a_way_that_python_cannot_read_is_said(tmp_path):
    target = _host(tmp_path)
    _put(tmp_path, "auth.log.2.zst", b"x")
    builder = SectionBuilder(10)
    assert read_logs(target, builder) == []
    (error,) = builder.finish()["errors"]
    assert (error["what"], error["subjects"]) == ("log", ["/var/log/auth.log.2.zst"])
    assert "cannot read" in error["reason"]


def test_messages_is_read_where_there_is_no_log_of_its_own(tmp_path):
    target = _host(tmp_path)
    _put(tmp_path, "messages", b"Nov 23 15:03:00 h authpriv.notice sudo: a\nNov 23 15:03:01 h sshd[7]: b\n")
    assert [(line.program, line.message, line.pid) for line in read_logs(target, SectionBuilder(10))] == [("sudo", b"a", None), ("sshd", b"b", 7)]
    _put(tmp_path, "secure", b"Nov 23 15:03:00 h sudo: c\n")
    assert [line.message for line in read_logs(target, SectionBuilder(10))] == [b"c"]


def test_a_flood_of_guesses_does_not_push_out_what_sudo_said(tmp_path):
    target = _host(tmp_path)
    guess = b"2026-11-23T15:03:00+00:00 h sshd[7]: Failed password for root from 203.0.113.5 port 1 ssh2\n"
    _put(tmp_path, "auth.log", b"2026-11-23T15:02:00+00:00 " + SUDO + guess * 12000)
    builder = SectionBuilder(10)
    lines = read_logs(target, builder)
    assert (len(lines), lines[0].program) == (10001, "sudo")
    assert builder.finish()["limits"][0]["what"] == "lines of logs"
