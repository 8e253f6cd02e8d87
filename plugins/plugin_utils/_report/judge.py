# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a case to what it comes to: findings, summary, manifest. Needs no host; draws the same again from the same case."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.incident.response.plugins.plugin_utils._case.answer import BadAnswer
from ansible_collections.incident.response.plugins.plugin_utils._case.files import locked, read_json, write_json
from ansible_collections.incident.response.plugins.plugin_utils._case.manifest import write_manifest
from ansible_collections.incident.response.plugins.plugin_utils._case.run import now
from ansible_collections.incident.response.plugins.plugin_utils._case.store import Case, HostState
from ansible_collections.incident.response.plugins.plugin_utils._detect.engine import Settings, examine
from ansible_collections.incident.response.plugins.plugin_utils._detect.finding import Finding
from ansible_collections.incident.response.plugins.plugin_utils._quoting import visible

from .findings_file import FindingsFile
from .summary import HostSummary, Summary, add_coverage, add_findings

_PROBLEM = 300


def judge(case: Case, settings: Settings) -> Summary:
    """Judge every host of a case and write the outcome into it. Hosts that a run was for and the case does not know were not tried."""
    with locked(case.path):
        settings = _reaching(case, settings)
        hosts, findings = [], FindingsFile(case.path)
        for state in case.hosts():
            host, found = _judge_host(state, settings)
            hosts.append(host)
            findings.add(found)
        known = {host.name for host in hosts}
        hosts += [HostSummary(name, "not_tried", "the run ended before it was this host's turn") for name in case.meant() if name not in known]
        summary = Summary(case.id, str(case.path), now(), sorted(hosts, key=lambda host: host.name), findings.most_urgent, findings.levels)
        findings.write(case.path / "findings.jsonl")
        _write(case, summary, settings)
    return summary


def _reaching(case: Case, settings: Settings) -> Settings:
    """A report that is drawn again needs no inventory: its commands then reach the hosts as those of the run before did."""
    known = (read_json(case.path / "case.json") or {}).get("ansible_options")
    if settings.ansible_options or not isinstance(known, list) or not all(isinstance(option, str) for option in known):
        return settings
    return replace(settings, ansible_options=tuple(known))


def _judge_host(state: HostState, settings: Settings) -> tuple[HostSummary, list[Finding]]:
    host = HostSummary(state.name, state.status, state.message)
    try:
        document = state.load_facts()
    except (BadAnswer, OSError) as error:
        host.problems.append(visible(str(error), _PROBLEM))
        return host, []
    if document is None:
        return host, []
    verdict = examine(state.name, document, settings)
    host.problems += [visible(problem, _PROBLEM) for problem in verdict.problems]
    add_findings(host, verdict.findings)
    add_coverage(host, document)
    return host, verdict.findings


def _write(case: Case, summary: Summary, settings: Settings) -> None:
    write_json(case.path / "summary.json", summary.as_record())
    known = read_json(case.path / "case.json") or {"id": case.id}
    known.update(
        finished_at=summary.generated_at,
        ansible_options=list(settings.ansible_options),
        **{status: summary.named(status) for status in ("reached", "failed", "unreachable", "not_tried")},
    )
    write_json(case.path / "case.json", known)
    write_manifest(case.path)
