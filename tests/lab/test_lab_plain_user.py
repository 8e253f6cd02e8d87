# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each module as an account that is nobody special: what can be read, and a clear word about the rest."""

from __future__ import annotations

from typing import Any

import pytest
from harness.ansible import Ansible
from harness.declared import section_departures
from incident_lab.fleet import Fleet

_MODULES: list[tuple[str, str, dict[str, Any]]] = [
    ("session_facts", "sessions", {}),
    ("process_facts", "processes", {"sample_seconds": 0, "open_files": True}),
    ("port_facts", "ports", {}),
    ("history_facts", "history", {}),
    ("executable_facts", "executables", {}),
]
_MOST_ERRORS = 8


@pytest.mark.parametrize(("module", "section", "arguments"), _MODULES)
def test_module(fleet: Fleet, ansible: Ansible, module: str, section: str, arguments: dict[str, Any]) -> None:
    """Errors are counted by cause, not by process; records are as declared. The same in check mode."""
    for words in ((), ("--check",)):
        results = ansible.module("lab", f"incident.response.{module}", arguments, "-e", "ansible_user=deploy", *words)
        assert sorted(results) == [host.name for host in fleet.hosts]
        for host, result in results.items():
            assert result["changed"] is False
            body = result["ansible_facts"][f"incident_{section}"]
            assert not section_departures(section, body)
            assert not [error for error in body["errors"] if error["what"] == "section"], host
            assert 0 < len(body["errors"]) <= _MOST_ERRORS, body["errors"]
            assert all(error["reason"] for error in body["errors"])


def test_it_is_said(ansible: Ansible) -> None:
    """A warning for the operator, not only errors among the facts."""
    done = ansible.run("ansible", "lab", "-m", "incident.response.port_facts", "-e", "ansible_user=deploy")
    assert "incident_ports was read without the rights of root" in " ".join(done.output.split())


def test_processes_are_all_there(ansible: Ansible, fleet: Fleet) -> None:
    """Every process of the host is listed with what anybody may know of it, and nobody is accused."""
    facts = ansible.module("lab", "incident.response.process_facts", {"sample_seconds": 0}, "-e", "ansible_user=deploy")
    for host in fleet.hosts:
        body = facts[host.name]["ansible_facts"]["incident_processes"]
        first = next(record for record in body["items"] if record["pid"] == 1)
        assert (first["name"], first["user"], first["exe_state"], first["connections"]) == ("systemd", "root", "unreadable", None)
        assert first["unit"] == "init.scope"
        assert body["hidden"] == body["threads"] == []
        assert body["host"]["is_root"] is False
