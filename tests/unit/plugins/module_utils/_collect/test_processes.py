# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section of processes, on this host, with children that the tests know; and psutil as the oracle."""

import math
import os
import subprocess
import sys
import time

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import processes, procfs
from ansible_collections.incident.response.plugins.module_utils._collect.processes import collect
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target

FORK = """
import os, time
end = time.monotonic() + %f
print("ready", flush=True)
while time.monotonic() < end:
    pid = os.fork()
    if not pid:
        os.execv("/bin/true", ["true"])
    os.waitpid(pid, 0)
"""


def one(section, pid):
    (record,) = [record for record in section["items"] if record["pid"] == pid]
    return record


def test_all_processes_are_there_once():
    before = set(procfs.list_pids("/proc"))
    section = collect(Target(), sample_seconds=0)
    after = set(procfs.list_pids("/proc"))
    pids = [record["pid"] for record in section["items"]]
    assert len(pids) == len(set(pids))
    assert before & after <= set(pids)
    assert section["truncated"] is False
    assert section["hidden"] == []


def test_who_is_busy_and_who_writes(python, tmp_path):
    busy = python("threading.Thread(target=lambda: exec('while True: pass'), daemon=True).start()")
    path = str(tmp_path / "out")
    code = """
f = os.open(%r, os.O_WRONLY | os.O_CREAT)
def write():
    while True:
        os.write(f, b'x' * 1048576)
        os.fsync(f)
        os.lseek(f, 0, 0)
        time.sleep(0.02)
"""
    writer = python(code % path + "threading.Thread(target=write, daemon=True).start()")
    idle = python("")
    section = collect(Target(), sample_seconds=1.0)
    assert one(section, busy.pid)["cpu_percent"] > 15  # other tests may need the processors, too
    assert busy.pid in section["host"]["top_cpu"]
    assert one(section, idle.pid)["cpu_percent"] < 5
    assert section["host"]["sample_seconds"] >= 1.0
    assert one(section, idle.pid)["write_rate"] == 0.0
    on_disk = one(section, writer.pid)["write_rate"]
    assert on_disk is not None
    if os.statvfs(str(tmp_path)).f_blocks and on_disk:  # a file system in memory writes nothing
        assert writer.pid in section["host"]["top_disk"]


def test_one_that_is_busy_with_two_threads_may_use_more_than_one_processor(python):
    code = "import hashlib\nd = b'x' * 10000000\ndef work():\n    while True: hashlib.sha256(d).digest()\n"
    child = python(code + "[threading.Thread(target=work, daemon=True).start() for _number in range(2)]")
    record = one(collect(Target(), sample_seconds=1.0), child.pid)
    assert record["threads"] == 3
    assert 15 < record["cpu_percent"] <= 100.0 * (os.cpu_count() or 1) * 1.1


def test_what_starts_and_ends_in_the_pause(spawn):
    ends, started = spawn(["sleep", "99"]), []

    def meanwhile():
        started.append(spawn(["sleep", "98"]))
        ends.kill()
        ends.wait()

    section = collect(Target(), sample_seconds=0.3, meanwhile=meanwhile)
    new, old = one(section, started[0].pid), one(section, ends.pid)
    assert new["argv"] == ["sleep", "98"]
    assert (new["cpu_percent"], old["cpu_percent"], old["write_rate"]) == (None, None, None)
    assert old["argv"] == ["sleep", "99"]


def test_no_pause_means_no_rates():
    began = time.monotonic()
    section = collect(Target(), sample_seconds=0)
    assert {record["cpu_percent"] for record in section["items"]} == {None}
    assert {record["read_rate"] for record in section["items"]} == {None}
    assert section["interfaces"] == []
    assert section["host"]["sample_seconds"] == 0
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("seconds", [-0.1, float("nan"), float("inf"), 1e9])
def test_a_pause_that_is_none(seconds):
    with pytest.raises(ValueError, match="sample_seconds"):
        collect(Target(), sample_seconds=seconds)


def test_the_pause_holds_what_happens_meanwhile():
    began = time.monotonic()
    collect(Target(), sample_seconds=0.8, meanwhile=lambda: time.sleep(0.7))
    assert 0.8 <= time.monotonic() - began < 20


def test_interfaces():
    section = collect(Target(), sample_seconds=0.1)
    assert "lo" in [record["interface"] for record in section["interfaces"]]
    assert all(record["receive_rate"] >= 0 for record in section["interfaces"])


def test_limit_1_works_and_is_flagged():
    section = collect(Target(), limit=1, sample_seconds=0.05)
    assert len(section["items"]) == 1
    assert section["truncated"] is True
    (limit,) = section["limits"]
    assert (limit["what"], limit["limit"]) == ("items", 1)
    assert limit["total"] > 1
    assert section["host"]["processes"] == pytest.approx(limit["total"], abs=20)


def test_filters(spawn):
    child, other = spawn(["sleep", "99"]), spawn(["sleep", "98"])

    def found(**options):
        pids = {record["pid"] for record in collect(Target(), sample_seconds=0, **options)["items"]}
        return child.pid in pids, other.pid in pids

    assert found(pids=[child.pid]) == (True, False)
    assert found(names=["sleep"]) == (True, True)
    assert found(names=["slee"]) == (False, False)
    assert found(users=[str(os.getuid())]) == (True, True)
    assert found(users=["nobody-of-that-name"]) == (False, False)
    assert found(users=[str(os.getuid())], names=["sleep"], pids=[other.pid]) == (False, True)


def test_who_was_asked_for_and_is_not_there_is_said():
    section = collect(Target(), sample_seconds=0, pids=[2**30], users=["nobody-of-that-name"])
    assert section["items"] == []
    said = {error["what"]: error["subjects"] for error in section["errors"]}
    assert said["process asked for"] == ["pid %d" % 2**30]
    assert said["user asked for"] == ["nobody-of-that-name"]


def test_who_holds_connections(python):
    code = """
server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen(50)
held = [socket.create_connection(server.getsockname()) for _number in range(40)]
taken = [server.accept() for _number in range(40)]
"""
    child = python(code)
    section = collect(Target(), sample_seconds=0)
    assert one(section, child.pid)["connections"] == 80
    assert child.pid in section["host"]["top_connections"]


def test_a_clock_that_cannot_be_read_from_proc_costs_nothing(tree):
    (tree.proc / "stat").write_bytes(b"cpu 1 2 3\n")
    tree.process(10, start=100)
    section = collect(tree.target(), sample_seconds=0)
    started = time.time() - time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", 7)) + 1
    assert one(section, 10)["started_at"][:14] == time.strftime("%Y-%m-%dT%H:", time.gmtime(started))


@pytest.mark.parametrize("boot", [0, -5, 4291747200, 1 << 62])
def test_a_clock_that_is_wrong_by_centuries(tree, boot):
    """1970, before it, 2106, and no time at all."""
    (tree.proc / "stat").write_bytes(b"btime %d\n" % boot)
    tree.process(10, start=100)
    assert one(collect(tree.target(), sample_seconds=0), 10)["start_ticks"] == 100


def test_processes_that_may_not_be_read_are_said(tree, own_pid, monkeypatch):
    me = tree.process(own_pid)
    (me / "mountinfo").write_bytes(b"")
    (tree.proc / "self").symlink_to(str(own_pid))
    tree.process(4242)
    target, real = tree.target(), procfs.read_stat

    def read_stat(proc, pid):
        if pid == 4242:
            raise PermissionError(1, "Operation not permitted")
        return real(proc, pid)

    monkeypatch.setattr(procfs, "read_stat", read_stat)
    section = collect(target, sample_seconds=0)
    assert [record["pid"] for record in section["items"]] == [own_pid]
    assert ("process", ["pid 4242"]) in [(error["what"], error["subjects"]) for error in section["errors"]]


def test_a_storm_of_short_processes_gives_neither_errors_nor_ghosts(spawn):
    quiet = collect(Target(), sample_seconds=0.05)["errors"]
    children = [spawn([sys.executable, "-I", "-S", "-c", FORK % 4.0], wait=True) for _number in range(2)]
    section = collect(Target(), sample_seconds=1.5)
    assert section["hidden"] == []
    assert {error["what"] for error in section["errors"]} <= {error["what"] for error in quiet}
    assert {child.pid for child in children} <= {record["pid"] for record in section["items"]}
    assert section["cross_check"]["disagreements"] == []


# psutil as the oracle.


@pytest.fixture
def oracle():
    return pytest.importorskip("psutil")


@pytest.fixture
def crowd(spawn, python, tmp_path):
    """Children of many kinds."""
    target = str(tmp_path)
    return [
        spawn(["sleep", "99"]),
        spawn([b"a b", b"99"], executable="/bin/sleep"),
        spawn(["sleep", "99"], cwd=target, start_new_session=True),
        python("os.nice(3); x = 'x' * 50000000"),
        python("[threading.Thread(target=time.sleep, args=(99,), daemon=True).start() for _number in range(3)]"),
        python("sum(range(3000000))"),
    ]


def test_psutil_lists_the_same_processes(oracle):
    for _attempt in range(5):
        before = set(oracle.pids())
        ours = {record["pid"] for record in collect(Target(), sample_seconds=0)["items"]}
        after = set(oracle.pids())
        if before & after <= ours <= before | after:
            break
    assert before & after <= ours
    assert ours <= before | after


def test_psutil_says_the_same_of_children(oracle, crowd):
    section = collect(Target(), sample_seconds=0)
    for child in crowd:
        ours, theirs = one(section, child.pid), oracle.Process(child.pid)
        assert (ours["ppid"], ours["argv"], ours["exe"], ours["cwd"]) == (theirs.ppid(), theirs.cmdline(), theirs.exe(), theirs.cwd())
        assert (ours["uid"], ours["euid"], ours["suid"]) == tuple(theirs.uids())
        assert (ours["gid"], ours["egid"], ours["sgid"]) == tuple(theirs.gids())
        assert (ours["nice"], ours["threads"], ours["user"]) == (theirs.nice(), theirs.num_threads(), theirs.username())
        # psutil lengthens the kernel's 15 bytes by what the command line says.
        assert theirs.name().startswith(ours["name"])
        assert ours["cpu_seconds"] == pytest.approx(sum(theirs.cpu_times()[:2]), abs=0.2)
        assert ours["rss"] == pytest.approx(theirs.memory_info().rss, rel=0.1, abs=1 << 20)
        started = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(theirs.create_time()))
        assert ours["started_at"].startswith(started) or abs(theirs.create_time() % 60 - 30) > 28
        assert ours["terminal"] == (theirs.terminal() or "")[len("/dev/") :] or (ours["terminal"], theirs.terminal()) == (None, None)


def _view(oracle, pid):
    """What psutil says of a process, ``None`` of one that has ended or is closed to us."""
    try:
        theirs = oracle.Process(pid)
        with theirs.oneshot():
            return theirs.create_time(), theirs.ppid(), tuple(theirs.uids()), theirs.nice(), theirs.cmdline()
    except oracle.Error:
        return None


def test_psutil_says_the_same_of_everybody(oracle):
    before = {pid: _view(oracle, pid) for pid in oracle.pids()}
    section = collect(Target(), sample_seconds=0)
    compared = 0
    for record in section["items"]:
        view = _view(oracle, record["pid"])
        if view is None or view != before.get(record["pid"]) or record["state"] == "Z":
            continue  # it began, ended or became another one while we looked
        if record.get("raw") or record.get("clipped") or record["argv_padding"]:
            continue
        assert math.isclose(record["start_ticks"] / procfs.TICKS, round(view[0] - oracle.boot_time(), 2), abs_tol=0.02)
        # A process may write over its own arguments; where no NUL ends them, psutil parts them at blanks.
        ours = (record["ppid"], (record["uid"], record["euid"], record["suid"]), record["nice"], record["argv"])
        assert ours[:3] == view[1:4]
        assert ours[3] == view[4] or " ".join(ours[3]).split() == " ".join(view[4]).split()
        compared += 1
    assert compared >= len(section["items"]) // 2


def test_psutil_measures_the_same_use(oracle, python):
    child = python("threading.Thread(target=lambda: exec('while True: pass'), daemon=True).start()")
    theirs = oracle.Process(child.pid)
    theirs.cpu_percent()
    record = one(collect(Target(), sample_seconds=1.5), child.pid)
    assert record["cpu_percent"] == pytest.approx(theirs.cpu_percent(), abs=35)


def test_ps_lists_nothing_that_we_lack():
    try:
        listed = subprocess.check_output(["ps", "-e", "-o", "pid=,stat="]).decode().split("\n")
    except OSError:
        pytest.skip("there is no ps here")
    ours = {record["pid"] for record in collect(Target(), sample_seconds=0)["items"]}
    missing = {int(line.split()[0]) for line in listed if line.strip()} - ours
    assert all(not os.path.exists("/proc/%d" % pid) for pid in missing)


def test_limits_are_documented_numbers():
    assert processes.OPEN_FILES_OF_ONE <= processes.OPEN_FILES_LIMIT
