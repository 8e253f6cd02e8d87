# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hidden processes: found where they are, and never seen where there is only haste."""

import json
import os
import sys
import threading
import time

from ansible_collections.incident.response.plugins.module_utils._collect import hidden, procfs
from ansible_collections.incident.response.plugins.module_utils._collect.section import SectionBuilder
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target

FORK = """
import os, time
end = time.monotonic() + %f
print("ready", flush=True)
count = 0
while time.monotonic() < end:
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    count += 1
print(count, flush=True)
"""


def find(target=None):
    builder = SectionBuilder(10)
    hidden.find_hidden(target or Target(), builder)
    return builder.finish()


def test_nothing_is_hidden_on_this_host():
    section = find()
    assert section["hidden"] == []
    assert section["errors"] == []


def test_threads_are_not_hidden_processes():
    ready, done = threading.Event(), threading.Event()
    threads = [threading.Thread(target=lambda: (ready.set(), done.wait())) for _number in range(20)]
    for thread in threads:
        thread.start()
    ready.wait()
    section = find()
    done.set()
    assert section["hidden"] == []


def test_processes_that_come_and_go_are_never_hidden(spawn):
    seconds = 4.0
    children = [spawn([sys.executable, "-I", "-S", "-c", FORK % seconds], wait=True) for _number in range(2)]
    end, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < end - 0.2:
        section = find()
        assert section["hidden"] == []
        assert section["errors"] == []
        rounds += 1
    born = sum(int(child.stdout.readline()) for child in children)
    assert rounds >= 3
    assert born >= 1000


def test_a_process_that_is_not_listed_is_found(spawn, monkeypatch):
    """As a library that hides it from readdir(3) would have it."""
    child, real = spawn(["sleep", "99"]), procfs.list_pids
    monkeypatch.setattr(procfs, "list_pids", lambda proc: [pid for pid in real(proc) if pid != child.pid])
    section = find()
    assert [(record["pid"], record["how"]) for record in section["hidden"]] == [(child.pid, "unlisted")]
    assert str(child.pid) in section["hidden"][0]["detail"]


def test_a_process_that_cannot_be_opened_either_is_found(spawn, monkeypatch):
    child, real, real_status = spawn(["sleep", "99"]), procfs.list_pids, procfs.read_status

    def read_status(proc, pid):
        if pid == child.pid:
            raise FileNotFoundError(2, "No such file or directory")
        return real_status(proc, pid)

    monkeypatch.setattr(procfs, "list_pids", lambda proc: [pid for pid in real(proc) if pid != child.pid])
    monkeypatch.setattr(procfs, "read_status", read_status)
    assert [record["pid"] for record in find()["hidden"]] == [child.pid]


def test_one_that_ends_while_it_is_suspected_is_not_hidden(spawn, monkeypatch):
    child, real, calls = spawn(["sleep", "99"]), procfs.list_pids, []

    def list_pids(proc):
        calls.append(proc)
        if len(calls) == 3:
            child.kill()
            child.wait()
        return [pid for pid in real(proc) if pid != child.pid]

    monkeypatch.setattr(procfs, "list_pids", list_pids)
    assert find()["hidden"] == []
    assert len(calls) >= 3


def test_a_proc_that_shows_us_our_own_only_is_said_and_accuses_nobody(monkeypatch):
    """As hidepid=2 does."""
    monkeypatch.setattr(procfs, "list_pids", lambda proc: [os.getpid()])
    section = find()
    assert section["hidden"] == []
    assert "hidepid" in section["errors"][0]["reason"]


def test_processes_that_may_not_be_read_accuse_nobody():
    """As hidepid=1 does: threads cannot be told from processes."""
    target = Target()
    target.unreadable_processes.add(1)
    section = find(target)
    assert section["hidden"] == []
    assert "hidepid" in section["errors"][0]["reason"]


def test_a_proc_of_another_pid_namespace_is_said(tree):
    (tree.proc / "4242").mkdir()
    (tree.proc / "4242" / "mountinfo").write_bytes(b"")
    (tree.proc / "self").symlink_to("4242")
    section = find(tree.target())
    assert "another pid namespace" in section["errors"][0]["reason"]


def test_mounts_over_processes_are_read_from_mountinfo(tree, own_pid):
    me = str(own_pid)
    mounts = [
        b"24 30 0:22 / %s rw - proc proc rw",
        b"50 24 0:22 /1 %s/4242 rw - proc proc rw",
        b"51 24 0:22 /x %s/4243/exe rw - proc proc rw",
        b"52 24 0:22 /x %s/4242/stat rw - proc proc rw",
        b"53 24 0:22 /x %s/sys rw - proc proc rw",
        b"54 24 0:22 /x %s/12a rw - proc proc rw",
        b"broken",
    ]
    proc = os.fsencode(str(tree.proc))
    tree.process(666, says=1)
    (tree.proc / me).mkdir()
    (tree.proc / me / "mountinfo").write_bytes(b"\n".join(line.replace(b"%s", proc) for line in mounts))
    (tree.proc / "self").symlink_to(me)
    target = tree.target()
    assert target.stats == {}
    found = find(target)["hidden"]
    assert sorted((record["pid"], record["how"]) for record in found if record["how"] == "covered") == [(666, "covered"), (4242, "covered"), (4243, "covered")]


def test_a_limit_of_time_is_said(monkeypatch):
    monkeypatch.setattr(hidden, "_SECONDS", -1.0)
    section = find()
    assert section["limits"][0]["what"] == "pids asked for hidden processes"
    assert section["limits"][0]["total"] >= os.getpid()


def test_a_mount_over_a_process_is_found_and_the_process_behind_it_not_invented(as_root, run_elsewhere):
    code = """
import json, os, subprocess
from ansible_collections.incident.response.plugins.module_utils._collect import executables, ports, processes
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target
victim, cover = subprocess.Popen(["sleep", "99"]), subprocess.Popen(["sleep", "98"])
subprocess.check_call(["mount", "--bind", "/proc/%d" % cover.pid, "/proc/%d" % victim.pid])
target = Target()
section = processes.collect(target, sample_seconds=0.05)
images = executables.collect(target)
print(json.dumps({
    "victim": victim.pid, "cover": cover.pid, "hidden": section["hidden"], "pids": [record["pid"] for record in section["items"]],
    "running": [pid for record in images["items"] for pid in record["pids"]],
}))
for child in (victim, cover):
    child.kill()
"""
    found = json.loads(run_elsewhere(["-m"], code))
    assert [(record["pid"], record["how"]) for record in found["hidden"]] == [(found["victim"], "covered")]
    assert found["pids"].count(found["cover"]) == 1
    assert found["victim"] not in found["pids"]
    assert found["running"].count(found["cover"]) == 1


def test_hidepid_of_a_real_kernel(as_root, run_elsewhere):
    """A plain user on a host whose /proc hides the others."""
    code = """
import json, os, subprocess, sys
from ansible_collections.incident.response.plugins.module_utils._collect import hidden, section, target
subprocess.check_call(["mount", "-t", "proc", "-o", "hidepid=%s", "proc", "/proc"])
if os.fork():
    os.wait()
    sys.exit()
os.setgid(65534); os.setuid(65534)
builder = section.SectionBuilder(10)
host = target.Target()
host.stats
hidden.find_hidden(host, builder)
print(json.dumps(builder.finish()))
"""
    for option in ("1", "2"):
        section = json.loads(run_elsewhere(["-m", "-p", "--fork", "--mount-proc"], code.replace("%s", option)))
        assert section["hidden"] == []
        assert "hidepid" in section["errors"][0]["reason"]


def test_a_thread_that_its_process_does_not_list_is_found(python, monkeypatch):
    child = python("threading.Thread(target=time.sleep, args=(99,), daemon=True).start()")
    (tid,) = [tid for tid in procfs.list_threads("/proc", child.pid) if tid != child.pid]
    real = procfs.list_threads
    monkeypatch.setattr(procfs, "list_threads", lambda proc, pid: [found for found in real(proc, pid) if found != tid])
    (record,) = find()["hidden"]
    assert (record["pid"], record["how"]) == (child.pid, "unlisted")
    assert "thread %d " % tid in record["detail"]


def test_one_above_every_pid_that_was_given_out_is_found_in_its_control_group(spawn, monkeypatch, tmp_path):
    child, real = spawn(["sleep", "99"]), procfs.list_pids
    monkeypatch.setattr(procfs, "list_pids", lambda proc: [pid for pid in real(proc) if pid != child.pid])
    monkeypatch.setattr(hidden, "_highest", lambda target, listed: 1)
    (tmp_path / "sys/fs/cgroup/a/b").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/cgroup.procs").write_text("1\n0\n")
    (tmp_path / "sys/fs/cgroup/a/cgroup.procs").write_text("")
    (tmp_path / "sys/fs/cgroup/a/b/cgroup.procs").write_text("%d\n%d\n" % (os.getpid(), child.pid))
    assert [record["pid"] for record in find(Target(str(tmp_path)))["hidden"]] == [child.pid]


def test_what_is_mounted_below_proc_is_listed(as_root, run_elsewhere):
    code = """
import json, os, subprocess
from ansible_collections.incident.response.plugins.module_utils._collect import hidden, section, target
def mount(*words):
    subprocess.check_call(["mount"] + list(words))
mount("-t", "tmpfs", "a b", "/proc/sys")
mount("--bind", "/proc/version", "/proc/loadavg")
mount("-t", "proc", "again", "/proc")
builder = section.SectionBuilder(10)
hidden.find_hidden(target.Target(), builder)
print(json.dumps(builder.finish()))
"""
    section = json.loads(run_elsewhere(["-m"], code))
    mounts = [(record["mount_point"], record["type"], record["source"]) for record in section["proc_mounts"]]
    assert ("/proc/sys", "tmpfs", "a b") in mounts
    assert "/proc/loadavg" in [mount[0] for mount in mounts]
    assert ("/proc", "proc", "again") in mounts
    assert section["hidden"] == []


def test_no_proc_at_all_is_said(as_root, run_elsewhere):
    code = """
import json, os, subprocess
from ansible_collections.incident.response.plugins.module_utils._collect import processes, target
subprocess.check_call(["mount", "-t", "tmpfs", "none", "/proc"])
print(json.dumps(processes.collect(target.Target(), sample_seconds=0)))
"""
    section = json.loads(run_elsewhere(["-m"], code))
    assert section["items"] == section["hidden"] == []
    said = {error["what"]: error["reason"] for error in section["errors"]}
    assert "not the kernel's own file system of processes" in said["processes"]
    assert "hidden processes" in said
    assert section["host"]["hostname"]


def test_five_thousand_mounts_with_odd_names_are_read(as_root, run_elsewhere, tmp_path):
    code = """
import ctypes, json, os, time
from ansible_collections.incident.response.plugins.module_utils._collect import processes, target
libc = ctypes.CDLL(None, use_errno=True)
folder = %r
libc.mount(b"irl", folder.encode(), b"tmpfs", 0, None)
for number in range(5000):
    os.mkdir("%%s/a b\\n%%d" %% (folder, number))
    assert libc.mount(b"none", ("%%s/a b\\n%%d" %% (folder, number)).encode(), b"tmpfs", 0, b"size=4k") == 0
began = time.monotonic()
section = processes.collect(target.Target(), sample_seconds=0)
print(json.dumps([time.monotonic() - began, section["errors"], section["hidden"], len(section["items"])]))
""" % str(tmp_path)
    seconds, errors, found, count = json.loads(run_elsewhere(["-m"], code))
    assert seconds < 30
    assert [error for error in errors if error["what"] == "hidden processes"] == found == []
    assert count > 1
