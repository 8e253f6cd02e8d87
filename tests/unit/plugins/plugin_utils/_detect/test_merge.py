# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cause, one finding: how reasons become findings, and the commands that findings end with."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from ansible_collections.incident.response.plugins.module_utils._schema.findings import ENTITY_KINDS, FINDING
from ansible_collections.incident.response.plugins.plugin_utils._detect.finding import Finding, Level, by_urgency
from ansible_collections.incident.response.plugins.plugin_utils._detect.merge import merge
from ansible_collections.incident.response.plugins.plugin_utils._detect.reason import Entity, Look, Reason, Side
from ansible_collections.incident.response.plugins.plugin_utils._detect.settings import Settings
from ansible_collections.incident.response.tests.unit.plugins.plugin_utils._detect.test_hostile import full_host


def reason(pid: int, level: Level = "medium", side: Side = "image", causes: tuple[tuple[Any, ...], ...] = (), rule: str = "a_rule", **fields: Any) -> Reason:
    entity = Entity("process", ("process", pid, pid), {"pid": pid, "path": f"/x/{pid}"}, pid)
    defaults = {"title": "A title", "clause": f"it is so ({rule})", "attack": ("T1",), "evidence": {}, "look": Look("process_facts", pids=True)}
    return Reason(rule=rule, level=level, side=side, entity=entity, causes=causes, **{**defaults, **fields})


def test_one_entity_is_one_finding() -> None:
    (finding,) = merge("web1", [reason(1), reason(1, "low", rule="another")])
    assert finding.rules == ["a_rule", "another"]
    assert finding.reason == "It is so (a_rule); it is so (another)."
    assert finding.reasons == ["It is so (a_rule).", "It is so (another)."]


def test_the_weightiest_reason_names_the_finding_whatever_the_order() -> None:
    (finding,) = merge("web1", [reason(1, "low"), reason(1, "high", rule="another", title="Worse")])
    assert (finding.rule, finding.level, finding.title) == ("another", "high", "Worse (pid 1)")


def test_a_cause_joins_what_is_loud_through_any_chain() -> None:
    one, two = ("image", 1), ("library", "/tmp/x")
    assert len(merge("web1", [reason(1, causes=(one,)), reason(2, causes=(one, two)), reason(3, causes=(two,)), reason(4)])) == 2


def test_what_is_quiet_is_not_drawn_into_what_is_loud() -> None:
    shared = (("image", 1),)
    quiet = [reason(pid, "low", causes=shared) for pid in (2, 3, 4)]
    findings = merge("web1", [reason(1, "high", rule="another"), reason(1, "low", causes=shared), *quiet])
    assert sorted((finding.level, finding.entity["pids"]) for finding in findings) == [("high", [1]), ("low", [2, 3, 4])]


@pytest.mark.parametrize(
    ("reasons", "level"),
    [
        ([("medium", "image"), ("medium", "load")], "high"),
        ([("medium", "image"), ("medium", "image")], "medium"),
        ([("medium", "image"), ("low", "load")], "medium"),
        ([("low", "image"), ("low", "load")], "low"),
        ([("high", "image"), ("high", "name")], "high"),
        ([("critical", "image"), ("medium", "name")], "critical"),
    ],
)
def test_two_sides_confirm_each_other(reasons: list[tuple[Level, Side]], level: Level) -> None:
    (finding,) = merge("web1", [reason(1, *told, rule=f"rule{number}") for number, told in enumerate(reasons)])
    assert finding.level == level


def test_the_oldest_process_stands_for_all_of_equal_weight() -> None:
    shared = (("image", 1),)
    (finding,) = merge("web1", [reason(9, causes=shared), reason(3, causes=shared), reason(5, "high", causes=shared)])
    assert finding.entity["pid"] == 5
    assert finding.entity["pids"] == [5, 3, 9]


def test_a_reason_is_short_and_all_of_them_are_kept() -> None:
    reasons = [reason(1, rule=f"rule{number}", clause=f"because of {number} " + "x" * 100) for number in range(8)]
    (finding,) = merge("web1", reasons)
    assert len(finding.reason) < 400
    assert len(finding.reasons) == 8


def test_a_rule_is_heard_a_few_times() -> None:
    (finding,) = merge("web1", [reason(1, clause=f"clause {number}") for number in range(50)])
    assert len(finding.reasons) == 5


def test_evidence_of_all_reasons_the_weightier_first() -> None:
    (finding,) = merge("web1", [reason(1, "low", evidence={"a": 1, "b": 1}), reason(1, "high", rule="another", evidence={"a": 2})])
    assert finding.evidence == {"a": 2, "b": 1}


def test_the_command_reaches_the_host_as_the_run_did() -> None:
    (finding,) = merge("web 1;id", [reason(1)], (".venv/bin/ansible", "-i", "/srv/my inventory", "-b", "-e", '{"ansible_user": "o\'neil"}'))
    words = shlex.split(finding.next_step)
    assert words[0] == ".venv/bin/ansible"
    assert words[2:7] == ["-i", "/srv/my inventory", "-b", "-e", '{"ansible_user": "o\'neil"}']
    assert words[7:] == ["-m", "incident.response.process_facts", "-a", "pids=1"]
    assert ";" not in words[1]


def test_findings_are_as_declared() -> None:
    findings = full_host().findings()
    assert len(findings) > 5
    for finding in findings:
        found = finding.as_record()
        assert list(found) == [field.name for field in FINDING.fields]
        assert set(found["entity"]) <= {"kind", *ENTITY_KINDS[found["entity"]["kind"]]}
        assert found["reason"] and found["title"] and found["next_step"].startswith("ansible web1 -m incident.response.")
        assert found["reason"][0].isupper() or not found["reason"][0].isalpha()
        assert found["reason"].endswith(".")


def test_the_order_is_the_same_each_time() -> None:
    def made(level: Level, rules: int, title: str) -> Finding:
        return Finding("web1", "a", title, level, [], {}, "", {}, "", ["a"] * rules, [])

    findings = [made("low", 1, "z"), made("high", 1, "b"), made("high", 3, "c"), made("high", 1, "a"), made("critical", 1, "y")]
    assert [finding.title for finding in by_urgency(reversed(findings))] == ["y", "c", "a", "b", "z"]


@pytest.mark.parametrize("port", ["22", "tcp/22", "0/tcp", "65536/tcp", "22/TCP", "22/tcp ", "\u0662\u0662/http", ""])
def test_ports_of_settings_are_checked(port: str) -> None:
    with pytest.raises(ValueError, match="triage_expected_ports"):
        Settings(expected_ports=frozenset((port,)))


@pytest.mark.parametrize("percent", [0.0, -1.0, float("nan"), float("inf")])
def test_percentages_of_settings_are_checked(percent: float) -> None:
    with pytest.raises(ValueError, match="triage_cpu_percent"):
        Settings(cpu_percent=percent)
