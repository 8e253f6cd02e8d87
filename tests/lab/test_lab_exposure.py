# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is called exposed is what packets from another host get to, and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from harness.ansible import Ansible
from harness.cases import load_cases
from harness.rounds import states
from incident_lab.fleet import Fleet
from incident_lab.names import HostPlan

pytestmark = pytest.mark.host_only

# Tries ways to listeners, each [name, protocol, address, port], all at once; prints the names of those that answered.
_PROBE = r"""
import concurrent.futures, json, socket, sys
def answers(way):
    name, protocol, address, port = way
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as link:
        link.settimeout(2)
        try:
            link.connect((address, port))
            if protocol == "udp":
                link.send(b"x")
                link.recv(9)
        except OSError:
            return None
    return name
with concurrent.futures.ThreadPoolExecutor(64) as pool:
    print(json.dumps(sorted(filter(None, pool.map(answers, json.load(sys.stdin))))))
"""
_FIRST, _LAST = 47310, 47330
_LED = re.compile(r"port (\d+) of this host is led to it")
_FEWEST = 12


def _ways(plan: HostPlan, record: dict[str, Any]) -> list[list[Any]]:
    addresses = [plan.address, plan.address6] if record["is_dual_stack"] else [plan.address if record["family"] == "ipv4" else plan.address6]
    led = _LED.search(record["exposed_reason"])
    port = int(led.group(1)) if led else record["local_port"]
    return [[f"{plan.name} {record['protocol']} {record['local_port']}", record["protocol"], address, port] for address in addresses]


def _is_for_us(record: dict[str, Any]) -> bool:
    """Whether the controller is among those that a listener is open for."""
    return record["exposed"] is True and ("only" not in record["exposed_reason"] or "192.0.2." in record["exposed_reason"])


def test_exposed_is_what_another_host_reaches(fleet: Fleet, ansible: Ansible) -> None:
    """Every listener behind the filters of the cases is tried from the controller's side."""
    cases = [case for case in load_cases() if case.id.startswith(("filter-", "listener-on-an-interface"))]
    ways: list[list[Any]] = []
    said: set[str] = set()
    with states(fleet, {host.name: cases for host in fleet.hosts}):
        facts = ansible.facts("lab", "port_facts", {"protocol": ["tcp", "udp"], "ports": [f"{_FIRST}-{_LAST}"]})
        for host in fleet.hosts:
            for record in facts[host.name]["incident_ports"]["items"]:
                # Where packets are led elsewhere somebody else answers.
                if record["is_listener"] and record["exposed"] is not None and "leads it elsewhere" not in record["exposed_reason"]:
                    ways += _ways(host.plan, record)
                    said |= {ways[-1][0]} if _is_for_us(record) else set()
        done = subprocess.run(fleet.command([sys.executable, "-c", _PROBE]), input=json.dumps(ways), capture_output=True, text=True, timeout=120, check=True)
    assert len({way[0] for way in ways}) >= _FEWEST * len(fleet.hosts)
    assert set(json.loads(done.stdout)) == said
