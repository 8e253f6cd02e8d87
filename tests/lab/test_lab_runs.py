# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the playbook: strategies, lost hosts, accounts, no inventory, hostile names, two runs at once."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from harness.ansible import Ansible
from harness.cases import load_cases
from harness.declared import case_departures
from harness.planting import CANARY
from harness.rounds import states
from incident_lab.fleet import Fleet

_GONE = "192.0.2.250"
_QUICK = {"triage_sample_seconds": 0}


def _with_lost_host(fleet: Fleet, folder: Path) -> Path:
    path = folder / "inventory.ini"
    path.write_text(fleet.lab.inventory.read_text(encoding="utf-8") + f"gone ansible_host={_GONE}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("strategy", ["linear", "free", "host_pinned"])
def test_lost_host_is_named(fleet: Fleet, ansible: Ansible, tmp_path: Path, strategy: str) -> None:
    """A host that cannot be reached costs the others nothing, is recorded and named, and makes the run fail at its end."""
    done, case = ansible.triage("lost", "-f", "50", inventory=_with_lost_host(fleet, tmp_path), options={**_QUICK, "incident_strategy": strategy})
    names = [host.name for host in fleet.hosts]
    assert done.status != 0
    assert sorted(case.head["reached"]) == names
    assert case.head["unreachable"] == ["gone"]
    assert case.summary["hosts"]["gone"]["status"] == "unreachable"
    assert case.summary["totals"]["hosts"] == len(names) + 1
    assert "gone: unreachable" in done.output
    assert not case_departures(case)
    assert all(case.facts(name)["sections"]["processes"]["items"] for name in names)
    case.verify()


def test_plain_account_with_become(ansible: Ansible, fleet: Fleet) -> None:
    """An account with sudo sees what root sees, and its own sudo is known for what it is."""
    done, case = ansible.triage("become", "-b", options={**_QUICK, "ansible_user": "deploy"})
    assert done.status == 0, done.output[-3000:]
    for host in fleet.hosts:
        facts = case.facts(host.name)["sections"]
        assert facts["processes"]["host"]["is_root"] is True
        assert any(event["user"] == "deploy" and event["is_configuration_management"] for event in facts["history"]["sudo_events"])
        assert any(process["is_own"] for process in facts["processes"]["items"])
    assert not [finding for finding in case.findings if finding["level"] not in ("info", "low")]


def test_plain_account_alone(ansible: Ansible, fleet: Fleet) -> None:
    """Without root there is what can be read, and it is said what could not."""
    done, case = ansible.triage("plain", options={**_QUICK, "ansible_user": "deploy"})
    assert done.status == 0, done.output[-3000:]
    assert f"NOT ROOT  {', '.join(host.name for host in fleet.hosts)}" in done.output
    for host in fleet.hosts:
        facts = case.facts(host.name)["sections"]
        assert facts["processes"]["host"]["is_root"] is False
        assert any(process["pid"] == 1 for process in facts["processes"]["items"])
        assert any("ermission" in error["reason"] for error in facts["processes"]["errors"])


def test_this_machine_without_inventory(tmp_path: Path) -> None:
    """With nothing but the collection, the machine itself is looked at; its kernel threads are no imitations."""
    done, case = Ansible(tmp_path).triage("here", options=_QUICK)
    assert done.status == 0, done.output[-3000:]
    assert case.hosts == {"localhost"}
    threads = {process["pid"] for process in case.facts("localhost")["sections"]["processes"]["items"] if process["is_kernel_thread"]}
    assert not [finding for finding in case.findings if finding["entity"].get("pid") in threads]
    case.verify()


def test_names_stay_in_the_case(fleet: Fleet, ansible: Ansible, tmp_path: Path) -> None:
    """An inventory name may be a path, a template, or have blanks: it becomes one folder of the case, and nothing else."""
    names = ["../../x", "/etc/y", "{{ lookup('pipe', 'touch " + CANARY + "') }}", "two words", "-e", "ünïcode"]
    connection = {
        "ansible_host": fleet.hosts[0].plan.address,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(fleet.lab.key),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={fleet.lab.known_hosts} -o StrictHostKeyChecking=yes",
        "ansible_control_path_dir": str(fleet.lab.control_folder),
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    inventory = tmp_path / "names.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": dict.fromkeys(names, connection)}}, allow_unicode=True), encoding="utf-8")
    before = {path.name for path in tmp_path.iterdir()} | {"ansible.cfg", ".ansible", "cases"}
    _done, case = ansible.triage("names", inventory=inventory, options=_QUICK)
    assert {path.name for path in tmp_path.iterdir()} <= before
    assert [path.name for path in (tmp_path / "cases").iterdir()] == ["names"]
    assert set(case.summary["hosts"]) == set(names)
    assert len(case.hosts) == len(names)
    assert all("/" not in folder and not folder.startswith(".") for folder in case.hosts)
    assert not Path(CANARY).exists()
    case.verify()


def test_two_runs_into_one_case(ansible: Ansible, fleet: Fleet) -> None:
    """Nothing that one of them found is lost to the other."""
    variables = json.dumps({"incident_case_dir": str(ansible.folder / "cases"), "incident_case": "shared", **_QUICK})
    runs = [
        subprocess.Popen(
            ansible.command("ansible-playbook", "incident.response.triage", "-e", variables, "-l", limit),
            env=ansible.environment({"ANSIBLE_SSH_ARGS": "-o ControlMaster=no -o ControlPath=none"}),  # two operators share no connection
            cwd=ansible.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for limit in ("d11,d12", "d12,d13")
    ]
    outputs = [run.communicate(timeout=120)[0].decode() for run in runs]
    assert [run.returncode for run in runs] == [0, 0], "\n".join(output[-3000:] for output in outputs)
    case = ansible.case("shared")
    assert len(case.head["runs"]) == 2
    assert case.hosts == {host.name for host in fleet.hosts}
    attempts = case.attempts("d12")
    assert [attempt["status"] for attempt in attempts] == ["reached", "reached"]
    assert len({attempt["run"] for attempt in attempts}) == 2
    assert {attempt["facts"] for attempt in attempts} == {"facts.json.gz", "facts-1.json.gz"}
    assert {f"hosts/d12/{attempt['facts']}" for attempt in attempts} <= case.files()
    assert sorted(case.head["reached"]) == sorted(case.hosts)
    case.verify()


def test_compromises_are_the_top_findings(ansible: Ansible, fleet: Fleet) -> None:
    """Three hosts, three compromises: they are what a tired person reads first."""
    chosen = {"d11": "deleted-in-temp", "d12": "memfd", "d13": "reverse-shell"}
    rules = {"d11": "deleted_executable", "d12": "memfd_executable", "d13": "shell_with_socket"}
    known = {case.id: case for case in load_cases()}
    with states(fleet, {host: [known[case]] for host, case in chosen.items()}) as planted:
        done, case = ansible.triage("top")
    top = case.findings[:3]
    assert {finding["host"]: finding["rule"] for finding in top} == rules
    assert all(finding["level"] in ("high", "critical") for finding in top)
    for finding in top:
        assert finding["entity"]["pid"] == planted[finding["host"]][chosen[finding["host"]]].notes["pid"]
        assert finding["next_step"] in done.output
    shown = done.output[done.output.index("TOP FINDINGS") :] if "TOP FINDINGS" in done.output else done.output[done.output.index("TOP ") :]
    assert all(finding["title"] in " ".join(shown.split()) for finding in top)


def test_returned_facts(ansible: Ansible, fleet: Fleet) -> None:
    """Facts go to the case alone, unless they are asked for."""
    arguments = {"case_dir": str(ansible.folder / "cases"), "case": "facts", "sample_seconds": 0}
    kept = ansible.module("d12", "incident.response.triage_facts", arguments)["d12"]
    assert list(kept["ansible_facts"]) == ["incident_triage"]
    returned = ansible.module("d12", "incident.response.triage_facts", {**arguments, "return_facts": True})["d12"]
    assert returned["ansible_facts"]["incident_processes"]["items"]
    assert set(returned["ansible_facts"]) == {
        "incident_triage",
        "incident_sessions",
        "incident_processes",
        "incident_ports",
        "incident_history",
        "incident_executables",
    }
    assert fleet.host("d12").is_healthy()
