# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces: those of threads, those whose first process ends, those that only a mount keeps."""

import json
import os

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import network_namespaces
from ansible_collections.incident.response.plugins.module_utils._collect.network_namespaces import namespaces
from ansible_collections.incident.response.plugins.module_utils._collect.section import SectionBuilder
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target

COLLECT = """
import ctypes, json, os, socket, subprocess, sys, threading, time
from ansible_collections.incident.response.plugins.module_utils._collect import ports
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target
libc = ctypes.CDLL(None, use_errno=True)
"""


def read(target):
    builder = SectionBuilder(10)
    return namespaces(target, builder), builder.finish()["errors"]


def live_in(tree, pid, number, threads=1):
    """Put a process of a tree into a namespace, which is a file there: its inode number is what counts."""
    folder = tree.process(pid, threads=threads)
    (folder / "ns").mkdir()
    namespace = tree.root / ("namespace%d" % number)
    namespace.touch()
    os.symlink(str(namespace), str(folder / "ns" / "net"))
    return os.stat(str(namespace)).st_ino


def test_the_first_is_that_of_process_1_and_each_is_there_once(tree):
    first, other = live_in(tree, 1, 1), live_in(tree, 20, 2)
    live_in(tree, 21, 2)
    live_in(tree, 22, 1)
    (tree.proc / "self").symlink_to("22")
    (tree.proc / "22" / "mountinfo").write_bytes(b"")
    found, errors = read(tree.target())
    assert [(namespace.inode, namespace.is_ours, namespace.pids) for namespace in found] == [(None, True, [1, 1, 22]), (other, False, [20, 21])]
    assert found[0].number == first
    assert found[1].folder() == str(tree.proc / "20" / "net")
    assert errors == []


def test_when_the_first_process_ends_another_one_is_asked(tree):
    live_in(tree, 1, 1)
    live_in(tree, 20, 2)
    live_in(tree, 21, 2)
    found, _errors = read(tree.target())
    (tree.proc / "20" / "ns" / "net").unlink()
    assert found[1].folder() == str(tree.proc / "21" / "net")
    (tree.proc / "21" / "ns" / "net").unlink()
    assert found[1].folder() is None


def test_a_thread_in_a_namespace_of_its_own_is_found(tree):
    live_in(tree, 1, 1)
    live_in(tree, 20, 1, threads=2)
    for thread, number in ((20, 1), (23, 3)):
        folder = tree.proc / "20" / "task" / str(thread) / "ns"
        folder.mkdir(parents=True)
        (tree.root / ("namespace%d" % number)).touch()
        os.symlink(str(tree.root / ("namespace%d" % number)), str(folder / "net"))
    found, _errors = read(tree.target())
    assert [namespace.places for namespace in found][1] == [str(tree.proc / "20" / "task" / "23")]
    assert found[1].pids == [20]


def test_a_process_with_endless_threads_is_cut_and_that_is_said(tree, monkeypatch):
    monkeypatch.setattr(network_namespaces, "_THREADS", 3)
    live_in(tree, 1, 1)
    live_in(tree, 20, 1, threads=9)
    for thread in range(20, 29):
        (tree.proc / "20" / "task" / str(thread)).mkdir(parents=True)
    builder = SectionBuilder(10)
    namespaces(tree.target(), builder)
    assert builder.finish()["limits"] == [{"what": "threads of pid 20", "limit": 3, "total": 9}]


def test_namespaces_that_only_mounts_keep(tree):
    """Each by its name; the last mount of a place is the one that is there, and no file system on the way may be somebody's program."""
    inode = live_in(tree, 1, 1)
    (tree.proc / "self").symlink_to("1")
    rows = [
        b"60 30 0:4 net:[%d] /run/netns/known rw - nsfs nsfs rw" % inode,
        b"61 30 0:4 net:[4026539999] /run/netns/em\\040pty rw shared:1 - nsfs nsfs rw",
        b"62 30 0:4 net:[4026539998] /home/eve/kept rw - nsfs nsfs rw",
        b"63 30 0:4 net:[4026539997] /mnt/fuse/kept rw - nsfs nsfs rw",
        b"64 30 0:9 / /mnt/fuse rw - fuse.evil evil rw",
        b"65 30 0:4 net:[4026539996] /mnt/covered rw - nsfs nsfs rw",
        b"66 30 0:9 / /mnt/covered rw - tmpfs tmpfs rw",
        b"x",
        b"67 30 0:9 net:[] /y rw - nsfs nsfs rw",
    ]
    (tree.proc / "1" / "mountinfo").write_bytes(b"\n".join(rows))
    found, errors = read(tree.target())
    assert [(namespace.number, namespace.name, namespace.doors) for namespace in found] == [
        (inode, b"known", []),
        (4026539999, b"em pty", [b"/run/netns/em pty"]),
        (4026539998, b"/home/eve/kept", [b"/home/eve/kept"]),
    ]
    assert [(error["what"], error["subjects"]) for error in errors] == [("sockets of a network namespace", ["/mnt/fuse/kept", "/mnt/covered"])]


def test_more_namespaces_than_are_looked_at_are_counted(tree, monkeypatch):
    monkeypatch.setattr(network_namespaces, "_MOST_ENTERED", 2)
    for pid in (1, 20, 21):
        live_in(tree, pid, pid)
    builder = SectionBuilder(10)
    assert len(namespaces(tree.target(), builder)) == 2
    assert builder.finish()["limits"] == [{"what": "network namespaces", "limit": 2, "total": 3}]


def test_this_host_has_ours():
    found, _errors = read(Target())
    assert [namespace.number for namespace in found if namespace.is_ours] == [os.stat("/proc/self/ns/net").st_ino]


def test_a_listener_in_another_namespace_is_found_with_its_owner(as_root, run_elsewhere):
    code = (
        COLLECT
        + """
inner = "import socket, sys; s = socket.socket(); s.bind(('0.0.0.0', 2323)); s.listen(1); print('ready', flush=True); sys.stdin.read()"
child = subprocess.Popen(["unshare", "-n", sys.executable, "-c", inner], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
section = ports.collect(Target(), ports=["2323"])
print(json.dumps([child.pid, os.stat("/proc/%d/ns/net" % child.pid).st_ino, section["items"]]))
child.kill()
"""
    )
    pid, inode, (record,) = json.loads(run_elsewhere(["-i"], code))
    assert (record["network_namespace"], record["pids"], record["owner_state"], record["process"]) == (inode, [pid], "known", record["process"])
    assert (record["scope"], record["exposed"]) == ("all", False)
    assert "no interface but loopback" in record["exposed_reason"]


def test_a_listener_in_a_namespace_that_its_process_has_left_is_found(as_root, run_elsewhere):
    code = (
        COLLECT
        + """
home = os.open("/proc/self/ns/net", os.O_RDONLY)
assert libc.unshare(0x40000000) == 0
link = socket.socket(); link.bind(("0.0.0.0", 2325)); link.listen(1)
number = os.stat("/proc/thread-self/ns/net").st_ino
assert libc.setns(home, 0x40000000) == 0
print(json.dumps([os.getpid(), number, ports.collect(Target(), ports=["2325"])["items"], os.stat("/proc/self/ns/net").st_ino == number]), flush=True)
"""
    )
    pid, number, (record,), moved = json.loads(run_elsewhere(["-i"], code))
    assert not moved
    assert (record["pids"], record["network_namespace"], record["owner_state"]) == ([pid], number, "known")
    assert "no interface but loopback" in record["exposed_reason"]


def test_a_listener_in_the_namespace_of_one_thread_is_found(as_root, run_elsewhere):
    code = (
        COLLECT
        + """
ready = threading.Event()
def elsewhere():
    assert libc.unshare(0x40000000) == 0
    link = socket.socket(); link.bind(("0.0.0.0", 2324)); link.listen(1)
    ready.set()
    time.sleep(30)
threading.Thread(target=elsewhere, daemon=True).start()
ready.wait()
print(json.dumps([os.getpid(), ports.collect(Target(), ports=["2324"])["items"]]), flush=True)
os._exit(0)
"""
    )
    pid, (record,) = json.loads(run_elsewhere(["-i"], code))
    assert record["pids"] == [pid]
    assert record["network_namespace"] is not None


KEEP = """
child = subprocess.Popen(["unshare", "-n", sys.executable, "-c", %r], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
subprocess.check_call(["mount", "--bind", "/proc/%%d/ns/net" %% child.pid, %r])
before = os.stat("/proc/self/ns/net").st_ino
"""
DUAL = "import socket, sys; s = socket.socket(10); s.setsockopt(41, 26, 0); s.bind(('::', 2325)); s.listen(1); print('ready', flush=True); sys.stdin.read()"


def test_a_namespace_is_seen_from_inside_and_ours_is_not_left(as_root, run_elsewhere, tmp_path):
    place = tmp_path / "kept"
    place.touch()
    code = (
        COLLECT
        + KEEP % (DUAL, str(place))
        + """
items = ports.collect(Target(), ports=["2325"])["items"]
after = [os.stat("/proc/self/task/%s/ns/net" % task).st_ino for task in os.listdir("/proc/self/task")]
print(json.dumps([items, after == [before]]))
child.kill()
"""
    )
    (record,), is_as_before = json.loads(run_elsewhere(["-m"], code))
    assert (record["is_dual_stack"], record["network_namespace_name"], record["exposed"]) == (True, str(place), False)
    assert is_as_before


def test_a_namespace_that_only_a_mount_keeps_is_read(as_root, run_elsewhere, tmp_path):
    """A listener without a process: its descriptor waits in a message that nobody takes."""
    place = tmp_path / "kept"
    place.touch()
    inner = (
        "import array, socket, sys; s = socket.socket(); s.bind(('0.0.0.0', 2326)); s.listen(1)\n"
        "u = socket.socket(fileno=0); u.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [s.fileno()]))]); print('ready', flush=True)\n"
        "import time; time.sleep(99)"
    )
    code = (
        COLLECT
        + """
ours, theirs = socket.socketpair()
child = subprocess.Popen(["unshare", "-n", sys.executable, "-c", %r], stdin=theirs, stdout=subprocess.PIPE)
child.stdout.readline()
subprocess.check_call(["mount", "--bind", "/proc/%%d/ns/net" %% child.pid, %r])
number = os.stat(%r).st_ino
child.kill(); child.wait()
section = ports.collect(Target(), ports=["2326"])
print(json.dumps([number, section["items"], section["errors"]]))
"""
        % (inner, str(place), str(place))
    )
    number, (record,), errors = json.loads(run_elsewhere(["-m"], code))
    assert (record["network_namespace"], record["network_namespace_name"], record["pids"]) == (number, str(place), [])
    assert record["owner_state"] in ("kernel", "unreadable")
    assert not [error for error in errors if str(place) in error["subjects"]]


def test_namespaces_of_others_are_an_error_for_a_plain_user():
    if os.access("/proc/1/ns/net", os.R_OK):
        pytest.skip("process 1 is open to us")
    _found, errors = read(Target())
    assert [error for error in errors if error["what"] == "network namespace of a process" and error["reason"] == "Permission denied"]
