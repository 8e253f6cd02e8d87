# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a case comes to: findings, summary, console, manifest, commands that reach the hosts."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.incident.response.plugins.plugin_utils._case.answer import Answer
from ansible_collections.incident.response.plugins.plugin_utils._case.run import Run
from ansible_collections.incident.response.plugins.plugin_utils._case.store import Case
from ansible_collections.incident.response.plugins.plugin_utils._detect.settings import Settings
from ansible_collections.incident.response.plugins.plugin_utils._report.console import draw
from ansible_collections.incident.response.plugins.plugin_utils._report.judge import judge
from ansible_collections.incident.response.tests.unit.plugins.plugin_utils._detect.documents import Host

RUN = Run("20261123T154500Z-1", "2026-11-23T15:45:00Z", "operator", "controller", None, "2.19.14", "3.11.2", "0.1.0")


@pytest.fixture(name="case")
def _case(tmp_path: Path) -> Case:
    case = Case(str(tmp_path), "c1")
    case.join(RUN)
    return case


def store(case: Case, name: str, document: Any) -> None:
    data = gzip.compress(json.dumps(document).encode())
    case.store_facts(name, RUN, Answer(data, hashlib.sha256(data).hexdigest()))


def meant_for(case: Case, *hosts: str) -> None:
    case.join(replace(RUN, id="20261123T154501Z-2", hosts=hosts))


def attacked() -> Host:
    host = Host()
    host.runs("/tmp/.x", exe_state="deleted")
    host.runs("/tmp/worker")
    host.listens(host.runs("/usr/sbin/nginx", "unchanged"), 8080)
    return host


def read(case: Case, name: str) -> Any:
    return json.loads((case.path / name).read_text())


def test_findings_and_summary_of_several_hosts(case: Case) -> None:
    store(case, "web1", attacked().document())
    store(case, "web2", Host().document())
    case.store_miss("web3", RUN, "unreachable", "no route to host")
    meant_for(case, "web1", "web2", "web3", "web4")
    summary = judge(case, Settings())
    lines = [json.loads(line) for line in (case.path / "findings.jsonl").read_text().splitlines()]
    assert [(line["host"], line["level"]) for line in lines] == [("web1", "high"), ("web1", "medium"), ("web1", "low")]
    assert [finding.as_record() for finding in summary.findings] == lines
    written = read(case, "summary.json")
    assert written["totals"] == {
        "hosts": 4,
        "reached": 2,
        "failed": 0,
        "unreachable": 1,
        "not_tried": 1,
        "level": "high",
        "findings": {"critical": 0, "high": 1, "medium": 1, "low": 1, "info": 0},
    }
    assert written["hosts"]["web1"]["level"] == "high"
    assert written["hosts"]["web2"]["level"] is None
    assert (written["hosts"]["web3"]["status"], written["hosts"]["web3"]["message"]) == ("unreachable", "no route to host")
    assert written["hosts"]["web4"]["status"] == "not_tried"
    assert read(case, "case.json")["unreachable"] == ["web3"]
    assert subprocess.run(["sha256sum", "--check", "--quiet", "MANIFEST.sha256"], cwd=case.path, check=False).returncode == 0


def test_judging_again_says_the_same(case: Case) -> None:
    store(case, "web1", attacked().document())
    judge(case, Settings())
    before = (case.path / "findings.jsonl").read_bytes()
    judge(case, Settings())
    assert (case.path / "findings.jsonl").read_bytes() == before


def test_what_could_not_be_judged_reaches_the_summary_as_visible_text(case: Case) -> None:
    host = attacked()
    host.sections["processes"]["items"].append({"pid": "x"})
    store(case, "web1", host.document())
    store(case, "web2", ["no", "document"])
    folder = next(case.path.glob("hosts/web1"))
    assert folder
    store(case, "web4", {})
    (case.path / "hosts" / "web4" / "facts.json.gz").write_bytes(b"\x1b[2Jdamaged")
    judge(case, Settings())
    hosts = read(case, "summary.json")["hosts"]
    assert hosts["web1"]["level"] == "high"
    for name in ("web1", "web2", "web4"):
        assert hosts[name]["problems"], name
        assert all(problem.isprintable() for problem in hosts[name]["problems"])


def test_commands_reach_the_hosts_as_the_run_did_also_when_drawn_again(case: Case) -> None:
    store(case, "web1", attacked().document())
    judge(case, Settings(ansible_options=("-i", "/srv/inventory", "-b")))
    again = judge(case, Settings())
    assert all(finding.next_step.startswith("ansible web1 -i /srv/inventory -b -m incident.response.") for finding in again.findings)
    other = judge(case, Settings(ansible_options=("-i", "/srv/other")))
    assert all(" -i /srv/other -m " in finding.next_step for finding in other.findings)


@pytest.mark.parametrize("options", ["-i x", 7, [7], {"a": "b"}, None])
def test_a_case_of_another_kind_has_no_options(case: Case, options: Any) -> None:
    store(case, "web1", attacked().document())
    known = read(case, "case.json")
    (case.path / "case.json").write_text(json.dumps({**known, "ansible_options": options}))
    assert judge(case, Settings()).findings[0].next_step.startswith("ansible web1 -m ")


def test_the_console_says_it_in_ten_seconds(case: Case) -> None:
    store(case, "web1", attacked().document())
    store(case, "web2", Host().document())
    case.store_miss("web3", RUN, "unreachable", "no route to host")
    meant_for(case, "web4")
    text = draw(judge(case, Settings()))
    lines = text.splitlines()
    assert "4 hosts: 2 reached, 1 unreachable, 1 not tried" in lines[1]
    assert any(line.split() == ["HIGH", "web1", "(1", "high,", "1", "medium)"] for line in lines)
    assert any(line.split() == ["nothing", "web2"] for line in lines)
    assert "web3: unreachable: no route to host" in text
    assert "Deleted executable still runs: /tmp/.x" in text
    assert f"next: ansible web1 -m incident.response.executable_facts -a pids={4242}" in text
    assert str(case.path) in lines[-1] or str(case.path) in lines[-2]
    assert len(lines) < 40


def test_the_console_shows_ten_findings_and_counts_the_rest(case: Case) -> None:
    host = Host()
    for number in range(25):
        host.runs(f"/tmp/worker{number}")
    store(case, "web1", host.document())
    text = draw(judge(case, Settings()))
    assert text.count("next: ") == 10
    assert "TOP 10 OF 25 FINDINGS" in text


def test_nothing_from_a_host_reaches_the_terminal_raw(case: Case) -> None:
    host = Host()
    host.runs("/tmp/\x1b]0;owned\x07\x1b[2J\u202e{{ 7*7 }}", exe_state="deleted", name="\x1b[2J\nroot")
    host.sections["ports"]["truncated"] = True
    document = host.document()
    document["sections"]["\x1b[31mports"] = {"truncated": True, "errors": "x"}
    document["collected_at"] = "\x1b[2J"
    store(case, "web\u202e1", document)
    case.store_miss("web\x1b[2J", RUN, "failed", "\x1b[2Jmodule failed\nsecond line")
    meant_for(case, "new\nhost")
    text = draw(judge(case, Settings()))
    for line in text.splitlines():
        assert line.isprintable(), line
    assert "\u202e" not in text
    assert "{{ 7*7 }}" in text


def test_a_case_without_hosts(case: Case) -> None:
    assert "No host was seen" in draw(judge(case, Settings()))


def test_coverage_is_counted(case: Case) -> None:
    host = Host()
    host.sections["processes"]["errors"] = [{"what": "x"}, {"what": "y"}]
    host.sections["ports"].update(truncated=True, errors=[{}])
    store(case, "web1", host.document())
    judge(case, Settings())
    written = read(case, "summary.json")["hosts"]["web1"]
    assert (written["errors"], written["truncated"], written["collected_at"]) == (3, ["ports"], "2026-11-23T15:45:00Z")


def test_a_section_that_was_not_read_is_said(case: Case) -> None:
    document = Host().document()
    document["sections"]["executables"] = {"items": [], "errors": [{"what": "section", "reason": "KeyError: 1", "count": 1, "subjects": []}]}
    store(case, "web1", document)
    drawn = draw(judge(case, Settings()))
    assert "DAMAGED   web1: the section executables was not read" in drawn
    assert read(case, "summary.json")["hosts"]["web1"]["errors"] == 1


def test_a_host_seen_without_root_is_said(case: Case) -> None:
    for name, is_root in (("web1", False), ("web2", True)):
        document = Host().document()
        document["sections"]["processes"]["host"]["is_root"] = is_root
        store(case, name, document)
    drawn = draw(judge(case, Settings()))
    assert "NOT ROOT  web1\n            seen in part only" in drawn
    assert [host["is_root"] for host in read(case, "summary.json")["hosts"].values()] == [False, True]


@pytest.mark.parametrize("sections", [None, [], "x", {"processes": 1}, {"processes": {"host": [], "errors": {}}}, {"processes": {"errors": [1, None]}}])
def test_coverage_takes_any_shape(case: Case, sections: Any) -> None:
    store(case, "web1", {"sections": sections})
    judge(case, Settings())
    assert read(case, "summary.json")["hosts"]["web1"]["status"] == "reached"


def test_silence_about_a_host_that_was_not_seen_is_no_good_news(case: Case) -> None:
    case.store_miss("web2", RUN, "unreachable", "no route to host")
    assert "No host was seen in full: nothing can be said." in draw(judge(case, Settings()))
    store(case, "web1", Host().document())
    assert "No finding above low on the 1 of 2 hosts that were seen in full." in draw(judge(case, Settings()))


def test_a_host_that_was_not_tried_stays_so_when_the_report_is_drawn_again(case: Case) -> None:
    meant_for(case, "web1", "web2")
    store(case, "web1", Host().document())
    for _time in range(2):
        assert [host.status for host in judge(case, Settings()).hosts] == ["reached", "not_tried"]


@pytest.mark.parametrize("name", ["facts.json.gz", "host.json"])
def test_a_damaged_file_costs_no_other_host(case: Case, name: str) -> None:
    store(case, "web1", attacked().document())
    store(case, "web2", Host().document())
    (case.path / "hosts" / "web2" / name).write_bytes(b"garbage")
    summary = judge(case, Settings())
    assert summary.findings and {finding.host for finding in summary.findings} == {"web1"}
    drawn = draw(summary)
    assert "web2: " in drawn and "damaged" in drawn


def test_a_bomb_is_one_hosts_problem(case: Case) -> None:
    store(case, "web1", attacked().document())
    data = gzip.compress(b'{"sections":{"ports":{"items":[' + b"[]," * (25 << 20) + b"[]]}}}")
    case.store_facts("web2", RUN, Answer(data, hashlib.sha256(data).hexdigest()))
    drawn = draw(judge(case, Settings()))
    assert "DAMAGED   web2: the facts unpack to more than 64 MiB" in drawn
    assert "web1: Deleted executable" in drawn


def test_hosts_copied_into_a_new_folder_are_a_case(case: Case, tmp_path: Path) -> None:
    store(case, "web1", attacked().document())
    merged = Case(str(tmp_path), "merged")
    assert not merged.exists()
    shutil.copytree(case.path / "hosts", merged.path / "hosts")
    assert merged.exists()
    assert {finding.host for finding in judge(merged, Settings()).findings} == {"web1"}
