# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests: of the right file, within limits, with the access time left alone."""

import hashlib
import os
import subprocess
import sys
import threading
import time

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import hashing
from ansible_collections.incident.response.plugins.module_utils._collect.file_servers import FileServers
from ansible_collections.incident.response.plugins.module_utils._collect.hashing import Digests, Job, digest_all, digest_file

BIG = 1 << 30
SERVERS = FileServers()


def make(path, data=b"content"):
    path.write_bytes(data)
    return str(path), os.stat(str(path))


@pytest.mark.parametrize("data", [b"", b"x", b"x" * ((1 << 20) + 1)])
def test_digests_are_those_of_hashlib(tmp_path, data):
    path, status = make(tmp_path / "x", data)
    found = digest_file(path, status, ["sha256", "md5", "sha1"], BIG)
    assert found == Digests({name: hashlib.new(name, data).hexdigest() for name in ("sha256", "md5", "sha1")})


def test_a_path_that_leads_to_another_file_by_now_gives_none(tmp_path):
    path, status = make(tmp_path / "x")
    os.rename(path, path + "2")
    make(tmp_path / "x", b"another")
    assert digest_file(path, status, ["sha256"], BIG) == Digests({})


def test_a_path_that_is_gone_gives_none(tmp_path):
    path, status = make(tmp_path / "x")
    os.unlink(path)
    assert digest_file(path, status, ["sha256"], BIG) == Digests({})
    assert digest_file("/proc/%d/exe" % 2**30, status, ["sha256"], BIG) == Digests({})


def test_the_next_path_is_tried(tmp_path):
    path, status = make(tmp_path / "x")
    job = Job(["/proc/%d/exe" % 2**30, str(tmp_path / "gone"), os.fsencode(path)], status)
    assert digest_all({7: job}, ["sha256"], BIG, SERVERS) == {7: Digests({"sha256": hashlib.sha256(b"content").hexdigest()})}


def test_a_limit_is_said(tmp_path):
    path, status = make(tmp_path / "x", b"x" * 100)
    assert digest_file(path, status, ["sha256"], 99).error == "is larger than max_file_size: 100 bytes"
    assert digest_file(path, status, ["sha256"], 100).error is None


@pytest.mark.parametrize("kind", ["fifo", "directory", "link to a device"])
def test_what_is_no_file_is_neither_read_nor_waited_for(tmp_path, kind):
    path = str(tmp_path / "x")
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        os.mkdir(path)
    else:
        os.symlink("/dev/zero", path)
    began = time.monotonic()
    found = digest_file(path, os.stat(path), ["sha256"], BIG)
    assert found.error.endswith("not a regular file")
    assert time.monotonic() - began < 1


def test_a_link_is_not_hashed_for_what_it_leads_to(tmp_path):
    secret, _status = make(tmp_path / "secret")
    os.symlink(secret, str(tmp_path / "x"))
    assert digest_file(str(tmp_path / "x"), os.lstat(str(tmp_path / "x")), ["sha256"], BIG) == Digests({})


def test_who_may_not_read_is_told(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    path, status = make(tmp_path / "x")
    os.chmod(path, 0)
    assert digest_file(path, status, ["sha256"], BIG).error == "Permission denied"


def test_a_lease_is_not_waited_for(tmp_path):
    path, status = make(tmp_path / "x")
    code = "import fcntl, signal, sys; signal.signal(signal.SIGIO, signal.SIG_IGN); f = open(sys.argv[1], 'r+b'); "
    code += "fcntl.fcntl(f, fcntl.F_SETLEASE, fcntl.F_WRLCK); print('ready', flush=True); sys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"ready\n"
        began = time.monotonic()
        assert "under a lease" in digest_file(path, status, ["sha256"], BIG).error
        assert time.monotonic() - began < 5
    finally:
        holder.communicate()
    assert digest_file(path, status, ["sha256"], BIG).error is None


def test_the_access_time_is_left_alone(tmp_path):
    path, _status = make(tmp_path / "x")
    os.utime(path, (1, 1000000))
    digest_file(path, os.stat(path), ["sha256"], BIG)
    assert os.stat(path).st_atime == 1


def test_giants_cost_only_themselves(tmp_path, monkeypatch):
    monkeypatch.setattr(hashing, "_MOST_IN_ALL", 250)
    jobs = {}
    for number, size in enumerate((100, 200, 10, 120)):
        path, status = make(tmp_path / str(number), b"x" * size)
        jobs[number] = Job([path], status)
    found = digest_all(jobs, ["sha256"], 200, SERVERS)
    assert sorted(number for number in found if "sha256" in found[number].by_algorithm) == [0, 2, 3]
    assert found[1].error == "no more than 250 bytes are hashed in one run, the smallest files first"


def test_a_file_that_was_allowed_by_name_is_hashed_whatever_the_total(tmp_path, monkeypatch):
    monkeypatch.setattr(hashing, "_MOST_IN_ALL", 10)
    path, status = make(tmp_path / "x", b"x" * 100)
    assert digest_all({0: Job([path], status)}, ["sha256"], 100, SERVERS)[0].error is None


def test_sparse_gigabytes_of_many_files_take_no_time(tmp_path, monkeypatch):
    monkeypatch.setattr(hashing, "_MOST_IN_ALL", 1 << 24)
    jobs = {}
    for number in range(200):
        path = tmp_path / str(number)
        with open(str(path), "wb") as stream:
            stream.truncate(1 << 29)
        jobs[number] = Job([str(path)], os.stat(str(path)))
    began = time.monotonic()
    found = digest_all(jobs, ["sha256"], 1 << 20, SERVERS)
    assert time.monotonic() - began < 2
    assert all("max_file_size" in digests.error for digests in found.values())


def test_fips_hosts_keep_the_other_digests(tmp_path, monkeypatch):
    """OpenSSL in FIPS mode refuses MD5 unless it is said to be no security."""
    real = hashlib.new

    def new(name, *data, **how):
        if name == "md5" and how.get("usedforsecurity", True):
            raise ValueError("disabled for FIPS")
        return real(name, *data)

    monkeypatch.setattr(hashlib, "new", new)
    path, status = make(tmp_path / "x")
    assert set(digest_file(path, status, ["sha256", "md5"], BIG).by_algorithm) == {"sha256", "md5"}

    def older(name, *data):
        if name == "md5":
            raise ValueError("disabled for FIPS")
        return real(name, *data)

    monkeypatch.setattr(hashlib, "new", older)
    assert set(digest_file(path, status, ["sha256", "md5"], BIG).by_algorithm) == {"sha256"}


def test_descriptors_do_not_leak(tmp_path):
    path, status = make(tmp_path / "x")
    before = len(os.listdir("/proc/self/fd"))
    for _number in range(20):
        digest_file(path, status, ["sha256"], BIG)
        digest_file(path, status, ["sha256"], 1)
        digest_file(str(tmp_path), status, ["sha256"], 1)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_file_that_nobody_gives_costs_nothing_but_itself(tmp_path, monkeypatch):
    """A disk that does not answer: its thread is waited for no longer than the time for all files, nor at the end of the run."""
    jobs = {}
    for number in range(6):
        path, status = make(tmp_path / str(number), b"x" * number)
        jobs[number] = Job([path], status)
    real, ended = hashing.digest_file, threading.Event()

    def digest_file(path, *rest):
        if path.endswith("/5"):
            ended.wait(60)
        return real(path, *rest)

    monkeypatch.setattr(hashing, "digest_file", digest_file)
    monkeypatch.setattr(hashing, "_SECONDS_IN_ALL", 0.5)
    began = time.monotonic()
    found = digest_all(jobs, ["sha256"], BIG, SERVERS)
    assert time.monotonic() - began < 10
    assert [number for number in sorted(found) if found[number].error is None] == [0, 1, 2, 3, 4]
    assert found[5].error == "was not hashed within the 0.5 seconds that all files together may take, the smallest first"
    assert all(thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread())
    ended.set()


def never(*_arguments):
    time.sleep(60)


def test_a_file_system_that_does_not_answer_is_named(tmp_path, monkeypatch):
    servers = FileServers()
    servers._exist = True
    monkeypatch.setattr(servers, "_served_by", lambda path: (1, b"nfs4") if path.endswith(b"/silent") else (None, None))
    jobs = {}
    for number, name in enumerate(("silent", "local")):
        path, status = make(tmp_path / name, b"content")
        jobs[number] = Job([path], status)
    monkeypatch.setattr(hashing, "PATIENCE", 0.3)
    monkeypatch.setattr(hashing, "digest_file", _local_or_never)
    found = digest_all(jobs, ["sha256"], BIG, servers)
    assert found[1].by_algorithm == {"sha256": hashlib.sha256(b"content").hexdigest()}
    assert found[0].error.startswith("lies on nfs4, which did not answer within 0.3")


def _local_or_never(path, *rest):
    return never() if path.endswith("silent") else digest_file(path, *rest)


def test_a_job_that_raises_takes_no_other_answer_with_it(tmp_path, monkeypatch):
    path, status = make(tmp_path / "x")
    other, other_status = make(tmp_path / "y")

    def broken(path, *rest):
        if path.endswith("x"):
            raise MemoryError
        return digest_file(path, *rest)

    monkeypatch.setattr(hashing, "digest_file", broken)
    found = digest_all({0: Job([path], status), 1: Job([other], other_status)}, ["sha256"], BIG, SERVERS)
    assert found[0].error.startswith("MemoryError")
    assert found[1].error is None
