# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""File systems that do not answer: with a real one, and with calls that take their time."""

import errno
import json
import os
import time

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import file_servers
from ansible_collections.incident.response.plugins.module_utils._collect.file_servers import FileServers, NoAnswer

_SILENT = os.path.join(os.path.realpath(__file__).rpartition("/tests/")[0], "tests/lab/harness/silent_file_system.py")
# A process that runs a program from a served file system, one that stands in a folder of it, one that was covered by it.
_STATES = """
import json, os, signal, subprocess, sys, tempfile, time
from ansible_collections.incident.response.plugins.module_utils._collect import processes
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target
folder, later = tempfile.mkdtemp(), tempfile.mkdtemp()
children = []
def start(*words, **how):
    children.append(subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.PIPE, **how))
    return children[-1]
def serve(where):
    server = start(sys.executable, %r, where, "/bin/sleep")
    assert server.stdout.readline() == b"ready\\n"
    return server
server = serve(folder)
image, stands = start(folder + "/program", "99"), start("sleep", "98", cwd=folder + "/home")
holds = start(sys.executable, "-c", "import sys; f = open(%%r); print('ready', flush=True); sys.stdin.read()" %% (folder + "/program"))
holds.stdout.readline()
subprocess.check_call(["cp", "/bin/sleep", later + "/covered"])
covered = start(later + "/covered", "97")
time.sleep(0.3)
answering = processes.collect(Target(), sample_seconds=0, pids=[image.pid, holds.pid], open_files=True)
second = serve(later)
for silent in (server, second):
    silent.send_signal(signal.SIGUSR1)
time.sleep(0.2)
began = time.monotonic()
section = processes.collect(Target(), sample_seconds=0, pids=[image.pid, stands.pid, holds.pid, covered.pid], open_files=True)
print(json.dumps({"answering": answering, "silent": section, "seconds": time.monotonic() - began,
    "pids": [image.pid, stands.pid, holds.pid, covered.pid], "folder": folder}))
sys.stdout.flush()
for child in children[::-1]:
    child.kill()
os._exit(0)
"""


@pytest.fixture
def served(monkeypatch):
    """File servers that take everything for served, by one mount."""

    def make(mount=1):
        servers = FileServers()
        servers._exist = True
        monkeypatch.setattr(servers, "_served_by", lambda _path: (mount, b"fuse.test"))
        return servers

    return make


def wait_and_say(seconds, word):
    time.sleep(seconds)
    return word


def fail(number):
    raise OSError(number, os.strerror(number), "/x")


def whose(_path):
    return os.getpid()


def test_a_host_without_any_is_asked_directly(tmp_path):
    (tmp_path / "253:0").mkdir()
    servers = FileServers(devices=str(tmp_path))
    assert servers.exist is False
    assert servers.ask("/", whose, "/") == os.getpid()


@pytest.mark.parametrize("name", ["0:346", "cifs-1", "9p-2", "ceph-1"])
def test_any_of_the_host_is_known(tmp_path, name):
    (tmp_path / name).mkdir()
    assert FileServers(devices=str(tmp_path)).exist is True


def test_where_the_kernel_does_not_say_there_may_be_some(tmp_path):
    servers = FileServers(devices=str(tmp_path / "nothing"))
    assert servers.exist is True
    assert servers.ask("/proc/self/exe", os.stat, "/proc/self/exe").st_ino == os.stat("/proc/self/exe").st_ino
    # What is not served is asked by ourselves.
    assert servers.ask(os.path.realpath("/bin/sh"), whose, "/") == os.getpid()
    with pytest.raises(FileNotFoundError):
        servers.ask("/nothing/here", os.lstat, "/nothing/here")


def test_what_a_link_leads_to_is_asked_by_a_child(tmp_path):
    servers = FileServers(devices=str(tmp_path / "nothing"))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to("folder")
    for path in (tmp_path / "link", tmp_path / "link" / "file"):
        assert servers.ask(str(path), whose, str(path)) != os.getpid()
        assert servers.ask(str(path), os.stat, str(path)).st_ino == os.stat(str(path)).st_ino


def test_answers_and_errors_come_back(served):
    servers = served()
    assert servers.ask("/x", wait_and_say, 0, "word") == "word"
    assert servers.ask("/x", wait_and_say, 0, b"x" * 3000000) == b"x" * 3000000
    with pytest.raises(PermissionError) as caught:
        servers.ask("/x", fail, errno.EACCES)
    assert caught.value.errno == errno.EACCES
    child = servers.ask("/x", whose, "/x")
    assert child == servers.ask("/x", whose, "/x") != os.getpid()


def test_one_that_is_silent_is_waited_for_once(served):
    servers = served()
    began = time.monotonic()
    with pytest.raises(NoAnswer) as caught:
        servers.ask("/x", wait_and_say, 30, "word", seconds=0.2)
    assert "fuse.test, which did not answer" in caught.value.strerror
    with pytest.raises(NoAnswer):
        servers.ask("/x", wait_and_say, 0, "word")
    assert time.monotonic() - began < 10


def test_another_mount_is_asked_after_a_silent_one_but_not_any_number(served, monkeypatch):
    servers = served()
    for mount in range(file_servers._MOST_SILENT):
        monkeypatch.setattr(servers, "_served_by", lambda _path, mount=mount: (mount, b"nfs4"))
        assert servers.ask("/x", wait_and_say, 0, "word") == "word"
        with pytest.raises(NoAnswer):
            servers.ask("/x", wait_and_say, 30, "word", seconds=0.1)
    monkeypatch.setattr(servers, "_served_by", lambda _path: (99, b"nfs4"))
    with pytest.raises(NoAnswer):
        servers.ask("/x", wait_and_say, 0, "word")


def test_a_child_holds_nothing_that_somebody_waits_for(served, capfd):
    servers = served()
    held, end = os.pipe()
    links = servers.ask("/x", descriptors, "/x")
    os.close(end)
    assert os.read(held, 1) == b""  # nobody else has the other end
    os.close(held)
    assert links[:3] == ["/dev/null"] * 3


def descriptors(_path):
    return [os.readlink("/proc/self/fd/%d" % number) for number in range(3)]


@pytest.fixture
def states(as_root, run_elsewhere):
    with open("/proc/filesystems") as systems:
        has_fuse = "fuse" in systems.read().split()
    if not has_fuse:
        pytest.skip("this kernel has no FUSE")
    return json.loads(run_elsewhere(["-m"], _STATES % _SILENT))


def test_a_real_one(states):
    """While it answers it is read like any other; when it is silent, it costs what lies on it and nothing else."""
    check_answering(states)
    check_silent(states)


def check_silent(states):
    image, stands, holds, covered = states["pids"]
    by_pid = {record["pid"]: record for record in states["silent"]["items"]}
    assert sorted(by_pid) == sorted(states["pids"])
    assert states["seconds"] < 15
    program = states["folder"] + "/program"
    assert (by_pid[image]["exe"], by_pid[image]["exe_state"], by_pid[image]["argv"]) == (program, "unreadable", [program, "99"])
    assert by_pid[stands]["cwd"] == states["folder"] + "/home"
    # Its own file is readable, what is at its path now is not.
    assert (by_pid[covered]["exe_state"], by_pid[covered]["exe_inode"] is None) == ("replaced", False)
    (held,) = [record for record in states["silent"]["open_files"] if record["pid"] == holds and record["path"] == program]
    assert (held["kind"], held["mode"], held["inode"]) == ("file", "r", None)
    said = {(error["what"], error["reason"]) for error in states["silent"]["errors"]}
    assert ("process executable", "lies on fuse.lab, which did not answer within 2 seconds") in said
    assert any(what == "open files" and "did not answer" in reason for what, reason in said)


def check_answering(states):
    image, _stands, holds, _covered = states["pids"]
    by_pid = {record["pid"]: record for record in states["answering"]["items"]}
    assert (by_pid[image]["exe_state"], by_pid[image]["exe_inode"]) == ("present", 2)
    assert (holds, "file", 2) in [(record["pid"], record["kind"], record["inode"]) for record in states["answering"]["open_files"]]
