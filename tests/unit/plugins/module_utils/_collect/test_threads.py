# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads that are not what their process is."""

import os

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import threads
from ansible_collections.incident.response.plugins.module_utils._collect.section import SectionBuilder
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target

# Past libc, which gives all threads of a process the same owner.
_OTHER = """
import ctypes
libc = ctypes.CDLL(None)
def other():
    %s
    open("/proc/thread-self/comm", "wb", 0).write(b"odd one")
    print("ready", flush=True)
    time.sleep(99)
threading.Thread(target=time.sleep, args=(99,), daemon=True).start()
threading.Thread(target=other, daemon=True).start()
"""
_SETRESUID = {"x86_64": 117, "aarch64": 147}.get(os.uname().machine)


def find(pid):
    builder = SectionBuilder(10)
    threads.find_odd_threads(Target(), builder)
    section = builder.finish()
    return [record for record in section["threads"] if record["pid"] == pid], section


def test_threads_that_are_like_their_process_are_not_listed(python):
    child = python("[threading.Thread(target=time.sleep, args=(99,), daemon=True).start() for _number in range(20)]")
    assert find(child.pid)[0] == []


@pytest.mark.skipif(_SETRESUID is None, reason="the number of the system call is not known here")
def test_a_thread_of_another_owner(as_root, python):
    child = python(_OTHER % "assert libc.syscall(%d, 1234, 1234, 0) == 0" % _SETRESUID, said=True)
    (record,) = find(child.pid)[0]
    assert (record["uid"], record["euid"], record["name"], record["differs"]) == (1234, 1234, "odd one", ["owner"])
    assert record["tid"] != child.pid


def test_a_thread_in_a_network_of_its_own(as_root, python):
    child = python(_OTHER % "assert libc.unshare(0x40000000) == 0", said=True)
    (record,) = find(child.pid)[0]
    assert record["differs"] == ["net"]
    assert record["network_namespace"] == os.stat("/proc/%d/task/%d/ns/net" % (child.pid, record["tid"])).st_ino != os.stat("/proc/self/ns/net").st_ino


def test_the_time_that_it_may_take_is_kept_and_said(python, monkeypatch):
    python("threading.Thread(target=time.sleep, args=(99,), daemon=True).start()")
    monkeypatch.setattr(threads, "_SECONDS", -1.0)
    (limit,) = find(0)[1]["limits"]
    assert (limit["what"], limit["limit"]) == ("processes whose threads were looked at", 0)
    assert limit["total"] >= 1
