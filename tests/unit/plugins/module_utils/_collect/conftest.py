# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts made of files, and live children of the tests: where a real kernel can answer, it is asked."""

import os
import random
import select
import subprocess
import sys

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import procfs
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target

BOOT = 1700000000
SLEEP = os.path.realpath("/bin/sleep")


class Tree:
    """A host as files: processes under ``proc``, everything else under ``root``."""

    def __init__(self, path):
        self.root, self.proc = path / "root", path / "proc"
        for folder in (self.root, self.proc):
            folder.mkdir()
        (self.proc / "stat").write_text("btime %d\n" % BOOT)

    def target(self):
        return Target(str(self.root), str(self.proc))

    def file(self, path, data=b"", mode=0o644):
        """A file of the host; ``path`` as the host sees it."""
        place = self.root / path.lstrip("/")
        if not place.parent.is_dir():
            place.parent.mkdir(parents=True)
        place.write_bytes(data)
        place.chmod(mode)
        return place

    def process(self, pid, **about):
        """A process; ``about`` has comm, ppid, sid, flags, state, threads, start, says (the pid that its stat says), status, argv, environ, links."""
        folder = self.proc / str(pid)
        (folder / "fd").mkdir(parents=True)
        comm = about.get("comm", b"sleep")
        sid = about.get("sid", pid)
        fields = [about.get("state", "S"), about.get("ppid", 1), pid, sid, 0, -1, about.get("flags", 4194560)]
        fields += [0, 0, 0, 0, 7, 3, 0, 0, 20, 0, about.get("threads", 1), 0, about.get("start", 1000), 1, 5, 0]
        (folder / "stat").write_bytes(b"%d (%s) %s\n" % (about.get("says", pid), comm, " ".join(map(str, fields)).encode()))
        status = about.get("status", "Uid:\t1001\t1001\t1001\t1001\nGid:\t1001\t1001\t1001\t1001\n")
        (folder / "status").write_text("Name:\tx\nTgid:\t%d\n%s" % (pid, status))
        (folder / "cmdline").write_bytes(b"".join(part + b"\0" for part in about.get("argv", [b"sleep", b"9"])))
        (folder / "environ").write_bytes(b"".join(part + b"\0" for part in about.get("environ", [])))
        (folder / "cgroup").write_text("0::/system.slice/some.service\n")
        for name, text in about.get("links", {}).items():
            os.symlink(text, str(folder / name))
        return folder


@pytest.fixture
def own_pid(monkeypatch):
    """The pid that this process has in a tree of files: one that no test gives to another (above PID_MAX_LIMIT, proc(5))."""
    monkeypatch.setattr(os, "getpid", lambda: 5000000)
    return os.getpid()


@pytest.fixture
def tree(tmp_path, own_pid):
    return Tree(tmp_path)


@pytest.fixture
def spawn():
    """Start a child that ends with the test; ``wait`` waits until it has written a line."""
    children = []

    def start(argv, wait=False, **how):
        child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **how)
        children.append(child)
        if wait:
            ready, _to_write, _failed = select.select([child.stdout], [], [], 30)
            assert ready, "the child said nothing"
            child.line = child.stdout.readline().decode().strip()
            assert child.line, "the child did not say that it is ready"
        return child

    yield start
    for child in children:
        child.kill()
        child.stdin.close()
        child.stdout.close()
        child.wait()


@pytest.fixture
def python(spawn):
    """Start a child that runs code, then says ``ready`` (or what the code prints), and waits."""

    def start(code, before=(), said=False, **how):
        end = "" if said else "\nprint('ready', flush=True)"
        whole = "import os, socket, sys, threading, time\n" + code + end + "\nsys.stdin.read()"
        return spawn(list(before) + [sys.executable, "-I", "-S", "-c", whole], wait=True, **how)

    return start


@pytest.fixture
def stat_of():
    return lambda pid: procfs.read_stat("/proc", pid)


@pytest.fixture
def run_elsewhere():
    """Run code in namespaces of its own (options of unshare(1)) and give back what it prints; skip where that is not allowed."""

    def run(options, code):
        if subprocess.call(["unshare"] + options + ["true"], stderr=subprocess.DEVNULL) != 0:
            pytest.skip("namespaces may not be made here: unshare %s" % " ".join(options))
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
        return subprocess.check_output(["unshare"] + options + [sys.executable, "-c", code], env=environment, timeout=60).decode()

    return run


@pytest.fixture
def as_root():
    if os.geteuid() != 0:
        pytest.skip("needs root")


@pytest.fixture
def noise():
    """Bytes without a meaning, the same in every run: truly random ones are a valid record once in some thousand runs."""
    return lambda length: random.Random(7).getrandbits(8 * length).to_bytes(length, "big")
