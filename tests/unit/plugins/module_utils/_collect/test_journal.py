# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: its export format, and a program that is started only when it can be trusted and never outlives us."""

import os
import struct
import time

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import journal
from ansible_collections.incident.response.plugins.module_utils._collect.section import SectionBuilder
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target


def _entry(**fields):
    return b"".join(name.encode() + b"=" + value + b"\n" for name, value in fields.items()) + b"\n"


def _program(tmp_path, text, mode=0o755):
    path = tmp_path / "usr" / "bin" / "journalctl"
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(mode)
    return path


def _parsed(data, step):
    parser = journal.ExportParser()
    return [entry for place in range(0, len(data), step) for entry in parser.feed(data[place : place + step])]


@pytest.mark.parametrize("step", [1, 3, 7, 1000])
def test_export_format_with_binary_fields(step):
    """However the bytes come, and though a message holds what looks like an entry of its own."""
    inner = b"a\n\n_UID=0\nMESSAGE=forged\n\nb=c\xff"
    data = b"A=1\nMESSAGE\n" + struct.pack("<Q", len(inner)) + inner + b"\nB=2=3\n\n\nC=4\n\nD=cut o"
    assert _parsed(data, step) == [{"A": b"1", "MESSAGE": inner, "B": b"2=3"}, {"C": b"4"}]


def test_lengths_that_lie_end_the_parsing():
    assert _parsed(b"A=1\n\nMESSAGE\n" + struct.pack("<Q", 2**63) + b"x\n\n", 5) == [{"A": b"1"}]
    assert _parsed(b"\n\n\n", 1) == []
    assert _parsed(b"MESSAGE\n" + struct.pack("<Q", 10) + b"0123456789\n\n", 1000) == [{"MESSAGE": b"0123456789"}]


def test_a_line_and_who_wrote_it():
    entry = {
        "SYSLOG_IDENTIFIER": b"sudo",
        "MESSAGE": b"x",
        "_UID": b"1001",
        "_PID": b"7",
        "_CAP_EFFECTIVE": b"1ffffffffff",
        "_TRANSPORT": b"syslog",
        "__REALTIME_TIMESTAMP": b"1795446181000000",
        "_SOURCE_REALTIME_TIMESTAMP": b"1795446180500000",
    }
    line = journal.to_line(entry)
    assert (line.at, line.program, line.uid, line.pid, line.privileged, line.by_syslog) == (1795446180.5, "sudo", 1001, 7, True, True)
    assert journal.to_line(dict(entry, _CAP_EFFECTIVE=b"0")).privileged is False
    assert journal.to_line({"_COMM": b"su", "MESSAGE": b"x"}).privileged is None
    assert journal.to_line({"SYSLOG_IDENTIFIER": b"cron", "_COMM": b"cron"}) is None


def test_a_program_that_others_can_write_is_not_started(tmp_path):
    mark = tmp_path / "started"
    path = _program(tmp_path, "touch %s\n" % mark, mode=0o777)
    builder = SectionBuilder(10)
    assert journal.start(Target(root=str(tmp_path))).lines(builder) == []
    error = builder.finish()["errors"][0]
    assert "others than root can write %s" % path in error["reason"]
    assert not mark.exists()


def test_no_journalctl_is_said(tmp_path):
    builder = SectionBuilder(10)
    assert journal.start(Target(root=str(tmp_path))).lines(builder) == []
    assert [error["reason"] for error in builder.finish()["errors"]] == ["there is no journalctl", "there are no journal files"]


def test_a_journal_that_is_closed_to_us_is_said(tmp_path, monkeypatch):
    folder = tmp_path / "var" / "log" / "journal" / "0123"
    folder.mkdir(parents=True)
    (folder / "system.journal").write_bytes(b"")
    (folder / "user-1001.journal").write_bytes(b"")
    monkeypatch.setattr(os, "access", lambda path, _mode: "user-1001" in path)
    builder = SectionBuilder(10)
    journal.start(Target(root=str(tmp_path))).lines(builder)
    assert builder.finish()["errors"][1]["reason"] == "Permission denied: 1 of its 2 files were not read"


def _run(tmp_path, text):
    reader = journal.JournalReader()
    reader.run([str(_program(tmp_path, text))])
    return reader


def test_entries_come_oldest_first_and_complaints_are_said(tmp_path):
    new = _entry(SYSLOG_IDENTIFIER=b"sudo", MESSAGE=b"new")
    (tmp_path / "out").write_bytes(new + _entry(SYSLOG_IDENTIFIER=b"su", MESSAGE=b"old"))
    reader = _run(tmp_path, "cat %s/out; echo 'Hint: others are not shown.' >&2\n" % tmp_path)
    builder = SectionBuilder(10)
    assert [line.message for line in reader.lines(builder)] == [b"old", b"new"]
    assert builder.finish()["errors"][0]["reason"] == "Hint: others are not shown."


def test_it_is_started_with_a_clean_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SYSTEMD_PAGER", "touch /tmp/x")
    monkeypatch.setenv("LD_PRELOAD", "")
    _run(tmp_path, "/usr/bin/env >%s/env; /bin/pwd >>%s/env\n" % (tmp_path, tmp_path)).lines(SectionBuilder(10))
    environment = (tmp_path / "env").read_text()
    assert "PAGER" not in environment
    assert "LD_PRELOAD" not in environment
    assert "LC_ALL=C\n" in environment
    assert environment.endswith("\n/\n")


def test_one_that_hangs_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "_PATIENCE", 0.5)
    reader = _run(tmp_path, "echo $$ >%s/pid; exec sleep 60\n" % tmp_path)
    builder = SectionBuilder(10)
    began = time.monotonic()
    assert reader.lines(builder) == []
    assert time.monotonic() - began < 5
    assert "took longer than" in builder.finish()["errors"][0]["reason"]
    assert not os.path.exists("/proc/%s" % (tmp_path / "pid").read_text().strip())


def test_one_that_floods_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "_MOST_BYTES", 1 << 17)
    reader = _run(tmp_path, "exec yes SYSLOG_IDENTIFIER=sudo\n")
    builder = SectionBuilder(10)
    reader.lines(builder)
    assert builder.finish()["limits"][0]["what"] == "bytes of the journal"


def test_a_flood_of_one_kind_does_not_push_out_another(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "_MOST_OF_A_KIND", 10)
    guesses = [_entry(SYSLOG_IDENTIFIER=b"sshd", _UID=b"0", MESSAGE=b"%d" % number) for number in range(100)]
    forged = [_entry(SYSLOG_IDENTIFIER=b"sshd", _UID=b"1001", MESSAGE=b"x")]
    (tmp_path / "out").write_bytes(b"".join(guesses + forged + [_entry(SYSLOG_IDENTIFIER=b"sudo", MESSAGE=b"old")]))
    builder = SectionBuilder(10)
    lines = _run(tmp_path, "cat %s/out\n" % tmp_path).lines(builder)
    assert [line.message for line in lines] == [b"old", b"x"] + [b"%d" % number for number in range(9, -1, -1)]
    assert [limit["what"] for limit in builder.finish()["limits"]] == ["entries of the journal about logins"]


def test_stopping_twice_is_harmless(tmp_path):
    reader = _run(tmp_path, "exec sleep 60\n")
    reader.stop()
    reader.stop()
    assert reader.lines(SectionBuilder(10)) == []
