# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A finding, as it stands in ``findings.jsonl``. Rules and rule engines come and go; this form stays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal

Level = Literal["info", "low", "medium", "high", "critical"]
LEVELS: tuple[Level, ...] = ("info", "low", "medium", "high", "critical")


@dataclass(frozen=True)
class Finding:
    """One cause that somebody should look at (fields: ``_schema/findings.py``).

    ``entity``, ``evidence`` hold text as the host sent it; ``title``, ``reason``, ``reasons`` and ``next_step`` are safe to show.
    """

    host: str
    rule: str
    title: str
    level: Level
    attack: list[str]
    entity: dict[str, Any]
    reason: str
    evidence: dict[str, Any]
    next_step: str
    rules: list[str]
    reasons: list[str]

    def as_record(self) -> dict[str, Any]:
        """The finding as a line of ``findings.jsonl``."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def rank(level: Level) -> int:
    """Place of a level: 0 for ``info``."""
    return LEVELS.index(level)


def highest(levels: Iterable[Level]) -> Level:
    """The highest of some levels; at least one has to be given."""
    return max(levels, key=rank)


def urgency(finding: Finding) -> tuple[int, int, str, str, str]:
    """What findings are sorted by: level, then how many rules agree; ties have an order that is the same each time."""
    return (-rank(finding.level), -len(finding.rules), finding.host, finding.rule, finding.title)


def by_urgency(findings: Iterable[Finding]) -> list[Finding]:
    """Findings, the most urgent first."""
    return sorted(findings, key=urgency)
