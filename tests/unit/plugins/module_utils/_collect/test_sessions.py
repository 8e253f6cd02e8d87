# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions merged from trees of their own: each source missing, forged, or at odds with the others."""

import os
import time

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import procfs, sessions, utmp
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target
from ansible_collections.incident.response.plugins.module_utils._schema.sessions import SESSION

BOOT = 1700000000
LOGIN = BOOT + 1000
PTS = 136 << 8
SSHD = "/usr/sbin/sshd"
PASSWD = b"root:x:0:0::/root:/bin/bash\nmallory:x:1001:1001::/home/mallory:/bin/bash\nalice:x:1002:1002::/home/alice:/bin/bash\n"


class Host:
    """A host as files: processes under ``proc``, records under ``root``."""

    def __init__(self, path):
        self.root, self.proc = path / "root", path / "proc"
        for folder in ("etc", "run/systemd/sessions", "var/log"):
            (self.root / folder).mkdir(parents=True)
        (self.root / "var" / "run").symlink_to(self.root / "run")
        (self.root / "etc" / "passwd").write_bytes(PASSWD)
        for name in ("wtmp", "btmp"):
            (self.root / "var" / "log" / name).write_bytes(b"")
        self.proc.mkdir()
        (self.proc / "stat").write_text("btime %d\n" % BOOT)
        self.process(1, 0, "systemd", exe="/usr/lib/systemd/systemd", started=0, cgroup="/init.scope")

    def process(self, pid, ppid, *argv, **about):
        """A process; ``about`` has comm, exe, uid, tty, tpgid, pgrp, sid, started (s after BOOT), cpu, pages, cgroup, audit, socket, nspid."""
        folder = self.proc / str(pid)
        (folder / "fd").mkdir(parents=True)
        (folder / "net").mkdir()
        (folder / "ns").mkdir()
        os.symlink(str(self.proc / "stat"), str(folder / "ns" / "net"))
        comm = about.get("comm") or argv[0].split(":")[0].split("/")[-1].split(" ")[0]
        sid = about.get("sid", pid)
        start = int((about.get("started", 999) + 0.0) * procfs.TICKS)
        fields = [about.get("state", "S"), ppid, about.get("pgrp", pid), sid, about.get("tty", 0), about.get("tpgid", sid if about.get("tty") else -1), 4194560]
        fields += [0, 0, 0, 0, about.get("cpu", 0), 0, 0, 0, 20, 0, 1, 0, start, 1, about.get("pages", 1), 0]
        (folder / "stat").write_text("%d (%s) %s\n" % (pid, comm, " ".join(map(str, fields))))
        uid = about.get("uid", 0)
        (folder / "status").write_text("Name:\tx\nUid:\t%d\t%d\t%d\t%d\nNSpid:\t%s\n" % (uid, uid, uid, uid, about.get("nspid", pid)))
        (folder / "cmdline").write_bytes(b"".join(os.fsencode(part) + b"\0" for part in argv))
        (folder / "cgroup").write_text("0::%s\n" % about.get("cgroup", "/system.slice/some.service"))
        (folder / "sessionid").write_text(str(about.get("audit", 4294967295)))
        os.symlink(about.get("exe") or "/usr/bin/" + comm, str(folder / "exe"))
        if about.get("socket"):
            inode, address = about["socket"]
            os.symlink("socket:[%d]" % inode, str(folder / "fd" / "3"))
            row = "   0: 0B0200C0:0016 %s 01 00000000:00000000 00:00000000 00000000     0        0 %d 1\n" % (address, inode)
            (folder / "net" / "tcp").write_text("header\n" + row)

    def listener(self):
        self.process(30, 1, "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", exe=SSHD, started=5)

    def ssh(self, base, user, uid, terminal, **about):
        """A connection as OpenSSH has it for a person: monitor ``base``, worker ``base + 1``, shell ``base + 2``."""
        scope = "/user.slice/user-%d.slice/session-%s.scope" % (uid, about.get("login", "12"))
        common = {"cgroup": scope, "audit": about.get("audit", 4294967295)}
        socket = about.get("socket", (700 + base, "057100CB:C822"))
        self.process(base, 30, "sshd: %s [priv]" % user, exe=SSHD, socket=socket, **common)
        title = "sshd: %s@%s" % (user, "pts/%d" % terminal if terminal is not None else "notty")
        self.process(base + 1, base, title, exe=SSHD, uid=uid, sid=base, socket=socket, **common)
        tty = {"tty": PTS + terminal} if terminal is not None else {}
        self.process(base + 2, base + 1, "-bash", exe="/bin/bash", comm="bash", uid=uid, **dict(common, **tty))

    def logind(self, name, leader, uid=1001, **fields):
        lines = {"UID": uid, "LEADER": leader, "CLASS": "user", "STATE": "active", "TYPE": "tty", "SERVICE": "sshd", "REALTIME": LOGIN * 1000000}
        lines.update(fields)
        (self.root / "run" / "systemd" / "sessions" / name).write_text("".join("%s=%s\n" % line for line in lines.items()))

    def utmp(self, *records):
        (self.root / "run" / "utmp").write_bytes(b"".join(records))

    def collect(self, **options):
        section = sessions.collect(Target(str(self.root), str(self.proc)), **options)
        # A host of files has no program to ask its journal with.
        section["errors"] = [error for error in section["errors"] if error["what"] != "journal"]
        names = {field.name for field in SESSION.fields}
        for record in section["items"]:
            assert set(record) - {"raw", "clipped"} == names
        return section

    def items(self, **options):
        return self.collect(**options)["items"]


def record(pid, line, user, host=b"203.0.113.5", at=LOGIN, kind=utmp.USER):
    return utmp.LAYOUT.pack(kind, pid, line, b"", user, host, 0, 0, 0, at, 0, b"", b"")


@pytest.fixture
def host(tmp_path, own_pid):
    made = Host(tmp_path)
    made.listener()
    return made


def test_three_sources_make_one_session(host):
    host.ssh(4200, "mallory", 1001, 0)
    host.process(4210, 4202, "vim", "/etc/passwd", uid=1001, sid=4202, tty=PTS, cpu=10, pages=5, cgroup="/user.slice/user-1001.slice/session-12.scope")
    host.logind("12", 4200, REMOTE_HOST="203.0.113.5", USER="mallory")
    host.utmp(record(4202, b"pts/0", b"mallory"))
    (session,) = host.items()
    assert (session["user"], session["uid"], session["terminal"]) == ("mallory", 1001, "pts/0")
    assert (session["from"], session["from_port"]) == ("203.0.113.5", 51234)
    assert (session["recorded_user"], session["recorded_from"]) == (None, None)
    assert (session["service"], session["type"], session["session"], session["state"]) == ("sshd", "tty", "12", "active")
    assert session["sources"] == ["utmp", "logind", "processes"]
    assert session["login_at"] == "2023-11-14T22:30:00Z"
    assert (session["pid"], session["processes"], session["rss"]) == (4200, 4, 8 * procfs.PAGE)
    assert session["cpu_seconds"] == round(10 / procfs.TICKS, 2)
    assert not session["stale"]
    assert not session["is_own"]


def test_login_is_not_in_front_of_the_shell_that_it_waits_for(host):
    host.process(4200, 1, "/bin/login", "-f", tty=PTS, tpgid=4200, sid=4200, started=100)
    host.process(4201, 4200, "sleep", "9", uid=1001, sid=4200, pgrp=4200, tty=PTS, tpgid=4200, started=200)
    (session,) = host.items()
    assert (session["service"], session["foreground_pid"], session["command"]) == ("login", 4201, ["sleep", "9"])


def test_the_foreground_is_what_the_terminal_says(host):
    host.ssh(4200, "mallory", 1001, 0)
    shell = host.proc / "4202" / "stat"
    shell.write_text(shell.read_text().replace(" %d 4202 4194560" % PTS, " %d 4210 4194560" % PTS))
    host.process(4210, 4202, "vim", "/etc/passwd", uid=1001, sid=4202, tty=PTS, tpgid=4210)
    host.process(4211, 4202, "sleep", "9", uid=1001, sid=4202, tty=PTS, tpgid=4210, started=2000)
    (session,) = host.items()
    assert session["foreground_pid"] == 4210
    assert session["command"] == ["vim", "/etc/passwd"]


@pytest.mark.parametrize("known", [(), ("logind",), ("utmp",)])
def test_the_processes_alone_are_enough(host, known):
    host.ssh(4200, "mallory", 1001, 0)
    if "logind" in known:
        host.logind("12", 4200)
    if "utmp" in known:
        host.utmp(record(4202, b"pts/0", b"mallory"))
    (session,) = host.items()
    assert (session["user"], session["terminal"], session["from"], session["service"]) == ("mallory", "pts/0", "203.0.113.5", "sshd")
    assert session["sources"] == list(known) + ["processes"]


def test_ssh_without_a_terminal_is_a_session(host):
    host.process(4200, 30, "sshd: root@notty", exe=SSHD, socket=(77, "0100007F:C822"))
    host.process(4201, 4200, "sleep", "99999")
    (session,) = host.items()
    assert (session["user"], session["terminal"], session["from"], session["from_port"]) == ("root", None, "127.0.0.1", 51234)
    assert (session["foreground_pid"], session["command"]) == (4201, ["sleep", "99999"])
    assert session["sources"] == ["processes"]


def test_a_tunnel_is_a_session(host):
    host.process(4200, 30, "sshd: mallory [priv]", exe=SSHD)
    host.process(4201, 4200, "sshd: mallory", exe=SSHD, uid=1001)
    host.process(4300, 30, "sshd: root [priv]", exe=SSHD)
    assert [(session["user"], session["processes"]) for session in host.items()] == [("mallory", 2), ("root", 1)]


def test_who_is_still_logging_in_is_none(host):
    host.process(4200, 30, "sshd: root [priv]", exe=SSHD)
    host.process(4201, 4200, "sshd: root [net]", exe=SSHD, uid=105)
    host.process(4300, 30, "sshd: unknown [priv]", exe=SSHD)
    host.process(4400, 30, "sshd: [accepted]", exe=SSHD)
    assert host.items() == []


def test_a_title_alone_makes_no_session(host):
    host.process(4200, 4199, "sshd: root@notty", exe="/tmp/.x", comm="sshd")
    host.process(4300, 4299, "sshd: root@notty", exe="/tmp/sshd", uid=1001)
    host.process(4400, 4399, "sshd: root@notty", exe="/tmp/sshd", uid=0)
    assert host.items() == []


def test_a_server_whose_file_was_upgraded_is_still_one(host):
    host.process(4200, 1, "sshd: root@notty", exe=SSHD + " (deleted)")
    assert len(host.items()) == 1


def test_the_worker_of_openssh_10_joins_its_monitor(host):
    host.process(4200, 30, "sshd-session: root [priv]", exe="/usr/lib/openssh/sshd-session", cgroup="/user.slice/session-c5.scope")
    host.process(4201, 4200, "sshd-session: root@notty", exe="/usr/lib/openssh/sshd-session", cgroup="/user.slice/session-c5.scope")
    host.process(4202, 4201, "id", cgroup="/user.slice/session-c5.scope")
    host.logind("c5", 4200, uid=0)
    (session,) = host.items()
    assert (session["pid"], session["processes"], session["command"]) == (4200, 3, ["id"])


def test_a_shared_connection_has_a_record_for_each_terminal(host):
    host.ssh(4200, "mallory", 1001, 0)
    host.process(4210, 4201, "-bash", comm="bash", uid=1001, tty=PTS + 1, started=1100)
    host.process(4220, 4201, "sftp-server", uid=1001)
    host.logind("12", 4200)
    host.utmp(record(4201, b"pts/0", b"mallory"), record(4201, b"pts/1", b"mallory", at=BOOT + 1100))
    by_pid = {session["pid"]: session for session in host.items()}
    assert sorted(by_pid) == [4200, 4210, 4220]
    assert [by_pid[pid]["terminal"] for pid in (4200, 4210, 4220)] == ["pts/0", "pts/1", None]
    assert [by_pid[pid]["session"] for pid in (4200, 4210, 4220)] == ["12", None, None]
    assert [by_pid[pid]["outer_pid"] for pid in (4200, 4210, 4220)] == [None, 4200, 4200]
    assert all(session["from"] == "203.0.113.5" for session in by_pid.values())
    assert by_pid[4210]["sources"] == ["utmp", "processes"]


def test_a_terminal_that_nobody_recorded_is_a_session(host):
    host.process(4300, 1, "python3", "-c", "import pty", uid=33, socket=(88, "057100CB:115C"))
    host.process(4301, 4300, "bash", uid=33, tty=PTS + 5)
    (session,) = host.items()
    assert (session["uid"], session["terminal"], session["service"]) == (33, "pts/5", "python3")
    assert (session["from"], session["from_port"]) == ("203.0.113.5", 4444)
    assert session["sources"] == ["processes"]


def test_terminals_inside_a_session_name_it(host):
    host.ssh(4200, "mallory", 1001, 0, audit=12)
    scope = "/user.slice/user-1001.slice/session-12.scope"
    host.process(4210, 4202, "sudo", "-i", sid=4202, tty=PTS, cgroup=scope)
    host.process(4211, 4210, "-bash", comm="bash", tty=PTS + 1, cgroup=scope, started=1200)
    host.process(4220, 1, "tmux: server", comm="tmux: server", uid=1001, cgroup=scope)
    host.process(4221, 4220, "-bash", comm="bash", uid=1001, tty=PTS + 2, cgroup=scope, started=1300)
    host.logind("12", 4200)
    host.utmp(record(4202, b"pts/0", b"mallory"), record(4210, b"pts/1", b"mallory", at=BOOT + 1200))
    outer, sudo, tmux = host.items()
    assert (sudo["terminal"], sudo["user"], sudo["recorded_user"], sudo["outer_pid"], sudo["service"]) == ("pts/1", "root", "mallory", 4200, "sudo")
    assert sudo["sources"] == ["utmp", "processes"]
    assert (tmux["terminal"], tmux["outer_pid"], tmux["service"]) == ("pts/2", 4200, "tmux: server")
    assert (outer["processes"], sudo["processes"], tmux["processes"]) == (5, 1, 1)


def test_who_leaves_the_parents_behind_stays_in_the_session(host):
    host.ssh(4200, "mallory", 1001, 0, audit=12)
    host.process(4210, 1, "miner", uid=1001, cgroup="/user.slice/user-1001.slice/session-12.scope")
    host.process(4211, 1, "miner", uid=1001, cgroup="/system.slice/other.service", audit=12)
    host.process(4212, 1, "daemon", cgroup="/system.slice/other.service", audit=13)
    host.logind("12", 4200)
    (session,) = host.items()
    assert session["processes"] == 5


def test_what_is_left_of_a_session_that_was_closed(host):
    host.process(4210, 1, "miner", uid=1001, cgroup="/user.slice/user-1001.slice/session-12.scope")
    host.logind("12", 4200, STATE="closing")
    (session,) = host.items()
    assert (session["pid"], session["state"], session["stale"], session["processes"], session["command"]) == (4200, "closing", False, 1, ["miner"])


def test_a_leader_whose_pid_was_given_out_again(host):
    host.process(4200, 1, "nginx", cgroup="/system.slice/nginx.service", started=5000)
    host.logind("12", 4200)
    (session,) = host.items()
    assert session["stale"]
    assert (session["processes"], session["sources"]) == (0, ["logind"])


def test_a_record_whose_process_is_gone_is_stale(host):
    host.utmp(record(4999, b"pts/9", b"mallory"))
    (session,) = host.items()
    assert (session["stale"], session["pid"], session["user"], session["uid"], session["terminal"]) == (True, 4999, "mallory", 1001, "pts/9")
    assert (session["sources"], session["processes"], session["command"], session["foreground_pid"]) == (["utmp"], 0, [], None)


@pytest.mark.parametrize("line", [b"pts/9", b"pts/0", b":0"])
def test_a_record_whose_pid_was_given_out_again_is_stale(host, line):
    host.ssh(4200, "alice", 1002, 3)
    host.utmp(record(4202, line, b"mallory", at=LOGIN - 900))
    alive, stale = host.items()
    assert (alive["user"], alive["sources"]) == ("alice", ["processes"])
    assert (stale["user"], stale["stale"], stale["terminal"]) == ("mallory", True, line.decode())


def test_a_record_of_the_last_user_of_a_terminal_is_not_the_next_ones(host):
    host.ssh(4200, "alice", 1002, 0)
    host.utmp(record(3000, b"pts/0", b"mallory", at=LOGIN - 900))
    assert [(session["user"], session["sources"]) for session in host.items()] == [("alice", ["processes"]), ("mallory", ["utmp"])]


def test_a_forged_record_is_laid_beside_the_truth(host):
    host.ssh(4200, "mallory", 1001, 0)
    host.utmp(record(99999, b"pts/0", b"alice", b"10.9.8.7"))
    (session,) = host.items()
    assert (session["user"], session["recorded_user"]) == ("mallory", "alice")
    assert (session["from"], session["recorded_from"]) == ("203.0.113.5", "10.9.8.7")
    assert session["sources"] == ["utmp", "processes"]


def test_two_records_do_not_share_a_session(host):
    host.ssh(4200, "mallory", 1001, 0)
    host.utmp(record(4202, b"pts/0", b"mallory"), record(4202, b"pts/0", b"alice"))
    assert [(session["user"], session["stale"]) for session in host.items()] == [("mallory", False), ("alice", True)]


def test_service_managers_are_no_sessions_and_jobs_of_cron_are(host):
    host.process(4200, 1, "systemd", "--user", uid=1001, cgroup="/user.slice/user-1001.slice/user@1001.service/init.scope")
    host.logind("3", 4200, CLASS="manager", SERVICE="systemd-user")
    host.process(4300, 29, "CRON", "-f", comm="cron", cgroup="/user.slice/user-0.slice/session-c4.scope")
    host.process(4301, 4300, "/bin/sh", "-c", "job", comm="sh", uid=1001, cgroup="/user.slice/user-0.slice/session-c4.scope")
    host.logind("c4", 4300, CLASS="background", TYPE="unspecified", SERVICE="cron")
    (session,) = host.items()
    assert (session["service"], session["session"], session["user"], session["terminal"]) == ("cron", "c4", "mallory", None)
    assert session["command"] == ["/bin/sh", "-c", "job"]


def test_a_login_at_the_console(host):
    scope = "/user.slice/user-1001.slice/session-1.scope"
    host.process(600, 1, "/bin/login", "-p", "--", tty=(4 << 8) + 1, tpgid=610, cgroup=scope, started=100)
    host.process(610, 600, "-bash", comm="bash", uid=1001, sid=600, tty=(4 << 8) + 1, tpgid=610, cgroup=scope)
    host.logind("1", 600, TTY="tty1", SERVICE="login")
    host.utmp(record(600, b"tty1", b"mallory", b""))
    (session,) = host.items()
    assert (session["user"], session["terminal"], session["service"], session["from"]) == ("mallory", "tty1", "login", None)
    assert session["sources"] == ["utmp", "logind", "processes"]


def test_a_desktop_is_named_by_its_display(host):
    scope = "/user.slice/user-1001.slice/session-2.scope"
    host.process(700, 650, "gdm-session-worker", cgroup=scope)
    host.process(710, 700, "gnome-shell", uid=1001, cgroup=scope)
    host.logind("2", 700, DISPLAY=":0", TYPE="x11", SERVICE="gdm-password")
    host.utmp(record(710, b":0", b"mallory", b":0"))
    (session,) = host.items()
    assert (session["terminal"], session["type"], session["sources"]) == (":0", "x11", ["utmp", "logind", "processes"])


def test_a_getty_at_its_prompt_is_no_session_but_its_name_is_no_cover(host):
    host.process(600, 1, "/sbin/agetty", tty=(4 << 8) + 1, cgroup="/system.slice/system-getty.slice/getty@tty1.service")
    host.process(601, 1, "/sbin/agetty", tty=PTS + 9, cgroup="/user.slice/user-1001.slice/session-12.scope")
    assert [session["terminal"] for session in host.items()] == ["pts/9"]


def test_a_container_may_have_a_terminal_of_the_same_name(host):
    host.ssh(4200, "mallory", 1001, 0)
    host.process(5000, 4999, "bash", tty=PTS, nspid="5000 7", cgroup="/system.slice/docker-%s.scope" % ("a" * 64))
    host.utmp(record(77777, b"pts/0", b"mallory"))
    there, here = sorted(host.items(), key=lambda session: session["user"] == "mallory")
    assert (here["terminal"], here["user"], here["sources"]) == ("pts/0", "mallory", ["utmp", "processes"])
    assert (there["terminal"], there["pid"], there["sources"]) == ("pts/0", 5000, ["processes"])


def test_idle_is_since_the_terminal_was_typed_on(host):
    master, slave = os.openpty()
    try:
        status = os.fstat(slave)
        os.utime(os.ttyname(slave), (time.time() - 100, time.time()))
        number = os.minor(status.st_rdev)
        host.process(5000, 1, "bash", tty=(os.major(status.st_rdev) << 8) | (number & 0xFF) | ((number & 0xFFF00) << 12))
        os.symlink("/", str(host.proc / "5000" / "root"))
        (session,) = host.items()
    finally:
        os.close(master)
        os.close(slave)
    assert "/dev/" + session["terminal"] == "/dev/pts/%d" % number
    assert 99 < session["idle"] < 110


def test_a_file_in_the_place_of_a_terminal_has_no_idle_time(host):
    host.process(5000, 1, "bash", tty=PTS + 1)
    (host.root / "dev" / "pts").mkdir(parents=True)
    (host.root / "dev" / "pts" / "1").write_text("")
    assert host.items()[0]["idle"] is None


def test_this_run_is_told_by_ancestry(host, own_pid):
    host.ssh(4200, "mallory", 1001, None)
    host.process(own_pid, 4202, "python3", uid=1001)
    host.ssh(4300, "mallory", 1001, 1, login="13")
    assert [(session["pid"], session["is_own"]) for session in host.items()] == [(4201, True), (4301, False)]


def test_users_that_were_asked_for(host):
    host.ssh(4200, "mallory", 1001, 0)
    host.ssh(4300, "alice", 1002, 1, login="13")
    host.utmp(record(1, b"pts/7", b"ghost"))
    assert [session["user"] for session in host.items(users=["alice"])] == ["alice"]
    assert [session["user"] for session in host.items(users=["1001"])] == ["mallory"]
    section = host.collect(users=["ghost"])
    assert [session["user"] for session in section["items"]] == ["ghost"]
    assert [error["subjects"] for error in section["errors"]] == [["ghost"]]


def test_an_account_of_a_directory_keeps_the_name_that_was_recorded(host):
    host.ssh(4200, "jdoe", 70001, 0)
    host.utmp(record(4202, b"pts/0", b"jdoe"))
    (session,) = host.items()
    assert (session["user"], session["uid"], session["recorded_user"]) == ("jdoe", 70001, None)


def test_hostile_records_are_carried_and_marked(host, noise):
    host.utmp(
        record(1, b"pts/1", b"A" * 32, b"\x1b[2J{{7*7}}<b>", at=0),
        record(2, b"\xff" * 32, b"\xff" * 32, b"\xff" * 256, at=-1, kind=255),
        record(3, b"pts/3", b"-rf", b"$(touch /tmp/pwned)", at=2**31 - 1),
        noise(3 * utmp.LAYOUT.size),
        b"tail",
    )
    section = host.collect()
    assert [(session["user"], session["is_damaged"], session["stale"]) for session in section["items"]] == [("A" * 32, True, True), ("-rf", True, True)]
    assert section["items"][0]["from"] == "\x1b[2J{{7*7}}<b>"
    assert {(error["what"], error["count"]) for error in section["errors"]} == {("utmp", 1), ("utmp record", 4)}


def test_a_fifo_in_the_place_of_utmp_is_said_and_costs_nothing_else(host):
    host.ssh(4200, "mallory", 1001, 0)
    os.mkfifo(str(host.root / "run" / "utmp"))
    section = host.collect()
    assert len(section["items"]) == 1
    assert [(error["what"], error["reason"]) for error in section["errors"]] == [("utmp", "is a fifo, not a regular file")]


def test_utmp_may_be_missing_only_where_logind_is(host):
    assert host.collect()["errors"] == []
    (host.root / "run" / "systemd" / "sessions").rmdir()
    assert [error["what"] for error in host.collect()["errors"]] == ["utmp"]


def test_a_loop_of_parents_ends(host):
    host.process(4200, 4201, "a")
    host.process(4201, 4200, "b", tty=PTS)
    assert len(host.items()) == 1


def test_a_limit_is_said(host):
    host.utmp(*[record(10000 + number, b"pts/%d" % number, b"mallory") for number in range(20)])
    section = host.collect(limit=5)
    assert len(section["items"]) == 5
    assert {"what": "items", "limit": 5, "total": 20} in section["limits"]
