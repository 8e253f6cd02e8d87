# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second view: agreement on this host, disagreements ruled out as races or not, and a psutil that is no friend."""

import os
import sys
import types
from collections import namedtuple

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import cross_check, procfs
from ansible_collections.incident.response.plugins.module_utils._collect.cross_check import compare
from ansible_collections.incident.response.plugins.module_utils._collect.ports import read_listeners
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target
from ansible_collections.incident.response.plugins.module_utils._schema.processes import CROSS_CHECK, DISAGREEMENT

Address = namedtuple("Address", "ip port")
Connection = namedtuple("Connection", "type status laddr raddr")
LISTENERS = {("tcp", 22), ("udp", 53)}
CONNECTIONS = [
    Connection(1, "LISTEN", Address("0.0.0.0", 22), ()),
    Connection(2, "NONE", Address("0.0.0.0", 53), ()),
    Connection(1, "ESTABLISHED", Address("10.0.0.1", 22), Address("10.0.0.2", 999)),
    Connection(2, "NONE", Address("10.0.0.1", 5353), Address("10.0.0.2", 53)),
    Connection(2, "NONE", (), ()),
]


@pytest.fixture
def second(monkeypatch):
    """A psutil that says what the test wants, one answer a look; the last one stays."""

    def say(pids, connections=(CONNECTIONS,)):
        fake = types.ModuleType("psutil")
        fake.__version__ = "9.9"
        answers = {"pids": list(pids), "connections": list(connections)}

        def next_of(kind):
            return answers[kind].pop(0) if len(answers[kind]) > 1 else answers[kind][0]

        fake.pids = lambda: next_of("pids")
        fake.net_connections = lambda _kind: next_of("connections")
        monkeypatch.setitem(sys.modules, "psutil", fake)
        return fake

    return say


@pytest.fixture
def ours(monkeypatch):
    def say(*pids):
        answers = list(pids)
        monkeypatch.setattr(procfs, "list_pids", lambda _proc: answers.pop(0) if len(answers) > 1 else answers[0])

    return say


def check(listeners=(LISTENERS,)):
    answers = list(listeners)
    record = compare(Target(), lambda: answers.pop(0) if len(answers) > 1 else answers[0])
    assert set(record) == {field.name for field in CROSS_CHECK.fields}
    assert all(set(entry) == {field.name for field in DISAGREEMENT.fields} for entry in record["disagreements"])
    return record


def test_views_that_agree(second, ours):
    second([[1, 2, 3]])
    ours([1, 2, 3])
    record = check()
    assert (record["available"], record["version"], record["compared"], record["disagreements"]) == (True, "9.9", 5, [])


def test_a_process_that_only_one_view_has(second, ours):
    second([[1, 2, 3]])
    ours([1, 2, 4])
    found = {(entry["pid"], entry["seen_by"], entry["missing_from"]) for entry in check()["disagreements"]}
    assert found == {(3, "psutil", "kernel"), (4, "kernel", "psutil")}


@pytest.mark.parametrize(
    "theirs, mine",
    [
        ([[1, 2], [1, 2, 3]], [[1, 2, 3], [1, 2, 3]]),  # started between the looks
        ([[1, 2, 3], [1, 2]], [[1, 2], [1, 2]]),  # ended between them
        ([[1, 2], [1, 2]], [[1, 2, 3], [1, 2]]),  # came and went
        ([[1, 2, 3], [1, 2]], [[1, 2, 4], [1, 2]]),
    ],
)
def test_what_comes_and_goes_is_no_disagreement(second, ours, theirs, mine):
    second(theirs)
    ours(*mine)
    assert check()["disagreements"] == []


def test_a_listener_that_only_one_view_has(second, ours):
    second([[1]])
    ours([1])
    found = [(entry["kind"], entry["entity"], entry["seen_by"]) for entry in check([LISTENERS | {("tcp", 31337)}])["disagreements"]]
    assert found == [("socket", "tcp port 31337", "kernel")]
    found = [(entry["entity"], entry["seen_by"]) for entry in check([{("tcp", 22)}])["disagreements"]]
    assert found == [("udp port 53", "psutil")]
    assert check([{("tcp", 22)}, LISTENERS])["disagreements"] == []


def test_a_host_with_endless_descriptors_is_not_given_to_psutil(second, monkeypatch):
    fake = second([[1]])
    fake.pids = lambda: pytest.fail("psutil would read them all")
    monkeypatch.setattr(cross_check, "_MOST_DESCRIPTORS", 3)
    record = check()
    assert (record["available"], record["disagreements"]) == (False, [])
    assert "more than 3 descriptors" in record["reason"]


def test_no_psutil(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    record = check()
    assert (record["available"], record["version"], record["reason"]) == (False, None, "psutil is not installed on the target")


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(0), OSError(5, "x"), RecursionError()])
def test_a_psutil_that_fails_fails_alone(second, error):
    fake = second([[1]])

    def fail():
        raise error

    fake.pids = fail
    record = check()
    assert (record["available"], record["disagreements"]) == (False, [])
    assert record["reason"] == "psutil of the target failed: %s" % type(error).__name__


def test_a_psutil_that_fails_the_second_time_is_no_view(second, ours):
    """One that started between the first looks would be missing from the second that never was."""
    fake = second([[1, 2]])
    ours([1, 2, 3])
    real, calls = fake.pids, []

    def pids():
        calls.append(1)
        if len(calls) > 1:
            raise OSError(5, "Input/output error")
        return real()

    fake.pids = pids
    record = check()
    assert (record["available"], record["disagreements"]) == (False, [])


def test_both_views_agree_on_this_host(python):
    pytest.importorskip("psutil")
    python("s = socket.socket(); s.bind(('0.0.0.0', 0)); s.listen(1); u = socket.socket(2, 2); u.bind(('127.0.0.1', 0))")
    target = Target()
    record = compare(target, lambda: read_listeners(target))
    assert record["available"] is True
    assert record["disagreements"] == []
    assert record["compared"] >= len(os.listdir("/proc")) // 4
