# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several sections share: processes, owners of sockets, this run."""

import os
import signal

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import target as target_module
from ansible_collections.incident.response.plugins.module_utils._collect.section import SectionBuilder
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target

PASSWD = b"root:x:0:0::/root:/bin/bash\nmallory:x:1001:1001::/home/mallory:/bin/bash\n1001:x:8003:8003::/:/bin/bash\n"


def test_a_process_that_ends_between_listing_and_reading_is_left_out(tree):
    tree.process(10)
    (tree.proc / "11").mkdir()
    target = tree.target()
    assert list(target.stats) == [10]
    assert not target.unreadable_processes


def test_a_directory_that_shows_another_process_is_no_process_twice(tree):
    tree.process(10)
    tree.process(666, says=10)
    target = tree.target()
    assert list(target.stats) == [10]
    assert target.covered == {666}


def test_who_is_closed_is_remembered(tree, monkeypatch):
    tree.process(10)
    tree.process(11)
    real = target_module.procfs.read_stat

    def read_stat(proc, pid):
        if pid == 11:
            raise PermissionError(1, "Operation not permitted")
        return real(proc, pid)

    monkeypatch.setattr(target_module.procfs, "read_stat", read_stat)
    target = tree.target()
    assert list(target.stats) == [10]
    assert target.unreadable_processes == {11}


def test_every_holder_of_a_socket_is_an_owner_once(tree):
    for pid in (10, 11):
        folder = tree.process(pid) / "fd"
        for number in (3, 4):
            os.symlink("socket:[777]", str(folder / str(number)))
    os.symlink("socket:[778]", str(tree.proc / "11" / "fd" / "5"))
    assert tree.target().read_socket_owners() == {777: [10, 11], 778: [11]}


def test_a_process_with_many_descriptors_costs_no_more_than_its_share_and_that_is_said(tree, monkeypatch):
    monkeypatch.setattr(target_module, "MAX_DESCRIPTORS", 5)
    monkeypatch.setattr(target_module, "_MAX_DESCRIPTORS_IN_ALL", 6)
    monkeypatch.setattr(target_module, "_SHARE_OF_DESCRIPTORS", 2)
    for pid, count in ((10, 9), (11, 5), (12, 2)):
        folder = tree.process(pid) / "fd"
        for number in range(count):
            os.symlink("socket:[%d]" % (pid * 100 + number), str(folder / str(number)))
    target = tree.target()
    seen = [inode // 100 for inode in target.read_socket_owners()]
    assert seen.count(10) <= 6
    assert seen.count(11) <= 3
    assert seen.count(12) == 2
    assert target.cut_descriptors == {10, 11}


def test_a_process_started_since_owns_its_sockets_too(python):
    target = Target()
    assert target.stats
    child = python("s = socket.socket(); print(os.fstat(s.fileno()).st_ino, flush=True)", said=True)
    assert child.pid not in target.stats
    assert target.read_socket_owners()[int(child.line)] == [child.pid]


def test_what_is_closed_or_cut_is_of_the_last_reading(tree):
    tree.process(10)
    target = tree.target()
    target.cut_descriptors.add(7)
    target.unreadable_descriptors.add(8)
    assert target.read_socket_owners() == {}
    assert (target.cut_descriptors, target.unreadable_descriptors) == (set(), set())


def _tree_of_sessions(tree, me):
    """The process trees of a host with two ssh sessions, of which this run, ``me``, is in the first."""
    shape = (
        (1, 0, 1),
        (100, 1, 100),  # sshd, the listener
        (200, 100, 200),  # sshd of our session, with privileges
        (201, 200, 200),  # and without
        (202, 201, 202),  # our shell
        (203, 202, 202),  # sudo
        (me, 203, 202),
        (me + 1, me, 202),  # our journalctl
        (300, 100, 300),  # sshd of another session
        (301, 300, 301),
    )
    for pid, ppid, sid in shape:
        tree.process(pid, ppid=ppid, sid=sid)


def test_this_run_is_its_session_and_its_children_but_neither_the_daemon_nor_other_sessions(tree, own_pid):
    _tree_of_sessions(tree, own_pid)
    assert tree.target().own_pids() == {200, 201, 202, 203, own_pid, own_pid + 1}


def test_a_session_that_process_1_started_belongs_to_this_run(tree, own_pid):
    # A socket-activated sshd: a child of process 1, whose own child keeps its session.
    for pid, ppid, sid in ((1, 0, 1), (200, 1, 200), (201, 200, 200), (202, 201, 202), (own_pid, 202, 202)):
        tree.process(pid, ppid=ppid, sid=sid)
    assert tree.target().own_pids() == {200, 201, 202, own_pid}


def test_ancestry_that_runs_in_a_circle_ends(tree, own_pid):
    tree.process(own_pid, ppid=400)
    tree.process(400, ppid=401)
    tree.process(401, ppid=400)
    assert tree.target().own_pids() == {own_pid, 400, 401}


def test_the_live_run_knows_itself_and_not_its_neighbours(spawn):
    child = spawn(["/bin/sh", "-c", "sleep 60 & echo $!; wait"], wait=True)
    own = Target().own_pids()
    os.kill(int(child.line), signal.SIGKILL)
    assert {os.getpid(), child.pid} <= own
    assert 1 not in own
    assert int(child.line) not in own  # a grandchild is not ours to vouch for


@pytest.mark.parametrize(
    "users, uids, unknown",
    [
        (None, None, 0),
        ([], None, 0),
        (["mallory"], {1001}, 0),
        (["1001"], {8003}, 0),
        (["4711"], {4711}, 0),
        (["eve", "mallory"], {1001}, 1),
        (["eve"], set(), 1),
    ],
)
def test_users_asked_for(tree, users, uids, unknown):
    tree.file("/etc/passwd", PASSWD)
    builder = SectionBuilder(10)
    assert tree.target().uids_asked_for(users, builder) == uids
    assert sum(error["count"] for error in builder.finish()["errors"]) == unknown


def test_users_asked_for_without_a_passwd(tree):
    builder = SectionBuilder(10)
    assert tree.target().uids_asked_for(["mallory", "7"], builder) == {7}
    (error,) = builder.finish()["errors"]
    assert (error["what"], error["subjects"]) == ("accounts", ["/etc/passwd"])


def test_uids_of_a_process_that_is_gone():
    assert Target().uids_of(2**30) == set()
    assert os.getuid() in Target().uids_of(os.getpid())


THREAD = """
import ctypes, threading
def work():
    ctypes.CDLL(None).unshare(0x400)
    s = socket.socket()
    print(os.fstat(s.fileno()).st_ino, flush=True)
    time.sleep(900)
threading.Thread(target=work).start()
"""


def test_a_thread_with_descriptors_of_its_own_holds_sockets_for_its_process(python):
    child = python(THREAD, said=True)
    inode = int(child.line)
    target = Target()
    assert inode not in target.read_socket_owners()
    assert target.owners_among_threads({inode, 2**60}) == {inode: [child.pid]}
    assert target.owners_among_threads(set()) == {}


def test_descriptors_of_threads_are_read_up_to_a_limit(python, monkeypatch):
    child = python(THREAD, said=True)
    monkeypatch.setattr(target_module, "_MAX_DESCRIPTORS_OF_THREADS", 0)
    assert Target().owners_among_threads({int(child.line)}) == {}
