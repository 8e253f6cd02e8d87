# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host as a whole."""

import os

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect.host_load import read_host
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target
from ansible_collections.incident.response.plugins.module_utils._schema.processes import HOST


def record(pid, **usage):
    return dict({"pid": pid, "cpu_percent": None, "rss": 0, "read_rate": None, "write_rate": None, "connections": None}, **usage)


def test_this_host():
    host = read_host(Target(), [], 1.0)
    assert set(host) == {field.name for field in HOST.fields}
    assert (host["kernel"], host["hostname"], host["processors"]) == (os.uname().release, os.uname().nodename, os.cpu_count())
    assert host["is_root"] is (os.geteuid() == 0)
    assert host["processes"] >= 2


def test_psutil_says_the_same():
    psutil = pytest.importorskip("psutil")
    host, memory = read_host(Target(), [], 1.0), psutil.virtual_memory()
    assert (host["memory_total"], host["swap_total"]) == (memory.total, psutil.swap_memory().total)
    assert abs(host["memory_available"] - memory.available) < 1 << 30
    assert float(host["load"][0]) == pytest.approx(os.getloadavg()[0], abs=1.0)


def test_the_busiest_come_first_and_the_idle_not_at_all():
    busy = [record(1, cpu_percent=0.0), record(2, cpu_percent=5.0, rss=7), record(3, cpu_percent=99.0, read_rate=1.0, write_rate=2.0)]
    busy += [record(pid, rss=pid) for pid in range(10, 40)]
    host = read_host(Target(), busy, 1.0)
    assert host["top_cpu"] == [3, 2]
    assert host["top_memory"] == list(range(39, 29, -1))
    assert host["top_disk"] == [3]
    assert host["top_connections"] == []
    assert read_host(Target(), [record(1, connections=3), record(2, connections=0), record(3, connections=7)], 1.0)["top_connections"] == [3, 1]


def test_a_host_with_nothing_to_read(tree):
    (tree.proc / "stat").unlink()
    host = read_host(tree.target(), [], 0.0)
    assert [host[name] for name in ("load", "memory_total", "swap_free", "distribution")] == [None] * 4
    assert host["booted_at"]  # by the kernel's clock
    assert host["processes"] == 0


def test_files_of_a_host(tree):
    (tree.proc / "meminfo").write_text("MemTotal:  100 kB\nMemAvailable: 50 kB\nHugePages_Total: 3\nSwapTotal: 0 kB\n")
    (tree.proc / "loadavg").write_text("0.10 0.05 0.01 1/100 4242\n")
    tree.file("/usr/lib/os-release", b'NAME="x"\nPRETTY_NAME="Debian GNU/Linux 12 (\xff)"\n')
    host = read_host(tree.target(), [], 1.23456)
    assert (host["memory_total"], host["memory_available"], host["swap_total"], host["swap_free"]) == (102400, 51200, 0, None)
    assert host["load"] == ["0.10", "0.05", "0.01"]
    assert host["distribution"] == "Debian GNU/Linux 12 (\\xff)"
    assert host["sample_seconds"] == 1.235


def test_a_link_for_os_release_is_not_followed(tree):
    secret = tree.file("/etc/shadow", b"PRETTY_NAME=secret\n")
    (tree.root / "usr" / "lib").mkdir(parents=True)
    (tree.root / "usr" / "lib" / "os-release").symlink_to(secret)
    assert read_host(tree.target(), [], 1.0)["distribution"] is None
