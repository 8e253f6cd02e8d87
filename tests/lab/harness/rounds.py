# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rounds: all cases of a round are planted on all hosts, one triage looks at the whole fleet, and all is taken away again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from incident_lab.fleet import Fleet
from incident_lab.host import Host

from .ansible import Ansible, Done
from .case_folder import CaseFolder
from .cases import Case
from .planting import Planted, plant, remove

# The hosts of the lab share the processors of one machine: a program that wants a whole one gets a part of it.
SHARED_PROCESSORS = {"triage_cpu_percent": 20}
# What a login gets may have been changed: a connection that is still open from before would not have it.
NEW_LOGINS = {"ansible_ssh_args": "-o ControlMaster=no"}


@dataclass(frozen=True)
class Observed:
    """What a triage said while cases were planted. ``planted`` and ``canaries`` are by host; ``planted`` then by case."""

    run: Done
    case: CaseFolder
    planted: Mapping[str, Mapping[str, Planted]]
    canaries: Mapping[str, bool]


def observe(fleet: Fleet, ansible: Ansible, name: str, cases: Sequence[Case], options: Mapping[str, Any] | None = None) -> Observed:
    """Run a round."""
    canaries: dict[str, bool] = {}
    planted: dict[str, Mapping[str, Planted]] = {}

    def _plant(host: Host) -> None:
        planted[host.name] = plant(host, _for(host, cases))

    def _remove(host: Host) -> None:
        canaries[host.name] = remove(host, _for(host, cases))

    try:
        fleet.mark_dirty()
        fleet.each(_plant)
        run, case = ansible.triage(name, options={**SHARED_PROCESSORS, **NEW_LOGINS, **(options or {})})
    finally:
        fleet.each(_remove)
        fleet.mark_clean()
    assert (case.path / "findings.jsonl").exists(), run.output[-4000:]
    return Observed(run, case, planted, canaries)


@contextmanager
def states(fleet: Fleet, cases: Mapping[str, Sequence[Case]]) -> Iterator[Mapping[str, Mapping[str, Planted]]]:
    """Have cases, by host, planted for a while. Every one of them is there."""
    planted: dict[str, Mapping[str, Planted]] = {}

    def _plant(host: Host) -> None:
        planted[host.name] = plant(host, cases.get(host.name, ()))

    try:
        fleet.mark_dirty()
        fleet.each(_plant)
        missing = {f"{case} on {host}": entry.problem for host, entries in planted.items() for case, entry in entries.items() if entry.problem}
        assert not missing, missing
        yield planted
    finally:
        fleet.each(lambda host: remove(host, cases.get(host.name, ())))
        fleet.mark_clean()


def _for(host: Host, cases: Sequence[Case]) -> list[Case]:
    return [case for case in cases if case.is_for(host.plan.release)]
