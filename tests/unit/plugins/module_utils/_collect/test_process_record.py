# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One process as a record: hostile names, arguments and environments, races, and what is closed to us."""

import base64
import ctypes
import os
import shutil
import sys
import time

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import process_record, procfs
from ansible_collections.incident.response.plugins.module_utils._collect.open_files import read_open_files
from ansible_collections.incident.response.plugins.module_utils._collect.process_record import ProcessReader, belongs_to
from ansible_collections.incident.response.plugins.module_utils._collect.section import SectionBuilder
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target
from ansible_collections.incident.response.plugins.module_utils._schema.processes import PROCESS
from ansible_collections.incident.response.plugins.module_utils._schema.record import OPTIONAL_FIELDS

SLEEP = os.path.realpath("/bin/sleep")
FIELDS = {field.name for field in PROCESS.fields}
OPTIONAL = {field.name for field in OPTIONAL_FIELDS}
PASSWD = b"root:x:0:0::/root:/bin/bash\nmallory:x:1001:1001::/home/mallory:/bin/bash\n"


def read(target, pid, environment=False):
    """The record of a process, and the errors of the section."""
    builder = SectionBuilder(10)
    record = ProcessReader(target, builder, environment).read(target.stats[pid])
    return record, builder.finish()["errors"]


def live(child):
    record, errors = read(Target(), child.pid)
    assert [error for error in errors if "pid %d" % child.pid in error["subjects"]] == []
    return record


def test_a_record_has_the_declared_fields(python):
    record = live(python(""))
    assert set(record) - OPTIONAL == FIELDS
    for field in PROCESS.fields:
        assert not field.required or record[field.name] is not None, field.name


def test_every_process_of_this_host_has_the_declared_fields():
    target = Target()
    reader = ProcessReader(target, SectionBuilder(10), False)
    records = [record for record in map(reader.read, target.stats.values()) if record]
    assert all(set(record) - OPTIONAL == FIELDS for record in records)
    assert os.getpid() in [record["pid"] for record in records]


def test_what_a_live_child_is(python, tmp_path):
    child = python("os.chdir(%r)\nos.nice(5)" % str(tmp_path), env={"HISTFILE": "/dev/null", "PATH": "/bin", "LD_X": "1"})
    record = live(child)
    assert (record["ppid"], record["cwd"], record["nice"]) == (os.getpid(), str(tmp_path), 5)
    assert (record["uid"], record["euid"], record["suid"], record["fsuid"]) == (os.getuid(),) * 4
    assert (record["session_id"], record["process_group"]) == (os.getsid(child.pid), os.getpgid(child.pid))
    assert record["argv"][:3] == [sys.executable, "-I", "-S"]
    assert (os.path.realpath(record["exe"]), record["exe_state"]) == (os.path.realpath(sys.executable), "present")
    assert record["environment"] == {"HISTFILE": "/dev/null", "LD_X": "1"}
    assert record["stdio"][0].startswith("pipe:[") and record["stdio"][1].startswith("pipe:[")
    assert record["is_own"] is True
    assert record["is_kernel_thread"] is False
    assert record["foreign_namespaces"] == []
    assert record["rss"] > 1000000
    assert record["threads"] == 1


@pytest.mark.parametrize("name", [b") R 1 (", b"x\n) Z 0 (", b"[kworker/0:1]", b"\xff\xfe", b"{{7*7}}"])
def test_names_are_carried_and_shift_nothing(python, name):
    code = "import ctypes\nassert ctypes.CDLL(None).prctl(15, %r, 0, 0, 0) == 0" % name
    if not hasattr(ctypes, "CDLL"):
        pytest.skip("no ctypes")
    record = live(python(code))
    assert record["ppid"] == os.getpid()
    assert record["is_kernel_thread"] is False
    shown = base64.b64decode(record["raw"]["name"]) if "raw" in record else record["name"].encode()
    assert shown == name[:15]


@pytest.mark.parametrize("argv", [[b""], [b"", b""], [b"a b", b"", b"c"], [b"x\ny", b"\xff"], [b"[kworker/u8:3]", b"9"]])
def test_arguments_stay_apart_and_empty_ones_are_kept(tree, argv):
    tree.process(10, argv=argv)
    record, _errors = read(tree.target(), 10)
    assert len(record["argv"]) == len(argv)
    shown = base64.b64decode(record["raw"]["argv"]).split(b"\0") if "raw" in record else [part.encode() for part in record["argv"]]
    assert shown == argv


def test_an_empty_argument_list_of_a_live_process(spawn):
    # In a session of its own: without one, Python 3.13 starts it by a way that refuses this.
    assert live(spawn([b"", b"99"], executable=SLEEP, start_new_session=True))["argv"] == ["", "99"]


def test_two_megabytes_of_arguments_are_clipped_and_that_is_said(spawn):
    arguments = ["%d" % number + "x" * 100000 for number in range(12)]
    record = live(spawn(["/bin/sh", "-c", "read x; :"] + arguments))
    assert sum(map(len, record["argv"])) <= 65536 + 100
    assert "argv" in record["clipped"]
    assert record["argv"][:3] == ["/bin/sh", "-c", "read x; :"]


def test_thousands_of_long_ones_do_not_fill_the_memory(tree, monkeypatch):
    monkeypatch.setattr(process_record, "_MANY", 100000)
    for pid in range(10, 40):
        tree.process(pid, argv=[b"x" * 30000], environ=[b"HIST%d=%s" % (number, b"y" * 1000) for number in range(40)])
    target, builder = tree.target(), SectionBuilder(100)
    reader = ProcessReader(target, builder, False)
    records = [reader.read(stat) for stat in target.stats.values()]
    assert len(records[0]["argv"][0]) == 30000
    assert len(records[-1]["argv"][0]) == 4096
    assert records[-1]["clipped"] == ["argv", "environment"]
    assert sum(len(record["argv"][0]) + len(str(record["environment"])) for record in records) < 100000 + 70000 + 30 * 9000


def test_a_variable_that_is_set_twice_is_shown_twice(tree):
    tree.process(10, environ=[b"LD_PRELOAD=", b"LD_PRELOAD=/tmp/x.so", b"SECRET=s", b"no_equals", b"HISTFILE=\xff"])
    record, _errors = read(tree.target(), 10)
    assert record["environment"] == {"LD_PRELOAD": "", "LD_PRELOAD#2": "/tmp/x.so", "HISTFILE": "\\xff"}
    assert b"HISTFILE=\xff" in base64.b64decode(record["raw"]["environment"])
    everything, _errors = read(tree.target(), 10, environment=True)
    assert everything["environment"]["SECRET"] == "s"
    assert everything["environment"]["no_equals"] == ""


def test_a_pid_that_is_anothers_by_now_has_no_record(tree):
    tree.process(10, start=1000)
    target = tree.target()
    assert target.stats[10].starttime == 1000
    shutil.rmtree(str(tree.proc / "10"))
    tree.process(10, start=2000)
    assert read(target, 10)[0] is None


def test_who_ended_meanwhile_has_no_record_and_is_no_error(tree):
    tree.process(10)
    target = tree.target()
    assert target.stats
    shutil.rmtree(str(tree.proc / "10"))
    record, errors = read(target, 10)
    assert record is None
    assert [error["what"] for error in errors] == []


def test_a_record_does_not_mix_two_processes(tree, monkeypatch):
    """The process ends and another takes its pid, while we are reading."""
    tree.process(10, start=1000)
    target, real = tree.target(), procfs.read_argv
    assert target.stats

    def read_argv(proc, pid):
        answer = real(proc, pid)
        shutil.rmtree(str(tree.proc / "10"))
        tree.process(10, start=2000, argv=[b"other"])
        return answer

    monkeypatch.setattr(procfs, "read_argv", read_argv)
    assert read(target, 10)[0] is None


@pytest.mark.parametrize(
    "argv, kept, padding",
    [
        ([b"nginx: worker process"] + [b""] * 9, [b"nginx: worker process"], 9),
        ([b"cmd", b""], [b"cmd", b""], 0),
        ([b"sshd: root@notty", b"", b""], [b"sshd: root@notty"], 2),
        ([b"", b"x"] + [b""] * 30, [b"", b"x"], 30),
        ([b""] * 40, [b""], 39),
        ([], [], 0),
    ],
)
def test_a_row_of_empty_arguments_is_counted(tree, argv, kept, padding):
    tree.process(10, argv=argv)
    record, _errors = read(tree.target(), 10)
    assert ([part.encode() for part in record["argv"]], record["argv_padding"]) == (kept, padding)


def test_one_that_writes_a_title_over_its_arguments(python):
    code = """
import ctypes
line = open("/proc/self/stat").read().rpartition(")")[2].split()
start, end = int(line[45]), int(line[46])
ctypes.memset(start, 0, end - start)
ctypes.memmove(start, b"title: of mine", 14)
"""
    record = live(python(code))
    assert record["argv"] == ["title: of mine"]
    assert record["argv_padding"] > 100


HEADLESS = """
def work():
    print("ready", flush=True)
    time.sleep(99)
threading.Thread(target=work).start()
time.sleep(0.3)
import ctypes
held = socket.socket()
ctypes.CDLL(None).syscall(%d, 0)
""" % {"x86_64": 60, "aarch64": 93}.get(os.uname().machine, 60)


def test_a_process_whose_first_thread_has_ended_is_read_through_another(python):
    child = python(HEADLESS, said=True, env={"HISTFILE": "/dev/null"})
    deadline = time.monotonic() + 10
    while procfs.read_stat("/proc", child.pid).state != "Z" and time.monotonic() < deadline:
        time.sleep(0.05)
    record = live(child)
    assert (record["state"], record["is_headless"], record["exe_state"]) == ("Z", True, "present")
    assert os.path.realpath(record["exe"]) == os.path.realpath(sys.executable)
    assert record["argv"][0] == sys.executable
    assert record["environment"] == {"HISTFILE": "/dev/null"}
    assert record["cwd"] == os.getcwd()
    assert record["stdio"][0].startswith("pipe:[")
    assert [child.pid] in Target().read_socket_owners().values()
    assert child.pid in {entry["pid"] for entry in read_open_files(Target(), child.pid)}


@pytest.mark.parametrize(
    "mask, first, names",
    [
        ("0000000000000000", "000001ffffffffff", []),
        ("0000000000003000", "000001ffffffffff", ["net_admin", "net_raw"]),
        ("000001ffffffffff", "000001ffffffffff", ["all"]),
        ("000001fffeffffff", "000001fffeffffff", ["all"]),
        ("0000020000000001", "000001ffffffffff", ["chown", "cap_41"]),
    ],
)
def test_names_of_capabilities(tree, mask, first, names):
    tree.process(1, status="Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nCapEff:\t%s\n" % first)
    tree.process(10, status="Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nCapEff:\t%s\n" % mask)
    record, _errors = read(tree.target(), 10)
    assert record["capability_names"] == names


def test_a_zombie_is_one(spawn):
    child = spawn(["/bin/true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    record = live(child)
    assert (record["state"], record["exe_state"], record["exe"], record["argv"]) == ("Z", "none", None, [])
    assert record["cwd"] is record["environment"] is record["stdio"] is None


def test_owner_capabilities_and_tracer(tree):
    status = "Uid:\t1001\t0\t0\t0\nGid:\t1001\t1001\t1001\t1001\nTracerPid:\t55\nCapEff:\t000001ffffffffff\nSeccomp:\t2\nNoNewPrivs:\t1\n"
    tree.process(10, status=status)
    (tree.proc / "10" / "loginuid").write_text("1001")
    tree.file("/etc/passwd", PASSWD)
    record, errors = read(tree.target(), 10)
    assert (record["user"], record["uid"], record["euid"], record["loginuid"]) == ("mallory", 1001, 0, 1001)
    assert (record["capabilities"], record["seccomp"], record["no_new_privileges"], record["tracer_pid"]) == ("000001ffffffffff", 2, True, 55)
    assert belongs_to(record, {0}) and belongs_to(record, {1001}) and not belongs_to(record, {5})
    assert errors == []


def test_no_passwd_is_an_error_and_not_the_end(tree):
    tree.process(10)
    record, errors = read(tree.target(), 10)
    assert (record["user"], record["uid"]) == (None, 1001)
    assert [error["what"] for error in errors] == ["accounts"]


def test_a_kernel_thread_is_told_by_its_flag_and_only_by_that(tree):
    tree.process(2, comm=b"kthreadd", flags=procfs.PF_KTHREAD, argv=[])
    tree.process(10, comm=b"kworker/0:1", argv=[b"[kworker/0:1]"], ppid=2)
    target = tree.target()
    assert read(target, 2)[0]["is_kernel_thread"] is True
    assert read(target, 2)[0]["exe_state"] == "kernel"
    assert read(target, 10)[0]["is_kernel_thread"] is False


def test_kernel_threads_of_this_host_are_those_without_memory():
    for pid, stat in Target().stats.items():
        try:
            has_memory = b"VmSize" in (b"\n".join(name.encode() for name in procfs.read_status("/proc", pid)))
            is_ending = procfs.read_stat("/proc", pid).flags & 0x4  # PF_EXITING: its memory goes first
        except OSError:
            continue
        if is_ending:
            continue
        assert stat.state == "Z" or has_memory != stat.is_kernel_thread


def test_what_is_closed_to_us_is_counted(as_plain_user_sees_process_1):
    record, errors = as_plain_user_sees_process_1
    assert (record["exe_state"], record["cwd"], record["environment"], record["foreign_namespaces"]) == ("unreadable", None, None, None)
    assert {"process executable", "process directories", "environment"} <= {error["what"] for error in errors}


@pytest.fixture
def as_plain_user_sees_process_1():
    target = Target()
    try:
        os.readlink("/proc/1/exe")
    except PermissionError:
        return read(target, 1)
    return pytest.skip("process 1 is open to us")


def test_namespaces_that_differ_are_named(as_root, run_elsewhere):
    code = """
import os, subprocess
from ansible_collections.incident.response.plugins.module_utils._collect.open_files import read_open_files
from ansible_collections.incident.response.plugins.module_utils._collect.process_record import ProcessReader
from ansible_collections.incident.response.plugins.module_utils._collect.section import SectionBuilder
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target
child = subprocess.Popen(["unshare", "-n", "-u", "sleep", "99"])
import time; time.sleep(0.3)
target = Target()
print(ProcessReader(target, SectionBuilder(1), False).read(target.stats[child.pid])["foreign_namespaces"])
child.kill()
"""
    found = run_elsewhere(["-i"], code)
    assert "'net'" in found and "'uts'" in found
