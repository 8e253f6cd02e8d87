# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the facts of one host to its findings. Opens no connection and reads no file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .facts import Facts, read_facts
from .finding import Finding, by_urgency
from .first_rules import RULES
from .merge import merge
from .reason import Reason
from .settings import Settings

__all__ = ["Settings", "Verdict", "detect", "examine"]

MAX_FINDINGS = 1000


@dataclass(frozen=True)
class Verdict:
    """``findings``, the most urgent first; ``problems``: sentences about what of the facts could not be judged."""

    findings: list[Finding]
    problems: list[str]


def detect(host: str, document: Any, settings: Settings) -> list[Finding]:
    """The findings of one host (inventory name), the most urgent first. ``document`` is what the host sent: any JSON. Never raises."""
    return examine(host, document, settings).findings


def examine(host: str, document: Any, settings: Settings) -> Verdict:
    """As ``detect``, and tell what could not be judged. At most ``MAX_FINDINGS`` findings, the most urgent ones."""
    facts = read_facts(document)
    problems = list(facts.problems)
    findings = by_urgency(merge(host, _reasons(facts, settings, problems), (settings.ansible_program, *settings.ansible_options)))
    if len(findings) > MAX_FINDINGS:
        problems.append(f"{len(findings)} findings; the {MAX_FINDINGS} most urgent ones were kept")
    return Verdict(findings[:MAX_FINDINGS], problems)


def _reasons(facts: Facts, settings: Settings, problems: list[str]) -> list[Reason]:
    """What every rule says. Facts come from a hostile host: one that breaks a rule must not silence the others."""
    reasons: list[Reason] = []
    for rule in RULES:
        try:
            reasons += rule(facts, settings)
        except Exception as error:  # noqa: BLE001
            problems.append(f"the rule {rule.__name__} failed on these facts ({type(error).__name__}): nothing was judged by it")
    return reasons
