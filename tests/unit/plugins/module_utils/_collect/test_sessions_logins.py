# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins, logouts, boots and failed logins from wtmp, wtmpdb and btmp."""

import bz2
import gzip
import lzma
import os
import sqlite3
import time

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import login_records, sessions, utmp, wtmpdb
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target
from ansible_collections.incident.response.plugins.module_utils._schema.sessions import FAILED_LOGIN, LAST_LOGIN, LOGGED_IN_USER, LOGIN

START = 1700000000
_DECLARED = {"logins": LOGIN, "failed_logins": FAILED_LOGIN, "last_logins": LAST_LOGIN, "users": LOGGED_IN_USER}


def record(kind, line=b"pts/0", user=b"", at=0, host=b"", pid=5000):
    return utmp.LAYOUT.pack(kind, pid, line, b"", user, host, 0, 0, 0, START + at, 0, b"", b"")


class Host:
    def __init__(self, path):
        self.root, self.proc = path / "root", path / "proc"
        (self.root / "var" / "log").mkdir(parents=True)
        (self.root / "var" / "lib" / "wtmpdb").mkdir(parents=True)
        (self.root / "etc").mkdir()
        (self.root / "etc" / "passwd").write_bytes(b"root:x:0:0::/root:/bin/sh\nmallory:x:1001:1001::/:/bin/sh\n")
        (self.root / "run" / "systemd" / "sessions").mkdir(parents=True)
        self.proc.mkdir()
        (self.proc / "stat").write_text("btime %d\n" % START)
        self.log("wtmp")
        self.log("btmp")

    def log(self, name, *records):
        (self.root / "var" / "log" / name).write_bytes(b"".join(records))

    def process(self, pid, started):
        (self.proc / str(pid)).mkdir()
        line = "%d (bash) S 1 %d %d 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 %d 1 1 0\n" % (pid, pid, pid, started * os.sysconf("SC_CLK_TCK"))
        (self.proc / str(pid) / "stat").write_text(line)

    def wtmpdb(self, *rows):
        connection = sqlite3.connect(str(self.root / "var" / "log" / "wtmp.db"))
        connection.execute(
            "CREATE TABLE wtmp(ID INTEGER PRIMARY KEY, Type INTEGER, User TEXT, Login INTEGER, Logout INTEGER, TTY TEXT, RemoteHost TEXT, Service TEXT)"
        )
        connection.executemany("INSERT INTO wtmp(Type, User, Login, Logout, TTY, RemoteHost) VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.commit()
        connection.close()
        (self.root / "var" / "lib" / "wtmpdb" / "wtmp.db").symlink_to("../../log/wtmp.db")

    def collect(self, **options):
        section = sessions.collect(Target(str(self.root), str(self.proc)), **options)
        # A host of files has no program to ask its journal with.
        section["errors"] = [error for error in section["errors"] if error["what"] != "journal"]
        for name, declared in _DECLARED.items():
            for entry in section[name]:
                assert set(entry) - {"raw", "clipped"} == {field.name for field in declared.fields}
        return section


@pytest.fixture
def host(tmp_path, own_pid):
    return Host(tmp_path)


def _ends(section):
    return [(login["user"], login["end"], login["logout_at"]) for login in section["logins"] if login["kind"] == "login"]


def test_a_logout_ends_the_login_on_its_terminal(host):
    host.log(
        "wtmp",
        record(utmp.USER, b"pts/0", b"mallory", 10),
        record(utmp.USER, b"pts/1", b"root", 20),
        record(utmp.DEAD, b"pts/0", b"", 70),
    )
    assert _ends(host.collect()) == [("root", "gone", None), ("mallory", "logout", "2023-11-14T22:14:30Z")]


def test_a_login_lasts_while_its_process_does(host):
    host.process(6000, 15)
    host.process(6001, 500)
    host.log("wtmp", record(utmp.USER, b"pts/0", b"mallory", 20, pid=6000), record(utmp.USER, b"pts/1", b"root", 30, pid=6001))
    assert _ends(host.collect()) == [("root", "gone", None), ("mallory", None, None)]


def test_the_next_login_on_a_terminal_ends_the_one_before(host):
    host.process(6000, 15)
    host.log("wtmp", record(utmp.USER, b"pts/0", b"mallory", 10), record(utmp.USER, b"pts/0", b"root", 60, pid=6000))
    assert _ends(host.collect()) == [("root", None, None), ("mallory", "replaced", "2023-11-14T22:14:20Z")]


def test_shutdowns_and_crashes_end_what_was_open(host):
    host.log(
        "wtmp",
        record(utmp.BOOT, b"~", b"reboot", 0),
        record(utmp.USER, b"pts/0", b"one", 10),
        record(utmp.RUN_LEVEL, b"~", b"shutdown", 50),
        record(utmp.BOOT, b"~", b"reboot", 60),
        record(utmp.USER, b"pts/0", b"two", 70),
        record(utmp.BOOT, b"~", b"reboot", 90),
    )
    section = host.collect()
    assert [login["kind"] for login in section["logins"]] == ["boot", "login", "boot", "shutdown", "login", "boot"]
    assert _ends(section) == [("two", "crash", None), ("one", "shutdown", "2023-11-14T22:14:10Z")]
    assert [login["end"] for login in section["logins"] if login["kind"] == "boot"] == [None, "crash", "shutdown"]


def test_the_rotated_file_goes_before(host):
    host.log("wtmp.1", record(utmp.USER, b"pts/0", b"older", 10))
    host.log("wtmp", record(utmp.USER, b"pts/1", b"newer", 20))
    assert [login["user"] for login in host.collect()["logins"]] == ["newer", "older"]


def test_damage_is_marked_and_passed(host, noise):
    host.log(
        "wtmp", record(utmp.USER, b"pts/0", b"before", 10), noise(3 * utmp.LAYOUT.size), bytes(utmp.LAYOUT.size), record(utmp.USER, b"pts/1", b"after", 20)
    )
    section = host.collect()
    logins = section["logins"]
    assert [login["user"] for login in logins if not login["is_damaged"]] == ["after", "before"]
    assert [login["kind"] for login in logins if login["is_damaged"]] == ["other"] * 4
    assert [login["login_at"] for login in logins if login["user"] is None and login["pid"] == 0] == [None]
    assert ("wtmp", "4 damaged records") in [(error["what"], error["reason"]) for error in section["errors"]]


def test_garbage_does_not_push_logins_out(host):
    host.log("wtmp", record(utmp.USER, b"pts/0", b"before", 10), bytes(500 * utmp.LAYOUT.size))
    logins = host.collect(limit=200)["logins"]
    assert len(logins) == 101
    assert logins[-1]["user"] == "before"


def test_failed_logins_newest_first_and_bounded(host):
    host.log("btmp", *[record(utmp.LOGIN, b"ssh:notty", b"root", number, b"203.0.113.5") for number in range(50)])
    section = host.collect(limit=20)
    assert len(section["failed_logins"]) == 20
    newest = {name: value for name, value in section["failed_logins"][0].items() if value is not None}
    assert newest == {
        "at": "2023-11-14T22:14:09Z",
        "user": "root",
        "from": "203.0.113.5",
        "terminal": "ssh:notty",
        "service": "sshd",
        "attempts": 1,
        "source": "btmp",
        "sources": ["btmp"],
        "is_ambiguous": False,
        "is_damaged": False,
    }
    assert {"what": "failed_logins", "limit": 20, "total": 50} in section["limits"]


def test_older_records_that_were_not_read_are_said(host, monkeypatch):
    monkeypatch.setattr(login_records, "_BYTES", 10 * utmp.LAYOUT.size)
    host.log("btmp.1", record(utmp.LOGIN, b"ssh:notty", b"older", 0))
    host.log("btmp", *[record(utmp.LOGIN, b"ssh:notty", b"root", number) for number in range(50)])
    section = host.collect()
    assert {failed["user"] for failed in section["failed_logins"]} == {"root"}
    assert len(section["failed_logins"]) == 10
    assert {"what": "/var/log/btmp (records read)", "limit": 10, "total": 50} in section["limits"]


def test_missing_logs_are_said(host):
    for name in ("wtmp", "btmp"):
        (host.root / "var" / "log" / name).unlink()
    assert [(error["what"], error["reason"]) for error in host.collect()["errors"]] == [
        ("wtmp", "No such file or directory"),
        ("btmp", "No such file or directory"),
    ]


def test_a_fifo_in_the_place_of_a_log(host):
    (host.root / "var" / "log" / "btmp").unlink()
    os.mkfifo(str(host.root / "var" / "log" / "btmp"))
    assert [(error["what"], error["reason"]) for error in host.collect()["errors"]] == [("btmp", "is a fifo, not a regular file")]


def test_users_that_were_asked_for(host):
    host.log("wtmp", record(utmp.USER, b"pts/0", b"mallory", 10), record(utmp.USER, b"pts/1", b"root", 20))
    host.log("btmp", record(utmp.LOGIN, b"ssh:notty", b"mallory", 0), record(utmp.LOGIN, b"ssh:notty", b"nobody-here", 0))
    section = host.collect(users=["1001"])
    assert [login["user"] for login in section["logins"]] == ["mallory"]
    assert [failed["user"] for failed in section["failed_logins"]] == ["mallory"]


def test_a_login_in_both_databases_is_one(host):
    host.log("wtmp", record(utmp.USER, b"pts/0", b"mallory", 10), record(utmp.USER, b"pts/1", b"root", 20))
    host.wtmpdb(
        (wtmpdb.BOOT, "reboot", START * 1000000, None, "~", "6.12"),
        (wtmpdb.USER, "mallory", (START + 10) * 1000000 + 400000, (START + 70) * 1000000, "pts/0", "203.0.113.5"),
        (wtmpdb.USER, "hidden", (START + 30) * 1000000, None, "pts/2", None),
    )
    section = host.collect()
    assert section["errors"] == []
    assert [(login["user"], login["sources"], login["end"]) for login in section["logins"]] == [
        ("hidden", ["wtmpdb"], "gone"),
        ("root", ["wtmp"], "gone"),
        ("mallory", ["wtmp", "wtmpdb"], "logout"),
        ("reboot", ["wtmpdb"], None),
    ]


def test_wtmp_may_be_missing_where_wtmpdb_is(host):
    (host.root / "var" / "log" / "wtmp").unlink()
    host.wtmpdb((wtmpdb.USER, "mallory", START * 1000000, None, "pts/0", None))
    section = host.collect()
    assert section["errors"] == []
    assert [login["user"] for login in section["logins"]] == ["mallory"]


def test_reading_a_database_leaves_nothing_beside_it(host):
    host.wtmpdb((wtmpdb.USER, "mallory", START * 1000000, None, "pts/0", None))
    before = sorted(os.listdir(str(host.root / "var" / "log")))
    host.collect()
    assert sorted(os.listdir(str(host.root / "var" / "log"))) == before


def test_a_database_that_is_none(host, noise):
    (host.root / "var" / "log" / "wtmp.db").write_bytes(noise(4096))
    (error,) = host.collect()["errors"]
    assert error["what"] == "wtmpdb"


def test_a_view_in_the_place_of_the_table_is_not_run(tmp_path):
    connection = sqlite3.connect(str(tmp_path / "wtmp.db"))
    connection.execute("CREATE VIEW wtmp AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS Type, i AS User, i AS Login FROM n")
    connection.commit()
    connection.close()
    began = time.monotonic()
    with pytest.raises(wtmpdb.Unreadable):
        wtmpdb.read(str(tmp_path / "wtmp.db"), 10)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "columns",
    [
        "Type INTEGER, User TEXT GENERATED ALWAYS AS (zeroblob(1000000000)), Login INTEGER, Logout, TTY, RemoteHost, Service",
        "Type INTEGER, User TEXT, Login INTEGER DEFAULT (random()), Logout, TTY, RemoteHost, Service",
        "Type, User, Login, Logout, TTY, RemoteHost, Service, CHECK (Login > 0)",
    ],
)
def test_a_table_that_computes_is_not_read(tmp_path, columns):
    connection = sqlite3.connect(str(tmp_path / "wtmp.db"))
    try:
        connection.execute("CREATE TABLE wtmp(%s)" % columns)
    except sqlite3.Error as error:
        pytest.skip("this SQLite cannot make it: %s" % error)
    connection.commit()
    connection.close()
    with pytest.raises(wtmpdb.Unreadable, match="no plain table"):
        wtmpdb.read(str(tmp_path / "wtmp.db"), 10)


def test_a_trigger_is_not_run_and_an_index_is_not_asked(host):
    host.wtmpdb((wtmpdb.USER, "mallory", START * 1000000, None, "pts/0", None))
    connection = sqlite3.connect(str(host.root / "var" / "log" / "wtmp.db"))
    connection.execute("CREATE TRIGGER t AFTER INSERT ON wtmp BEGIN DELETE FROM wtmp; END")
    connection.execute("CREATE INDEX empty ON wtmp(Login, Type, User, Logout, TTY, RemoteHost, Service) WHERE Login < 0")
    connection.commit()
    connection.close()
    assert [login["user"] for login in host.collect()["logins"]] == ["mallory"]


def test_a_damaged_database_gives_an_error_and_no_more(host):
    host.wtmpdb(*[(wtmpdb.USER, "mallory", (START + number) * 1000000, None, "pts/0", "x" * 200) for number in range(500)])
    path = host.root / "var" / "log" / "wtmp.db"
    data = bytearray(path.read_bytes())
    for place in range(4096, len(data), 97):
        data[place] ^= 0x5A
    path.write_bytes(bytes(data))
    section = host.collect()
    assert [error["what"] for error in section["errors"]] == ["wtmpdb"]
    assert len(section["logins"]) <= 500


def test_a_database_too_large_to_be_one_is_not_read(host, monkeypatch):
    host.wtmpdb((wtmpdb.USER, "mallory", START * 1000000, None, "pts/0", None))
    monkeypatch.setattr(wtmpdb, "_MOST_BYTES", 4096)
    assert [error["reason"] for error in host.collect()["errors"]] == ["is larger than 4096 bytes"]


def test_rotated_and_compressed_records(host):
    for number, (suffix, pack) in enumerate(((".1", bytes), (".2.gz", gzip.compress), ("-20231101.xz", lzma.compress), (".3.bz2", bz2.compress))):
        path = host.root / "var" / "log" / ("btmp" + suffix)
        path.write_bytes(pack(record(utmp.LOGIN, b"ssh:notty", b"u%d" % number, 0)))
        os.utime(str(path), (START - number, START - number))
    (host.root / "var" / "log" / "btmp.4.zst").write_bytes(b"x")
    section = host.collect()
    assert {failed["user"] for failed in section["failed_logins"]} == {"u0", "u1", "u2", "u3"}
    assert [(error["what"], error["subjects"]) for error in section["errors"]] == [("btmp", ["/var/log/btmp.4.zst"])]
    assert "cannot read" in section["errors"][0]["reason"]


def test_bytes_put_in_between_cost_what_they_cover(host):
    """Everything after them is shifted: the next record is looked for."""
    records = [record(utmp.USER, b"pts/%d" % number, b"u%d" % number, number) for number in range(10)]
    host.log("wtmp", *(records[:3] + [b"\x80" * 57] + records[3:6] + [records[6][:100]] + records[7:]))
    section = host.collect()
    assert [login["user"] for login in section["logins"] if not login["is_damaged"]] == ["u9", "u8", "u7", "u5", "u4", "u3", "u2", "u1", "u0"]


def _logged(host, *lines):
    text = "".join("2023-11-14T22:%s+00:00 h %s\n" % line for line in lines)
    (host.root / "var" / "log" / "auth.log").write_text(text)


def test_a_failure_that_both_know_is_one_record(host):
    place = "from 203.0.113.5 port 4 ssh2"
    _logged(
        host,
        ("13:30", "sshd[7]: Invalid user ghost from 203.0.113.5 port 3"),
        ("13:31", "sshd[7]: Failed password for invalid user ghost from 203.0.113.5 port 3 ssh2"),
        ("13:40", "sshd[8]: Failed password for root " + place),
        ("13:41", "sshd[8]: Failed password for root " + place),
        ("13:50", "sshd[9]: Failed password for root from 198.51.100.1 port 5 ssh2"),
    )
    host.log(
        "btmp",
        record(utmp.LOGIN, b"ssh:notty", b"ghost", 10, b"203.0.113.5"),
        record(utmp.LOGIN, b"ssh:notty", b"ghost", 11, b"203.0.113.5"),
        record(utmp.LOGIN, b"ssh:notty", b"root", 20, b"203.0.113.5"),
        record(utmp.LOGIN, b"ssh:notty", b"root", 21, b"203.0.113.5"),
        record(utmp.LOGIN, b"ssh:notty", b"root", 22, b"192.0.2.77"),
        record(utmp.LOGIN, b"tty1", b"root", 100),
    )
    told = [
        (failed["at"][-6:], failed["user"], failed["from"], failed["terminal"], failed["source"], failed["sources"])
        for failed in host.collect()["failed_logins"]
    ]
    log, both = "/var/log/auth.log", ["/var/log/auth.log", "btmp"]
    assert told == [
        ("15:00Z", "root", None, "tty1", "btmp", ["btmp"]),
        ("13:50Z", "root", "198.51.100.1", None, log, [log]),
        ("13:42Z", "root", "192.0.2.77", "ssh:notty", "btmp", ["btmp"]),
        ("13:41Z", "root", "203.0.113.5", "ssh:notty", log, both),
        ("13:40Z", "root", "203.0.113.5", "ssh:notty", log, both),
        ("13:31Z", "ghost", "203.0.113.5", "ssh:notty", log, both),
    ]


def test_a_login_that_was_logged_and_recorded_is_one_record(host):
    key = "ssh2: ED25519 SHA256:kdWHv6"
    _logged(
        host,
        ("13:30", "sshd[6000]: Accepted publickey for mallory from 203.0.113.5 port 4 " + key),
        ("13:31", "sshd[6001]: Accepted password for mallory from 203.0.113.5 port 5 ssh2"),
        ("14:31", "sshd[6001]: pam_unix(sshd:session): session closed for user mallory"),
    )
    host.log("wtmp", record(utmp.USER, b"pts/0", b"mallory", 12, b"203.0.113.5", pid=6000), record(utmp.DEAD, b"pts/0", b"", 70, pid=6000))
    with_terminal, without = host.collect()["logins"]
    assert (with_terminal["terminal"], with_terminal["key_fingerprint"], with_terminal["from_port"]) == ("pts/0", "SHA256:kdWHv6", 4)
    assert (with_terminal["sources"], with_terminal["end"], with_terminal["trust"]) == (["wtmp", "/var/log/auth.log"], "logout", "forgeable")
    assert (without["terminal"], without["method"], without["key_fingerprint"], without["sources"]) == (None, "password", None, ["/var/log/auth.log"])
    assert (without["end"], without["logout_at"]) == ("logout", "2023-11-14T22:14:31Z")


def test_columns_of_other_types_do_no_harm(host):
    host.wtmpdb((wtmpdb.USER, b"\xff\xfe", "no time", -5, 7, 1.5), ("x", "", 2**62, None, None, None))
    logins = host.collect()["logins"]
    assert {login["is_damaged"] for login in logins} == {True}
    assert "\\xff\\xfe" in [login["user"] for login in logins]


def test_a_python_without_sqlite_says_so(host, monkeypatch):
    host.wtmpdb((wtmpdb.USER, "mallory", START * 1000000, None, "pts/0", None))
    monkeypatch.setattr(wtmpdb, "sqlite3", None)
    assert [error["reason"] for error in host.collect()["errors"]] == ["the Python of the target has no sqlite3"]
