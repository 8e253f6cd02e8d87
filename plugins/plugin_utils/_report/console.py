# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary on the console: hosts by level, the top findings with reason and next command, the case."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap

from ansible_collections.incident.response.plugins.plugin_utils._detect.finding import LEVELS, Finding
from ansible_collections.incident.response.plugins.plugin_utils._quoting import visible

from .summary import HostSummary, Summary

_WIDTH = 110
_TOP = 10
_NAMES = 12
_LISTED_LEVELS = ("critical", "high", "medium")


def draw(summary: Summary) -> str:
    """The summary as lines of plain text. All that comes from a host is made visible first."""
    return "\n".join(["", *_head(summary), "", *_hosts(summary), "", *_findings(summary), "", *_foot(summary), ""])


def _head(summary: Summary) -> list[str]:
    counts = [
        f"{len(summary.named(status))} {status.replace('_', ' ')}" for status in ("reached", "failed", "unreachable", "not_tried") if summary.named(status)
    ]
    plural = "" if len(summary.hosts) == 1 else "s"
    return [f"TRIAGE  case {summary.case}  {len(summary.hosts)} host{plural}: {', '.join(counts) or 'none'}"]


def _hosts(summary: Summary) -> list[str]:
    lines = []
    seen = [host for host in summary.hosts if host.status == "reached"]
    for level in reversed(LEVELS):
        names = [_host_label(host) for host in seen if host.level == level]
        if names:
            lines += _row(level.upper(), names)
    quiet = [visible(host.name) for host in seen if host.level is None and not host.problems]
    if quiet:
        lines += _row("nothing", quiet)
    for host in summary.hosts:
        if host.status != "reached":
            lines += _row("NOT SEEN", [f"{visible(host.name)}: {host.status.replace('_', ' ')}: {_first_line(host.message)}"])
        for problem in host.problems:
            lines += _row("DAMAGED", [f"{visible(host.name)}: {_first_line(problem)}"])
    unprivileged = [visible(host.name) for host in seen if host.is_root is False]
    if unprivileged:
        lines += [*_row("NOT ROOT", unprivileged), f"  {'':<9} seen in part only: run with -b to see the rest"]
    partial = [f"{visible(host.name)} ({', '.join(map(visible, host.truncated))})" for host in seen if host.truncated]
    if partial:
        lines += _row("CUT", partial)
    return lines


def _host_label(host: HostSummary) -> str:
    counts = [f"{host.levels[level]} {level}" for level in _LISTED_LEVELS if host.levels[level]]
    return f"{visible(host.name)} ({', '.join(counts)})" if counts else visible(host.name)


def _row(label: str, names: list[str]) -> list[str]:
    shown = names[:_NAMES] + ([f"and {len(names) - _NAMES} more"] if len(names) > _NAMES else [])
    return _indented(", ".join(shown), f"  {label:<9} ")


def _first_line(message: str) -> str:
    return visible(message.strip().split("\n", 1)[0])


def _findings(summary: Summary) -> list[str]:
    urgent = [finding for finding in summary.findings if finding.level in _LISTED_LEVELS]
    if not urgent:
        return [_nothing_urgent(summary)]
    total = sum(summary.levels[level] for level in _LISTED_LEVELS)
    lines = ["TOP FINDINGS" if total <= _TOP else f"TOP {_TOP} OF {total} FINDINGS"]
    for number, finding in enumerate(urgent[:_TOP], 1):
        lines += _finding(number, finding)
    return lines


def _nothing_urgent(summary: Summary) -> str:
    """Silence about a host that was not seen is no good news."""
    judged = sum(host.status == "reached" and not host.problems for host in summary.hosts)
    if not judged:
        return "No host was seen in full: nothing can be said."
    if judged == len(summary.hosts):
        return "No finding above low."
    return f"No finding above low on the {judged} of {len(summary.hosts)} hosts that were seen in full."


def _finding(number: int, finding: Finding) -> list[str]:
    head = _indented(f"{visible(finding.host)}: {visible(finding.title)}", f"{number:>3} {finding.level.upper():<8} ")
    reason = _indented(visible(finding.reason, 400), " " * 13)
    # A command is pasted as it stands: never wrapped.
    return [*head, *reason, f"             next: {finding.next_step}"]


def _foot(summary: Summary) -> list[str]:
    above = sum(summary.levels[level] for level in _LISTED_LEVELS)
    return [f"{above} above low, {summary.levels.total() - above} at low or info, all in findings.jsonl of the case: {summary.path}"]


def _indented(text: str, label: str) -> list[str]:
    lines: Iterable[str] = wrap(text, _WIDTH - len(label), break_on_hyphens=False) or [""]
    return [(label if number == 0 else " " * len(label)) + line for number, line in enumerate(lines)]
