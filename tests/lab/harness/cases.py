# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases: states of a host, and what a triage has to say of them. ``README.md`` of the lab tells how they are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[1] / "cases"
LEVELS = ("info", "low", "medium", "high", "critical")
_FILE_KEYS = {"round", "cases"}
_FINDING_KEYS = {"rule", "level", "at_least", "entity", "reasons", "evidence"}
_FACT_KEYS = {"in", "where", "fields", "count"}
_ERROR_KEYS = {"section", "what", "reason", "subject"}


@dataclass(frozen=True)
class Expectation:
    """What has to come of a case."""

    findings: list[dict[str, Any]] = field(default_factory=list)
    facts: list[dict[str, Any]] = field(default_factory=list)
    absent: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    not_above: str | None = None


@dataclass(frozen=True)
class Case:
    """One state. ``setup``, ``verify``, ``cleanup`` are shell; ``releases`` those it can be made on, empty for all."""

    id: str
    title: str
    round: str
    setup: str
    verify: str
    expect: Expectation
    technique: list[str] = field(default_factory=list)
    source: str = ""
    cleanup: str = ""
    releases: list[str] = field(default_factory=list)

    def is_for(self, release: str) -> bool:
        """Whether the state can be made on a release."""
        return not self.releases or release in self.releases


def load_cases(folder: Path = FOLDER) -> list[Case]:
    """Every case, rounds together. Raises ``ValueError`` that names the file and the case."""
    cases: dict[str, Case] = {}
    for path in sorted(folder.glob("*.yml")):
        for case in _read(path):
            if case.id in cases:
                raise ValueError(f"{path.name}: there are two cases {case.id}")
            cases[case.id] = case
    return sorted(cases.values(), key=lambda case: case.round)


def _read(path: Path) -> Iterator[Case]:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    if set(document) != _FILE_KEYS:
        raise ValueError(f"{path.name}: has to have {sorted(_FILE_KEYS)}")
    for record in document["cases"]:
        try:
            expect = Expectation(**record.pop("expect"))
            _check(expect)
            yield Case(round=document["round"], expect=expect, **record)
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f"{path.name}: {record.get('id', 'a case without an id')}: {error}") from error


def _check(expect: Expectation) -> None:
    listed = ((expect.findings, _FINDING_KEYS), (expect.facts, _FACT_KEYS), (expect.absent, _FACT_KEYS), (expect.errors, _ERROR_KEYS))
    for records, known in listed:
        for record in records:
            if unknown := set(record) - known:
                raise ValueError(f"unknown: {sorted(unknown)}")
    levels = [expect.not_above, *(finding.get(key) for finding in expect.findings for key in ("level", "at_least"))]
    if wrong := [level for level in levels if level is not None and level not in LEVELS]:
        raise ValueError(f"not a level: {wrong[0]}")
    if not any((expect.findings, expect.facts, expect.absent, expect.errors, expect.not_above)):
        raise ValueError("expects nothing")
