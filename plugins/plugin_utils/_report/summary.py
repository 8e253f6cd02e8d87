# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``summary.json``: what a case comes to, host by host and in total."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ansible_collections.incident.response.plugins.plugin_utils._detect.finding import LEVELS, Finding
from ansible_collections.incident.response.plugins.plugin_utils._quoting import visible

Kind = TypeVar("Kind", dict[str, Any], list[Any])
# What an error is called where a whole section could not be read.
SECTION_FAILED = "section"
STATUSES = ("reached", "failed", "unreachable", "not_tried")


@dataclass
class HostSummary:
    """One host: whether it was seen, and as root; the highest level, findings by level, and what could not be read."""

    name: str
    status: str
    message: str
    collected_at: str | None = None
    is_root: bool | None = None
    levels: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    truncated: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def level(self) -> str | None:
        """The highest level of its findings, ``None`` without findings."""
        return next((level for level in reversed(LEVELS) if self.levels[level]), None)

    def as_record(self) -> dict[str, Any]:
        """The host as it stands in ``summary.json``."""
        return {
            "status": self.status,
            "message": self.message,
            "level": self.level,
            "findings": _by_level(self.levels),
            "collected_at": self.collected_at,
            "is_root": self.is_root,
            "errors": self.errors,
            "truncated": self.truncated,
            "problems": self.problems,
        }


@dataclass
class Summary:
    """A whole case. ``findings`` are the most urgent ones only, ``levels`` counts all of them."""

    case: str
    path: str
    generated_at: str
    hosts: list[HostSummary]
    findings: list[Finding]
    levels: Counter[str]

    def named(self, status: str) -> list[str]:
        """The hosts of one status."""
        return [host.name for host in self.hosts if host.status == status]

    def as_record(self) -> dict[str, Any]:
        """The content of ``summary.json``."""
        return {
            "case": self.case,
            "generated_at": self.generated_at,
            "totals": {
                "hosts": len(self.hosts),
                **{status: len(self.named(status)) for status in STATUSES},
                "level": next((level for level in reversed(LEVELS) if self.levels[level]), None),
                "findings": _by_level(self.levels),
            },
            "hosts": {host.name: host.as_record() for host in self.hosts},
        }


def _by_level(levels: Mapping[str, int]) -> dict[str, int]:
    return {level: levels.get(level, 0) for level in reversed(LEVELS)}


def add_findings(host: HostSummary, findings: Iterable[Finding]) -> None:
    """Count a host's findings."""
    host.levels.update(finding.level for finding in findings)


def add_coverage(host: HostSummary, document: Any) -> None:
    """Count what could not be read, and name the sections that hit a limit. The document is the target's word: take only its shape."""
    known = _member(document, dict)
    sections = _member(known.get("sections"), dict)
    collected_at = known.get("collected_at")
    host.collected_at = collected_at[:32] if isinstance(collected_at, str) else None
    is_root = _member(_member(sections.get("processes"), dict).get("host"), dict).get("is_root")
    host.is_root = is_root if isinstance(is_root, bool) else None
    for name, content in sections.items():
        section = _member(content, dict)
        errors = _member(section.get("errors"), list)
        host.errors += len(errors)
        if any(_member(error, dict).get("what") == SECTION_FAILED for error in errors):
            host.problems.append(f"the section {visible(str(name), 40)} was not read, and nothing in it was judged: its errors in the facts say why")
        if section.get("truncated"):
            host.truncated.append(str(name)[:64])


def _member(value: Any, kind: type[Kind]) -> Kind:
    """``value`` if it is of that kind, or else an empty one."""
    return value if isinstance(value, kind) else kind()
