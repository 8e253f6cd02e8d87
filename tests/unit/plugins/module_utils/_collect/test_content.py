# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes of files that are known by their inode: of that file or of none."""

import base64
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import zlib

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import content
from ansible_collections.incident.response.plugins.module_utils._collect.content import Piece, read_pieces
from ansible_collections.incident.response.plugins.module_utils._collect.procfs import read_stat
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target

SLEEP = os.path.realpath("/bin/sleep")
EMPTY = {"data": None, "sha256": None}


def piece(path, status=None, processes=(), offset=0, length=None):
    status = status or os.stat(str(path))
    raw = path if isinstance(path, bytes) else os.fsencode(str(path))
    return Piece(list(processes), raw, status.st_dev, status.st_ino, status.st_size, offset, status.st_size if length is None else length)


def only(wanted):
    (found,) = read_pieces(Target(), [wanted])
    return found


def bytes_of(found):
    assert found["error"] is None
    data = zlib.decompress(base64.b64decode(found["data"], validate=True))
    assert hashlib.sha256(data).hexdigest() == found["sha256"]
    return data


@pytest.fixture
def running(tmp_path):
    """A program of its own file that runs: its path, its status, and (pid, start ticks)."""
    path = tmp_path / "program"
    shutil.copy(SLEEP, str(path))
    child = subprocess.Popen([str(path), "100"])
    while os.readlink("/proc/%d/exe" % child.pid) != str(path):
        time.sleep(0.01)
    yield path, os.stat(str(path)), (child.pid, read_stat("/proc", child.pid).starttime)
    child.kill()
    child.wait()


@pytest.mark.parametrize("data", [b"", b"x", b"ab" * (1 << 20) + b"end"])
def test_pieces_make_the_file(tmp_path, data):
    (tmp_path / "x").write_bytes(data)
    half = len(data) // 2
    first, second = read_pieces(Target(), [piece(tmp_path / "x", length=half), piece(tmp_path / "x", offset=half, length=len(data) - half)])
    assert bytes_of(first) + bytes_of(second) == data


def test_a_name_of_any_bytes(tmp_path):
    path = os.fsencode(str(tmp_path)) + b"/-a\nb \xff"
    with open(path, "wb") as stream:
        stream.write(b"content")
    assert bytes_of(only(piece(path, os.stat(path)))) == b"content"


def test_an_image_whose_file_is_gone(running):
    path, status, process = running
    os.unlink(str(path))
    with open(SLEEP, "rb") as stream:
        assert bytes_of(only(piece(path, status, [process]))) == stream.read()


def test_an_image_of_a_process_whose_first_thread_has_ended(python):
    code = "import ctypes\nthreading.Thread(target=time.sleep, args=(60,)).start()\nprint('ready', flush=True)\nctypes.CDLL(None).pthread_exit(None)"
    child = python(code, said=True)
    while not read_stat("/proc", child.pid).is_headless:
        time.sleep(0.01)
    status = os.stat(os.path.realpath(sys.executable))
    found = only(piece(b"/no/such/path", status, [(child.pid, read_stat("/proc", child.pid).starttime)], length=4096))
    assert bytes_of(found)[:4] == b"\x7fELF"


def test_an_image_is_not_the_file_that_replaced_it(running):
    path, status, process = running
    os.unlink(str(path))
    path.write_bytes(b"another")
    with open(SLEEP, "rb") as stream:
        assert bytes_of(only(piece(path, status, [process]))) == stream.read()


def test_a_pid_that_is_another_process_by_now_is_passed_over(running):
    path, status, (pid, ticks) = running
    assert only(piece(path, status, [(pid, ticks - 1)]))["error"] is None  # its path still leads to it
    os.unlink(str(path))
    found = only(piece(path, status, [(pid, ticks - 1)]))
    assert dict(found, error=None) == dict(EMPTY, error=None)
    assert "is gone" in found["error"]
    assert only(piece(path, status, [(pid, ticks - 1), (2**22 - 1, 5), (pid, ticks)]))["error"] is None


def test_a_process_that_ended_takes_a_deleted_image_with_it(running):
    path, status, process = running
    os.unlink(str(path))
    os.kill(process[0], signal.SIGKILL)
    os.waitid(os.P_PID, process[0], os.WEXITED | os.WNOWAIT)
    assert "is gone" in only(piece(path, status, [process]))["error"]


def test_a_path_that_leads_to_another_file_by_now_gives_nothing(tmp_path):
    (tmp_path / "x").write_bytes(b"asked for")
    (tmp_path / "secret").write_bytes(b"of another")
    wanted = piece(tmp_path / "x")
    os.rename(str(tmp_path / "x"), str(tmp_path / "y"))
    os.symlink(str(tmp_path / "secret"), str(tmp_path / "x"))
    found = only(wanted)
    assert dict(found, error=None) == dict(EMPTY, error=None)
    assert "is gone" in found["error"]


@pytest.mark.parametrize("change", [b"longer than before", b"short"])
def test_a_file_of_another_size_is_not_read(tmp_path, change):
    (tmp_path / "x").write_bytes(b"as it was")
    wanted = piece(tmp_path / "x")
    (tmp_path / "x").write_bytes(change)
    assert "its size is another one" in only(wanted)["error"]


def test_a_file_that_is_cut_while_it_is_read(tmp_path, monkeypatch):
    (tmp_path / "x").write_bytes(b"x" * 100)
    monkeypatch.setattr(content.os, "pread", lambda _descriptor, _size, _offset: b"")
    assert "ends before its size" in only(piece(tmp_path / "x"))["error"]


def test_one_failure_costs_no_other(tmp_path):
    (tmp_path / "x").write_bytes(b"content")
    status = os.stat(str(tmp_path / "x"))
    gone = piece(tmp_path / "gone", status)
    fine = piece(tmp_path / "x", status)
    found = read_pieces(Target(), [gone, fine, gone])
    assert [entry["error"] is None for entry in found] == [False, True, False]


@pytest.mark.parametrize("kind", ["fifo", "directory"])
def test_what_is_no_file_is_neither_read_nor_waited_for(tmp_path, kind):
    path = str(tmp_path / "x")
    if kind == "fifo":
        os.mkfifo(path)
    else:
        os.mkdir(path)
    assert "not a regular file" in only(piece(path, length=1))["error"]


def test_no_more_than_a_bounded_amount(tmp_path):
    (tmp_path / "x").write_bytes(b"x")
    with pytest.raises(ValueError, match="no more than"):
        read_pieces(Target(), [piece(tmp_path / "x", length=content.MOST_AT_ONCE), piece(tmp_path / "x")])
    with pytest.raises(ValueError, match="below 0"):
        read_pieces(Target(), [piece(tmp_path / "x", offset=-1)])


def test_the_access_time_and_descriptors_are_left_alone(tmp_path):
    (tmp_path / "x").write_bytes(b"x")
    os.utime(str(tmp_path / "x"), (1, 1000000))
    before = len(os.listdir("/proc/self/fd"))
    for _number in range(20):
        only(piece(tmp_path / "x"))
        only(piece(tmp_path, length=1))
    assert os.stat(str(tmp_path / "x")).st_atime == 1
    assert len(os.listdir("/proc/self/fd")) == before
