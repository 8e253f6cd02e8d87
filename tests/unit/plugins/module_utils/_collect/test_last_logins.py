# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last login of each account, by lastlog and lastlog2."""

import os
import sqlite3
import time

from ansible_collections.incident.response.plugins.module_utils._collect import last_logins
from ansible_collections.incident.response.plugins.module_utils._collect.last_logins import read_last_logins
from ansible_collections.incident.response.plugins.module_utils._collect.section import SectionBuilder
from ansible_collections.incident.response.plugins.module_utils._schema.sessions import LAST_LOGIN

START = 1700000000
HUGE = 4000000000
_PASSWD = b"root:x:0:0::/root:/bin/sh\nann:x:1001:1001::/:/bin/sh\nhuge:x:%d:1::/:/bin/sh\nnever:x:1002:1::/:/bin/sh\n" % HUGE


def _record(at, terminal=b"pts/0", host=b"203.0.113.5"):
    return last_logins._RECORD.pack(at, terminal, host)


def _read(tree, limit=100):
    builder = SectionBuilder(limit)
    read_last_logins(tree.target(), builder, lambda record: True)
    section = builder.finish()
    for record in section["last_logins"]:
        assert set(record) - {"raw", "clipped"} == {field.name for field in LAST_LOGIN.fields}
    return section


def _told(section):
    return [(record["user"], record["uid"], record["at"], record["is_damaged"]) for record in section["last_logins"]]


def _lastlog(tree, **records):
    path = tree.file("/var/log/lastlog")
    with open(str(path), "r+b") as stream:
        for uid, record in records.items():
            stream.seek(int(uid[1:]) * last_logins._RECORD.size)
            stream.write(record)
    return path


def test_a_sparse_file_of_a_terabyte_costs_what_is_in_it(tree):
    tree.file("/etc/passwd", _PASSWD)
    _lastlog(tree, u0=_record(START), u1001=_record(START + 60), u1002=bytes(last_logins._RECORD.size), **{"u%d" % HUGE: _record(START + 30)})
    assert os.stat(str(tree.root / "var/log/lastlog")).st_size > 1 << 40
    began = time.monotonic()
    section = _read(tree)
    assert time.monotonic() - began < 1
    assert section["errors"] == section["limits"] == []
    assert _told(section) == [
        ("ann", 1001, "2023-11-14T22:14:20Z", False),
        ("huge", HUGE, "2023-11-14T22:13:50Z", False),
        ("root", 0, "2023-11-14T22:13:20Z", False),
    ]


def test_an_account_that_was_deleted_still_has_its_record(tree):
    tree.file("/etc/passwd", _PASSWD)
    _lastlog(tree, u70000=_record(START))
    assert _told(_read(tree)) == [(None, 70000, "2023-11-14T22:13:20Z", False)]


def test_garbage_is_marked_and_bounded(tree, monkeypatch, noise):
    tree.file("/etc/passwd", _PASSWD)
    tree.file("/var/log/lastlog", _record(-5, b"\x1b[2J", b"\xff" * 256) + noise(last_logins._RECORD.size * 100 + 17))
    monkeypatch.setattr(last_logins, "_MOST_BYTES", 8192)
    section = _read(tree, limit=10)
    assert len(section["last_logins"]) == 10
    assert ("/var/log/lastlog (bytes read)", 8192) in [(limit["what"], limit["limit"]) for limit in section["limits"]]
    assert {record["is_damaged"] for record in section["last_logins"]} <= {True, False}


def test_a_fifo_in_its_place(tree):
    tree.file("/etc/passwd", _PASSWD)
    (tree.root / "var" / "log").mkdir(parents=True)
    os.mkfifo(str(tree.root / "var" / "log" / "lastlog"))
    assert [(error["what"], error["reason"]) for error in _read(tree)["errors"]] == [("lastlog", "is a fifo, not a regular file")]


def test_lastlog2(tree):
    tree.file("/etc/passwd", _PASSWD)
    path = tree.file("/var/lib/lastlog/lastlog2.db")
    connection = sqlite3.connect(str(path))
    connection.execute("CREATE TABLE Lastlog2(Name TEXT PRIMARY KEY, Time INTEGER, TTY TEXT, RemoteHost TEXT, Service TEXT)")
    rows = [("ann", START, "pts/0", "203.0.113.5", "sshd"), ("gone", START + 9, None, None, "sshd"), ("bad", -1, None, None, None)]
    connection.executemany("INSERT INTO Lastlog2 VALUES (?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    section = _read(tree)
    assert section["errors"] == []
    assert _told(section) == [("gone", None, "2023-11-14T22:13:29Z", False), ("ann", 1001, "2023-11-14T22:13:20Z", False), ("bad", None, None, True)]
    assert {record["source"] for record in section["last_logins"]} == {"lastlog2"}


def test_a_host_without_either_has_none(tree):
    section = _read(tree)
    assert section["last_logins"] == section["errors"] == []
