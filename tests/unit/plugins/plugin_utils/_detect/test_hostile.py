# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts from a hostile host: any JSON may come. Nothing is raised, nothing is silent, what is well is still judged."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.incident.response.plugins.plugin_utils._detect import engine
from ansible_collections.incident.response.plugins.plugin_utils._detect.engine import Settings, detect, examine
from ansible_collections.incident.response.plugins.plugin_utils._detect.facts import MAX_RECORDS, Facts, read_facts
from ansible_collections.incident.response.plugins.plugin_utils._detect.first_rules import RULES
from ansible_collections.incident.response.plugins.plugin_utils._detect.reason import Reason
from ansible_collections.incident.response.tests.unit.plugins.plugin_utils._detect.documents import Host

JUNK: list[Any] = [
    None, True, False, 0, -1, 1 << 80, -(1 << 63) - 1, 1.5, float("nan"), float("inf"), -1e308, "", "x", "\ud800\udfff", "\x00\x1b[2J", "9" * 5000,
    [], [[]], [None], ["\udcff"], {}, {"": None}, {"LD_PRELOAD": ["/tmp/x"]}, {"name": "not base64"}, {"name": 7},
]  # fmt: skip


def full_host() -> Host:
    """A host that has something of everything."""
    host = Host()
    shell = host.runs("/usr/bin/bash", "unchanged", argv=["bash", "-i"], stdio=["socket:[41234]"] * 3)
    host.is_connected([shell], ("192.0.2.11", 51690), ("203.0.113.5", 443), 41234)
    host.listens(host.runs("/tmp/.x", exe_state="deleted", cpu_percent=99.0, environment={"LD_PRELOAD": "/tmp/x.so"}), 4444)
    host.runs("/memfd:x", exe_state="memfd", argv=["[kworker/0:1]"])
    host.runs("/usr/bin/sleep", "updated", exe_state="replaced")
    host.hides(99, "unlisted")
    host.differs(pid=98)
    host.tampered("switched_off")
    return host


def lists_of(document: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    sections = document["sections"]
    for section in sections.values():
        yield from (part for part in section.values() if isinstance(part, list) and part)
    yield sections["processes"]["cross_check"]["disagreements"]


@pytest.mark.parametrize(
    "document",
    [
        *JUNK,
        {"sections": None},
        {"sections": []},
        {"sections": {"processes": []}},
        {"sections": {"processes": {"items": {}, "hidden": 7, "cross_check": []}}},
        {"sections": {"processes": {"items": [None, [], 7, "x", {}]}}},
        {"sections": {"history": {"tampering": [{"sign": 7, "where": None}]}}},
        {"sections": {"processes": {"cross_check": {"disagreements": {}}}}},
    ],
)
def test_no_document_raises_and_none_is_silent(document: Any) -> None:
    verdict = examine("web1", document, Settings())
    assert verdict.findings == []
    assert verdict.problems


def test_a_section_that_was_not_collected_is_no_problem() -> None:
    assert examine("web1", {"sections": {}}, Settings()).problems == []


@pytest.mark.parametrize("number", range(len(JUNK)))
def test_any_field_may_be_anything(number: int) -> None:
    names = [(place, name) for place, records in enumerate(lists_of(full_host().document())) for name in records[0]]
    for place, name in names:
        document = full_host().document()
        for record in list(lists_of(document))[place]:
            record[name] = JUNK[number]
        findings = examine("web1", document, Settings()).findings
        json.dumps([finding.as_record() for finding in findings], allow_nan=False).encode("ascii")


def test_records_of_nothing_but_junk() -> None:
    dice = random.Random(1)
    for _number in range(300):
        document = full_host().document()
        for records in lists_of(document):
            for record in records:
                for name in dice.sample(sorted(record), len(record) // 3):
                    record[name] = dice.choice(JUNK)
        json.dumps([finding.as_record() for finding in detect("web1", document, Settings())], allow_nan=False).encode("ascii")


def test_what_is_wrong_is_told_and_the_rest_is_judged() -> None:
    host = Host()
    host.runs("/tmp/.x", exe_state="deleted")
    host.sections["processes"]["items"] += [{"pid": "1"}, 7]
    host.sections["processes"]["items"][0]["cwd"] = 7
    verdict = host.verdict()
    assert [finding.level for finding in verdict.findings] == ["high"]
    assert any("pid" in problem and "integer" in problem for problem in verdict.problems)
    assert any("cwd was left out" in problem for problem in verdict.problems)


def test_a_missing_list_is_told() -> None:
    host = Host()
    del host.sections["ports"]["items"]
    assert host.verdict().problems == ["ports.items is missing"]


def test_problems_are_counted_and_bounded() -> None:
    host = Host()
    host.sections["processes"]["items"] = [{} for _number in range(1000)]
    assert len(host.verdict().problems) == 1
    assert "1000 times" in host.verdict().problems[0]


def test_lone_surrogates_become_text() -> None:
    host = Host()
    host.runs("/tmp/\ud800x", name="\udcffx")
    finding = host.finding()
    assert "\\ud800" in finding.title
    json.dumps(finding.as_record(), ensure_ascii=False).encode("utf-8")


def test_shown_text_is_one_line_of_visible_characters() -> None:
    host = Host()
    host.runs("/tmp/a\nb\x1b[2J\u202e", name="a\nb", argv=["x\r\ny"])
    host.tampered("switched_off", where="/home/x\n/y", user="m\u200bally", detail="a\x07b")
    for finding in host.findings():
        for text in (finding.title, finding.reason, finding.next_step, *finding.reasons):
            assert text.isprintable() and text.isascii(), text


def test_a_rule_that_fails_does_not_silence_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_facts: Facts, _settings: Settings) -> Iterator[Reason]:
        raise RuntimeError

    monkeypatch.setattr(engine, "RULES", (broken, *RULES))
    verdict = full_host().verdict()
    assert any(finding.level == "high" for finding in verdict.findings)
    assert verdict.problems == ["the rule broken failed on these facts (RuntimeError): nothing was judged by it"]


def test_many_findings_keep_the_most_urgent() -> None:
    host = Host()
    for number in range(engine.MAX_FINDINGS + 50):
        host.runs(f"/usr/local/bin/worker{number}", cpu_percent=99.0)
    host.runs("/tmp/.x", exe_state="deleted")
    verdict = host.verdict()
    assert len(verdict.findings) == engine.MAX_FINDINGS
    assert verdict.findings[0].level == "high"
    assert verdict.problems == [f"{engine.MAX_FINDINGS + 51} findings; the {engine.MAX_FINDINGS} most urgent ones were kept"]


def test_a_hundred_thousand_records_take_seconds() -> None:
    """Ten thousand processes of one image for which every rule fires, all in one chain of causes, and ninety thousand sockets."""
    host = Host()
    pid = host.runs("/tmp/.x", exe_state="deleted", name="kworker/0:1", argv=["[kworker/0:1]"], cpu_percent=99.0, environment={"LD_PRELOAD": "/tmp/x.so"})
    first, socket = host.sections["processes"]["items"][0], host.listens(pid, 4444)
    host.sections["processes"]["items"] = [{**first, "pid": number} for number in range(1, 10_001)]
    host.sections["executables"]["items"][0]["pids"] = list(range(1, 10_001))
    host.sections["ports"]["items"] = [{**socket, "inode": number, "pids": [number % 10_000 + 1]} for number in range(1, 90_001)]
    began = time.process_time()
    finding = host.finding()
    assert time.process_time() - began < 30
    assert finding.level == "high"
    assert len(finding.entity["pids"]) == 10_000
    assert len(json.dumps(finding.as_record())) < 200_000


def test_a_list_without_end_is_cut_and_told() -> None:
    document = {"sections": {"ports": {"items": [None] * (MAX_RECORDS + 1)}}}
    assert any(f"only the first {MAX_RECORDS} were judged" in problem for problem in read_facts(document).problems)


@pytest.mark.parametrize(
    "name", ["[" * 20000 + "]", "a" * 20000, "/" * 20000, "xfs-" + "/" * 20000 + "\n", "-" * 20000, "stratum+" * 3000, "kworker" + "\n" * 20000]
)
def test_no_text_makes_a_rule_slow(name: str) -> None:
    host = Host()
    for _number in range(20):
        host.runs("/tmp/" + name, name=name, argv=[name, name], environment={"LD_PRELOAD": name}, stdio=[name] * 3, cwd=name, unit=name)
    host.tampered("switched_off", where=name, detail=name, path=name)
    began = time.process_time()
    host.verdict()
    assert time.process_time() - began < 5
