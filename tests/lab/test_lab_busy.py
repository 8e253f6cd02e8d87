# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts on which thousands of processes are born and die while they are looked at: no error, no ghost, no finding comes of that alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from harness.ansible import Ansible
from harness.case_folder import CaseFolder
from harness.cases import LEVELS, Case, Expectation
from harness.rounds import SHARED_PROCESSORS, states
from incident_lab.fleet import Fleet
from incident_lab.names import DEFAULT_HOSTS
from test_lab_second_view import oracle_of, processes_agree, sockets_agree

pytestmark = pytest.mark.host_only

_HOSTS = [text.partition(":")[0] for text in DEFAULT_HOSTS]
_ENOUGH = 1000
_CALLS = 2
# Keeps fifty children alive for up to a fifth of a second each, threads and sockets among them, and writes down how many have died.
_STORM = r"""
import os
import random
import socket
import sys
import threading
import time

alive, died = set(), 0
while True:
    while len(alive) < 50:
        pid = os.fork()
        if pid:
            alive.add(pid)
            continue
        kind = random.randrange(4)
        if kind == 0:
            os.execv("/bin/sleep", ["sleep", "0.1"])
        if kind == 1:
            threading.Thread(target=time.sleep, args=(0.1,)).start()
        if kind == 2:
            held = socket.socket(); held.bind(("127.0.0.1", 0)); held.listen(1)
        time.sleep(random.random() / 5)
        os._exit(0)
    pid, _status = os.wait()
    alive.discard(pid)
    died += 1
    if died % 50 == 0:
        with open(sys.argv[1] + ".new", "w") as stream:
            stream.write(str(died))
        os.rename(sys.argv[1] + ".new", sys.argv[1])
"""
_CASE = Case(
    id="storm",
    title="Processes that are born and die",
    round="busy",
    setup=f'cat >"$HERE/storm.py" <<\'END\'\n{_STORM}\nEND\nstart pid /usr/bin/python3 "$HERE/storm.py" "$HERE/died"\n',
    verify='test -s "$HERE/died"',
    expect=Expectation(),
)
_DIED = "/run/incident-lab/storm/died"


@pytest.fixture(scope="module")
def storm(fleet: Fleet) -> Iterator[dict[str, int]]:
    """The pid of the storm on each host."""
    with states(fleet, {host: [_CASE] for host in _HOSTS}) as planted:
        yield {host: int(planted[host]["storm"].notes["pid"]) for host in _HOSTS}


def _died(fleet: Fleet, host: str) -> int:
    return int(fleet.host(host).run(["cat", _DIED]).stdout)


@pytest.fixture(scope="module")
def judged(fleet: Fleet, session_ansible: Ansible, storm: dict[str, int]) -> CaseFolder:
    """A triage in the storm. At least a thousand processes died on every host while it ran."""
    assert storm
    before = {host: _died(fleet, host) for host in _HOSTS}
    done, case = session_ansible.triage("busy", options=SHARED_PROCESSORS)
    assert done.status == 0, done.output[-3000:]
    assert {host: _died(fleet, host) - before[host] >= _ENOUGH for host in _HOSTS} == dict.fromkeys(_HOSTS, True)
    return case


def _not_clean(section: str, body: dict[str, Any]) -> list[str]:
    found = [f"{section}: {error}" for error in body["errors"]]
    return found + [f"{section}: {limit}" for limit in body["limits"]]


def test_triage_in_a_storm(judged: CaseFolder, storm: dict[str, int]) -> None:
    """No section has an error or was cut, nothing is hidden, no view differs, and what stays is there."""
    for host in _HOSTS:
        sections = judged.facts(host)["sections"]
        assert not [problem for name, body in sections.items() for problem in _not_clean(name, body)]
        processes = sections["processes"]
        assert processes["hidden"] == processes["threads"] == processes["cross_check"]["disagreements"] == []
        pids = [record["pid"] for record in processes["items"]]
        assert len(pids) == len(set(pids))
        assert {1, storm[host]} <= set(pids)


def test_no_finding_comes_of_a_storm(judged: CaseFolder) -> None:
    """Processes that come and go are nothing bad."""
    loud = [(finding["host"], finding["title"], finding["reasons"]) for finding in judged.findings if LEVELS.index(finding["level"]) > 1]
    assert not loud


@pytest.mark.parametrize("module", ["process_facts", "port_facts", "executable_facts", "session_facts"])
def test_modules_in_a_storm(ansible: Ansible, storm: dict[str, int], module: str) -> None:
    """Called again and again, by hand."""
    for _call in range(_CALLS):
        for host, facts in ansible.facts("lab", module, {"sample_seconds": 0.2} if module == "process_facts" else {}).items():
            (body,) = facts.values()
            assert not _not_clean(host, body)
            assert body.get("hidden", []) == []
    assert storm


def test_psutil_in_a_storm(fleet: Fleet, ansible: Ansible, storm: dict[str, int]) -> None:
    """What psutil saw before and after, unchanged, is what we saw."""
    look = oracle_of(fleet.host("d12"))
    assert processes_agree(look, lambda: ansible.facts("d12", "process_facts", {"sample_seconds": 0})["d12"]) > 1
    assert sockets_agree(look, lambda: ansible.facts("d12", "port_facts")["d12"]) >= 1
    assert str(storm["d12"]) in json.loads(json.dumps(look()))["processes"]
