# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planting cases on a host, all of a round at once, and taking them away."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from incident_lab.errors import LabError
from incident_lab.host import Host

from .cases import Case

# Exists only if something that was planted made a program of ours run it.
CANARY = "/tmp/incident-canary"
_HERE = Path(__file__).parent
_PLANTER = (_HERE / "on_host.py").read_text(encoding="utf-8")
_TOOLS = {name: (_HERE / name).read_text(encoding="utf-8") for name in ("silent_file_system.py",)}
_PRELUDE = (_HERE / "prelude.sh").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Planted:
    """What became of a case on a host: why it is not there, if so, and what its setup noted (pids and the like)."""

    problem: str | None
    notes: dict[str, int | str]


def plant(host: Host, cases: Sequence[Case]) -> dict[str, Planted]:
    """Make the states of cases on a host, and prove that they are there."""
    answer = _ask(host, "plant", cases)
    return {case: Planted(entry["problem"], {name: _value(text) for name, text in entry["notes"].items()}) for case, entry in answer.items()}


def remove(host: Host, cases: Sequence[Case]) -> bool:
    """Take the states away again. Return whether the canary was there: whether something planted was run."""
    canary = host.run(["sh", "-c", f"test -e {CANARY} && rm -rf {CANARY}"]).returncode == 0
    _ask(host, "remove", cases)
    return canary


def _ask(host: Host, what: str, cases: Sequence[Case]) -> dict[str, Any]:
    blocks = {case.id: {"setup": case.setup, "verify": case.verify, "cleanup": case.cleanup} for case in cases}
    request = json.dumps({"do": what, "prelude": _PRELUDE, "tools": _TOOLS, "cases": blocks})
    done = host.run(["/usr/bin/python3", "-I", "-c", _PLANTER], text=request, timeout=180)
    if done.returncode != 0:
        raise LabError(f"{what} on {host.name} failed: {done.stderr[-3000:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _value(text: str) -> int | str:
    return int(text) if text.isdigit() else text
