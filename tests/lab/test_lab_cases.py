# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every case, on every host that it can be made on: the facts are there, and the findings say what they have to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.cases import Case, load_cases
from harness.expect import problems
from harness.rounds import Observed
from incident_lab.names import DEFAULT_HOSTS

_HOSTS = dict(text.split(":") for text in DEFAULT_HOSTS)
_CASES = [(case, host) for case in load_cases() for host, release in _HOSTS.items() if case.is_for(release)]


@pytest.mark.parametrize(("case", "host"), [pytest.param(case, host, id=f"{case.id}-{host}") for case, host in _CASES])
def test_case(observed: Callable[[str], Observed], case: Case, host: str) -> None:
    """What the case expects is what the triage said."""
    seen = observed(case.round)
    planted = seen.planted[host][case.id]
    assert planted.problem is None, planted.problem
    missed = problems(case.expect, planted.notes, seen.case.facts(host), seen.case.findings_of(host))
    assert not missed, "\n".join(missed)
