# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a triage of the lab takes, findings included, against ansible's own ping and setup on the same hosts, in one run.

python tests/bench/triage.py [ROUNDS]   Seconds differ between machines and hours; the ratios are what counts.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lab"))

from harness.ansible import Ansible
from incident_lab.fleet import Fleet
from incident_lab.names import Lab

PIPELINING = {"ANSIBLE_PIPELINING": "true"}
# Of the time that ping takes; the second is setup's own.
BARS = {"triage without pause": 1.5, "triage with 1 s pause": 2.0}


def main(rounds: int) -> int:
    """Measure, print, and return the exit status: 1 when a bar is missed."""
    fleet = Fleet(Lab.from_environment())
    fleet.up()
    with tempfile.TemporaryDirectory() as folder:
        ansible = Ansible(Path(folder), fleet.command([]), fleet.lab.inventory)
        seconds = measure(commands(ansible), rounds)
    return show(seconds, len(fleet.hosts))


def commands(ansible: Ansible) -> dict[str, Callable[[], float]]:
    """What is compared, by name; each returns the seconds it took. All reuse no connection of another."""

    def module(name: str) -> Callable[[], float]:
        return lambda: timed(ansible.run("ansible", "all", "-m", name, environment=PIPELINING))

    def triage(pause: float) -> Callable[[], float]:
        return lambda: timed(ansible.triage("bench", options={"triage_sample_seconds": pause})[0])

    return {
        "ansible -m ping": module("ansible.builtin.ping"),
        "ansible -m setup": module("ansible.builtin.setup"),
        "triage without pause": triage(0.0),
        "triage with 1 s pause": triage(1.0),
    }


def timed(done: object) -> float:
    """The seconds of a run that has to have succeeded."""
    status, output, seconds = (getattr(done, name) for name in ("status", "output", "seconds"))
    if status:
        raise SystemExit(f"A run failed, so there is nothing to compare:\n{output[-3000:]}")
    return float(seconds)


def measure(candidates: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Run all candidates in turn, ``rounds`` times, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(rounds + 1):
        for name, run in candidates.items():
            taken = run()
            if number:
                seconds[name].append(taken)
    return seconds


def show(seconds: dict[str, list[float]], hosts: int) -> int:
    """Print medians and the ratios to ping, round by round; tell whether a bar was missed."""
    base = seconds["ansible -m ping"]
    print(f"{hosts} hosts, {len(base)} rounds   {'median':>8}   {'of ping':>8}   bar")
    missed = 0
    for name, taken in seconds.items():
        ratio = statistics.median(one / other for one, other in zip(taken, base, strict=True))
        limit = BARS.get(name)
        missed += limit is not None and ratio > limit
        verdict = "" if limit is None else f"{limit} {'held' if ratio <= limit else 'MISSED'}"
        print(f"{name:<24}   {statistics.median(taken):>6.2f} s   {ratio:>7.2f}x   {verdict}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
