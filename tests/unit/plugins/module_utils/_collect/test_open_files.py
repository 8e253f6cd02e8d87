# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open files: what ``lsof`` lists, judged by the open file and not by the text of its link."""

import os
import socket

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import processes
from ansible_collections.incident.response.plugins.module_utils._collect.open_files import read_open_files
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target
from ansible_collections.incident.response.plugins.module_utils._schema.processes import OPEN_FILE


def own(descriptor):
    """The record of a descriptor of ours."""
    (found,) = [entry for entry in read_open_files(Target(), os.getpid()) if entry["descriptor"] == descriptor]
    return found


@pytest.fixture
def opened(tmp_path):
    descriptors = []

    def open_(name, flags=os.O_RDWR | os.O_CREAT):
        descriptors.append(os.open(os.path.join(str(tmp_path), name), flags))
        return descriptors[-1]

    yield open_
    for descriptor in descriptors:
        os.close(descriptor)


@pytest.mark.parametrize("flags, mode", [(os.O_RDONLY, "r"), (os.O_WRONLY, "w"), (os.O_RDWR, "rw"), (os.O_WRONLY | os.O_APPEND, "w")])
def test_modes(opened, flags, mode):
    record = own(opened("x", flags | os.O_CREAT))
    assert (record["mode"], record["kind"], record["is_deleted"]) == (mode, "file", False)
    assert set(record) == {field.name for field in OPEN_FILE.fields}


def test_a_deleted_file(opened, tmp_path):
    descriptor = opened("x")
    os.unlink(str(tmp_path / "x"))
    record = own(descriptor)
    assert (record["path"], record["is_deleted"], record["kind"]) == (str(tmp_path / "x"), True, "file")
    assert record["inode"] == os.fstat(descriptor).st_ino


def test_a_deleted_file_that_another_name_is_left_of(opened, tmp_path):
    descriptor = opened("x")
    os.link(str(tmp_path / "x"), str(tmp_path / "y"))
    os.unlink(str(tmp_path / "x"))
    record = own(descriptor)
    assert (record["path"], record["is_deleted"]) == (str(tmp_path / "x"), True)


def test_a_name_like_the_mark_is_no_deletion(opened, tmp_path):
    record = own(opened("x (deleted)"))
    assert (record["path"], record["is_deleted"]) == (str(tmp_path / "x (deleted)"), False)


def test_bytes_of_a_path_are_kept_without_the_mark(opened, tmp_path):
    descriptor = opened(os.fsdecode(b"\xff"))
    os.unlink(os.path.join(os.fsencode(str(tmp_path)), b"\xff"))
    record = own(descriptor)
    assert record["path"].endswith("/\\xff")
    assert __import__("base64").b64decode(record["raw"]["path"]).endswith(b"/\xff")


def test_a_file_in_shared_memory_is_a_file_and_not_a_device():
    path = "/dev/shm/incident-test-%d" % os.getpid()
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("/dev/shm may not be written here")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.unlink(path)
    record = own(descriptor)
    os.close(descriptor)
    assert (record["path"], record["kind"], record["is_deleted"]) == (path, "file", True)


def test_kinds(tmp_path):
    reader, writer = os.pipe()
    folder, null = os.open(str(tmp_path), os.O_RDONLY), os.open("/dev/null", os.O_RDONLY)
    os.mkfifo(str(tmp_path / "fifo"))
    fifo = os.open(str(tmp_path / "fifo"), os.O_RDWR)
    poll = __import__("select").epoll()
    with socket.socket() as link:
        kinds = [own(number)["kind"] for number in (reader, folder, null, fifo, link.fileno(), poll.fileno())]
        assert own(link.fileno())["inode"] == os.fstat(link.fileno()).st_ino
    poll.close()
    for number in (reader, writer, folder, null, fifo):
        os.close(number)
    assert kinds == ["pipe", "directory", "device", "pipe", "socket", "anonymous"]


def test_psutil_lists_the_same_files(python, tmp_path):
    psutil = pytest.importorskip("psutil")
    child = python("a = open(%r, 'w'); b = open(%r)" % (str(tmp_path / "a b"), os.path.realpath("/etc/passwd")))
    entries = [entry for entry in read_open_files(Target(), child.pid) if entry["kind"] == "file"]
    # psutil leaves out what was deleted.
    ours = {(entry["descriptor"], entry["path"]) for entry in entries if not entry["is_deleted"]}
    theirs = {(entry.fd, entry.path) for entry in psutil.Process(child.pid).open_files()}
    assert ours == theirs
    assert len(ours) == 2


def test_who_is_closed_raises():
    if os.geteuid() == 0:
        pytest.skip("root may see everything")
    with pytest.raises(PermissionError):
        list(read_open_files(Target(), 1))


def test_no_process_uses_up_the_room_of_the_others(python, monkeypatch):
    monkeypatch.setattr(processes, "OPEN_FILES_OF_ONE", 20)
    many = python("held = [os.dup(0) for _number in range(100)]")
    few = python("")
    section = processes.collect(Target(), sample_seconds=0, pids=[many.pid, few.pid], open_files=True)
    count = [entry["pid"] for entry in section["open_files"]]
    assert (count.count(many.pid), count.count(few.pid)) == (20, 3)
    assert section["limits"] == [{"what": "open files of pid %d" % many.pid, "limit": 20, "total": None}]


def test_the_limit_for_all_ends_the_reading(python, monkeypatch):
    monkeypatch.setattr(processes, "OPEN_FILES_LIMIT", 4)
    children = [python("") for _number in range(2)]
    section = processes.collect(Target(), sample_seconds=0, pids=[child.pid for child in children], open_files=True)
    assert len(section["open_files"]) == 4
    assert section["truncated"] is True
