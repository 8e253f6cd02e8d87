# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for a whole round: its facts are as declared, clean hosts are quiet, and nothing that was planted was run."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
from harness.cases import LEVELS, load_cases
from harness.declared import case_departures, departures, finding_departures
from harness.planting import CANARY
from harness.rounds import Observed
from incident_lab.fleet import Fleet

_ROUNDS = ["clean", *dict.fromkeys(case.round for case in load_cases())]
_LONGEST_RUN = 60.0
Rounds = Callable[[str], Observed]


@pytest.mark.parametrize("name", _ROUNDS)
def test_run_ends_well(observed: Rounds, fleet: Fleet, name: str) -> None:
    """Whatever is planted, the run ends in time, sees every host, and its case verifies."""
    seen = observed(name)
    assert seen.run.status == 0, seen.run.output[-3000:]
    assert seen.run.seconds < _LONGEST_RUN
    assert set(seen.case.head["reached"]) == {host.name for host in fleet.hosts}
    assert not any(entry["problems"] for entry in seen.case.summary["hosts"].values()), seen.case.summary
    seen.case.verify()


@pytest.mark.parametrize("name", _ROUNDS)
def test_records_are_as_declared(observed: Rounds, fleet: Fleet, name: str) -> None:
    """Every fact record, every finding and every file of the case has the fields that the schema declares, no other, of their types."""
    seen = observed(name)
    found = [f"{host.name}: {problem}" for host in fleet.hosts for problem in departures(seen.case.facts(host.name))]
    found += finding_departures(seen.case.findings) + case_departures(seen.case)
    assert not found, "\n".join(found[:20])


@pytest.mark.parametrize("name", _ROUNDS)
def test_every_section_is_read(observed: Rounds, fleet: Fleet, name: str) -> None:
    """Whatever is planted, it costs no section: the rest of one that fails would be judged as if nothing were wrong there."""
    seen = observed(name)
    sections = {f"{host.name} {section}": body for host in fleet.hosts for section, body in seen.case.facts(host.name)["sections"].items()}
    failed = {where: error for where, body in sections.items() for error in body["errors"] if error["what"] == "section"}
    assert not failed


@pytest.mark.parametrize("name", ["clean", "benign"])
def test_nothing_above_low(observed: Rounds, name: str) -> None:
    """Hosts where nothing is wrong give nothing that has to be looked at."""
    loud = [(finding["host"], finding["title"], finding["reasons"]) for finding in observed(name).case.findings if LEVELS.index(finding["level"]) > 1]
    assert not loud


@pytest.mark.parametrize("name", [name for name in _ROUNDS if name.startswith("hostile")])
def test_nothing_planted_was_run(observed: Rounds, fleet: Fleet, name: str) -> None:
    """No canary, on neither side."""
    assert observed(name).canaries == {host.name: False for host in fleet.hosts}
    assert not (fleet.lab.folder / CANARY).exists()


def test_secrets_stay_on_the_host(observed: Rounds) -> None:
    """Not one byte of what links of users lead to comes into the case."""
    for path in observed("hostile").case.path.rglob("*"):
        if path.is_file():
            content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            assert b"irl-shadow-marker" not in content, path


def test_output_is_text_for_a_terminal(observed: Rounds) -> None:
    """No name of a host's moves the cursor of the operator, or turns a line around."""
    output = observed("hostile").run.output + observed("attacks").run.output
    assert not {char for char in output if not char.isprintable()} - {"\n"}


def test_one_task_a_host(observed: Rounds, fleet: Fleet) -> None:
    """A task more per host is the cost that scales: where every host was seen, none is asked about that."""
    recap = observed("clean").run.output.rpartition("PLAY RECAP")[2]
    done = {line.split()[0]: int(line.partition("ok=")[2].split()[0]) for line in recap.splitlines() if "ok=" in line}
    assert sorted(done) == [host.name for host in fleet.hosts]
    # One of them judges for all.
    assert sorted(done.values()) == [1] * (len(fleet.hosts) - 1) + [2]
