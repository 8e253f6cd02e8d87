# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each module called by hand, as an operator does."""

from __future__ import annotations

from typing import Any

import pytest
from harness.ansible import Ansible
from harness.declared import section_departures
from incident_lab.fleet import Fleet

_MODULES: list[tuple[str, str, dict[str, Any]]] = [
    ("session_facts", "sessions", {}),
    ("process_facts", "processes", {"sample_seconds": 0}),
    ("port_facts", "ports", {}),
    ("history_facts", "history", {}),
    ("executable_facts", "executables", {}),
]


@pytest.mark.parametrize(("module", "section", "arguments"), _MODULES)
def test_module_alone(fleet: Fleet, ansible: Ansible, module: str, section: str, arguments: dict[str, Any]) -> None:
    """Every host answers, in check mode too, with one fact as declared and no change."""
    for words in ((), ("--check",)):
        results = ansible.module("lab", f"incident.response.{module}", arguments, *words)
        assert sorted(results) == [host.name for host in fleet.hosts]
        for host, result in results.items():
            assert result["changed"] is False
            assert list(result["ansible_facts"]) == [f"incident_{section}"], host
            body = result["ansible_facts"][f"incident_{section}"]
            assert not section_departures(section, body)
            assert body["truncated"] is False
            assert body["items"] or section in ("sessions", "history"), host


def test_exposed_ports(ansible: Ansible) -> None:
    """Of a fresh host, ssh alone can be reached by others."""
    items = ansible.facts("lab", "port_facts", {"exposed": True})["d12"]["incident_ports"]["items"]
    assert {(item["protocol"], item["local_port"], item["process"]) for item in items} == {("tcp", 22, "sshd")}
    assert {item["family"] for item in items} == {"ipv4", "ipv6"}


def test_chosen_processes(ansible: Ansible) -> None:
    """Options choose; what was not asked for is not there."""
    facts = ansible.facts("d12", "process_facts", {"pids": [1], "sample_seconds": 0})["d12"]
    assert [item["pid"] for item in facts["incident_processes"]["items"]] == [1]
    facts = ansible.facts("d12", "executable_facts", {"pids": [1]})["d12"]
    (executable,) = facts["incident_executables"]["items"]
    assert 1 in executable["pids"]
    assert executable["path"] == "/usr/lib/systemd/systemd" or executable["path"] == "/lib/systemd/systemd"
    assert executable["package"] == "systemd"
    assert executable["package_state"] == "unchanged"


def test_subset(ansible: Ansible) -> None:
    """A triage of two sections returns two facts."""
    facts = ansible.facts("d13", "triage_facts", {"gather_subset": ["ports", "sessions"]})["d13"]
    assert sorted(facts) == ["incident_ports", "incident_sessions"]


def test_wrong_option_says_so(ansible: Ansible) -> None:
    """A section that does not exist is named, and nothing is read."""
    result = ansible.module("d13", "incident.response.triage_facts", {"gather_subset": ["prots"]})["d13"]
    assert "ansible_facts" not in result
    assert "Nothing was read" in result["msg"] and "prots" in result["msg"]


def test_gathered_as_facts(ansible: Ansible) -> None:
    """The modules work where Ansible gathers facts."""
    play = ansible.folder / "gather.yml"
    play.write_text(
        # In parallel, Ansible runs them in the background, and takes what it left on the hosts away later.
        "- hosts: lab\n  gather_facts: true\n  module_defaults:\n    ansible.builtin.gather_facts:\n      parallel: false\n  vars:\n"
        f"    ansible_facts_modules: [{', '.join(f'incident.response.{module}' for module, _section, _arguments in _MODULES)}]\n"
        "  tasks:\n    - ansible.builtin.assert:\n        that:\n"
        + "".join(f"          - ansible_facts.incident_{section}['items'] is defined\n" for _module, section, _arguments in _MODULES)
        + "          - ansible_facts.incident_ports['items'] | length > 0\n",
        encoding="utf-8",
    )
    done = ansible.run("ansible-playbook", str(play))
    assert done.status == 0, done.output[-3000:]
