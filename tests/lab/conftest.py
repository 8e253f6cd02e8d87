# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet, and Ansible on its controller's side."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE))

from harness.ansible import Ansible, collections_path  # noqa: E402  pylint: disable=wrong-import-position
from harness.cases import Case, load_cases  # noqa: E402  pylint: disable=wrong-import-position
from harness.rounds import Observed, observe  # noqa: E402  pylint: disable=wrong-import-position
from incident_lab.errors import CannotRun  # noqa: E402  pylint: disable=wrong-import-position
from incident_lab.fleet import Fleet  # noqa: E402  pylint: disable=wrong-import-position
from incident_lab.names import Lab  # noqa: E402  pylint: disable=wrong-import-position

sys.path += [path for path in collections_path().split(os.pathsep) if path not in sys.path]


@pytest.fixture(scope="session")
def fleet() -> Iterator[Fleet]:
    """The hosts, up. ``LAB_KEEP=1`` leaves them up for the next run; ``LAB_REQUIRED=1`` fails where the lab cannot run."""
    lab = Fleet(Lab.from_environment())
    try:
        lab.up()
    except CannotRun as problem:
        if os.environ.get("LAB_REQUIRED") == "1":
            raise
        pytest.skip(f"this machine cannot run the lab: {problem}")
    yield lab
    if os.environ.get("LAB_KEEP") != "1":
        lab.down()


@pytest.fixture(scope="session")
def session_ansible(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Ansible:
    """Ansible on the controller's side, with the inventory of the fleet, in a folder that the whole session shares."""
    return Ansible(tmp_path_factory.mktemp("ansible"), fleet.command([]), fleet.lab.inventory)


@pytest.fixture
def ansible(fleet: Fleet, tmp_path: Path) -> Ansible:
    """Ansible on the controller's side, with the inventory of the fleet, in a folder of its own."""
    return Ansible(tmp_path, fleet.command([]), fleet.lab.inventory)


Rounds = Callable[[str], Observed]


@pytest.fixture(scope="session")
def observed(fleet: Fleet, session_ansible: Ansible) -> Rounds:
    """What a triage said of a round of cases; each round is run once, also when it fails."""
    cases = load_cases()

    @cache
    def run(name: str) -> Observed | Exception:
        chosen: list[Case] = [case for case in cases if case.round == name]
        try:
            return observe(fleet, session_ansible, name, chosen)
        except Exception as error:  # noqa: BLE001  pylint: disable=broad-exception-caught
            return error

    def outcome(name: str) -> Observed:
        seen = run(name)
        if isinstance(seen, Exception):
            raise seen
        return seen

    return outcome
