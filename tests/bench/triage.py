# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a triage of the lab takes, findings included, against ansible's own ping and setup on the same hosts, in one run.

python tests/bench/triage.py [ROUNDS]   Seconds differ between machines and hours; the ratios are what counts.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lab"))

from harness.ansible import Ansible, Done
from incident_lab.fleet import Fleet
from incident_lab.names import Lab

# Every run connects anew, as the first look at a host does; a connection that an earlier run left open would flatter the later one.
CONNECTION = {"ANSIBLE_PIPELINING": "true", "ANSIBLE_SSH_ARGS": "-o ControlMaster=no -o ControlPath=none"}
# Of the time that ping takes; the second is setup's own.
BARS = {"triage without pause": 1.5, "triage with 1 s pause": 2.0}


def main(rounds: int) -> int:
    """Measure, print, and return the exit status."""
    fleet = Fleet(Lab.from_environment())
    fleet.up()
    with tempfile.TemporaryDirectory() as folder:
        ansible = Ansible(Path(folder), fleet.command([]), fleet.lab.inventory)
        seconds = measure(commands(ansible), rounds)
    show(seconds, len(fleet.hosts))
    return 0


def commands(ansible: Ansible) -> dict[str, Callable[[], float]]:
    """What is compared, by name; each returns the seconds it took."""

    def module(name: str) -> Callable[[], float]:
        return lambda: timed(ansible.run("ansible", "all", "-m", name, environment=CONNECTION))

    def triage(pause: float) -> Callable[[], float]:
        options = {"incident_case_dir": str(ansible.folder), "triage_sample_seconds": pause}
        return lambda: timed(ansible.run("ansible-playbook", "incident.response.triage", "-e", json.dumps(options), environment=CONNECTION))

    return {
        "ansible -m ping": module("ansible.builtin.ping"),
        "ansible -m setup": module("ansible.builtin.setup"),
        "triage without pause": triage(0.0),
        "triage with 1 s pause": triage(1.0),
    }


def timed(done: Done) -> float:
    """The seconds of a run that has to have succeeded."""
    if done.status:
        raise SystemExit(f"A run failed, so there is nothing to compare:\n{done.output[-3000:]}")
    return done.seconds


def measure(candidates: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Run all candidates in turn, ``rounds`` times, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(rounds + 1):
        for name, run in candidates.items():
            taken = run()
            if number:
                seconds[name].append(taken)
    return seconds


def show(seconds: dict[str, list[float]], hosts: int) -> None:
    """Print medians, the ratios to ping of the same round, and whether the bars hold."""
    base = seconds["ansible -m ping"]
    print(f"{hosts} hosts, {len(base)} rounds   {'median':>8}   {'of ping':>8}   bar")
    for name, taken in seconds.items():
        ratio = statistics.median(one / other for one, other in zip(taken, base, strict=True))
        limit = BARS.get(name)
        verdict = "" if limit is None else f"{limit} {'held' if ratio <= limit else 'MISSED'}"
        print(f"{name:<24}   {statistics.median(taken):>6.2f} s   {ratio:>7.2f}x   {verdict}")


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
