# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A triage of the lab, findings included, against ansible's own ping and setup on the same hosts, in one run."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.ansible import Ansible, Done
from incident_lab.fleet import Fleet
from incident_lab.names import Lab

from .figures import Figure

# Every run connects anew, as the first look at a host does; a connection that an earlier run left open would flatter the later one.
CONNECTION = {"ANSIBLE_PIPELINING": "true", "ANSIBLE_SSH_ARGS": "-o ControlMaster=no -o ControlPath=none"}
_PING = "ansible -m ping"
# Of the time that ping takes in the same round.
_BARS = {"triage without pause": 1.5, "triage with 1 s pause": 2.0}


def figures(folder: Path, rounds: int) -> Iterator[Figure]:
    """The median of the ratios to ping; the round that does not count starts what is started once."""
    fleet = Fleet(Lab.from_environment())
    fleet.up()
    seconds = _measure(_commands(Ansible(folder, fleet.command([]), fleet.lab.inventory)), rounds)
    base = seconds[_PING]
    for name, taken in seconds.items():
        ratio = statistics.median(one / other for one, other in zip(taken, base, strict=True))
        note = f"median {statistics.median(taken):.2f} s, quickest {min(taken):.2f} s; {len(fleet.hosts)} hosts, {rounds} rounds"
        yield Figure(f"{name}, of ping", ratio, "x", _BARS.get(name), note)


def _commands(ansible: Ansible) -> dict[str, Callable[[], float]]:
    """What is compared, by name; each returns the seconds it took."""

    def module(name: str) -> Callable[[], float]:
        return lambda: timed(ansible.run("ansible", "all", "-m", name, environment=CONNECTION))

    def triage(pause: float) -> Callable[[], float]:
        options = {"incident_case_dir": str(ansible.folder), "triage_sample_seconds": pause}
        return lambda: timed(ansible.run("ansible-playbook", "incident.response.triage", "-e", json.dumps(options), environment=CONNECTION))

    return {
        _PING: module("ansible.builtin.ping"),
        "ansible -m setup": module("ansible.builtin.setup"),
        "triage without pause": triage(0.0),
        "triage with 1 s pause": triage(1.0),
    }


def timed(done: Done) -> float:
    """The seconds of a run that has to have succeeded."""
    if done.status:
        raise SystemExit(f"A run failed, so there is nothing to compare:\n{done.output[-3000:]}")
    return done.seconds


def _measure(candidates: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Run all candidates in turn, so that what else the machine does meets all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(rounds + 1):
        for name, run in candidates.items():
            taken = run()
            if number:
                seconds[name].append(taken)
    return seconds
