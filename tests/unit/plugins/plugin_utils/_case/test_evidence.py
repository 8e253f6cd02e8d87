# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence in a case: its files, where they came from, and the manifest."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import subprocess
from pathlib import Path

import pytest

from ansible_collections.incident.response.plugins.plugin_utils._case.evidence import BadEvidence, EvidenceFolder
from ansible_collections.incident.response.plugins.plugin_utils._case.manifest import write_manifest
from ansible_collections.incident.response.plugins.plugin_utils._case.run import Run
from ansible_collections.incident.response.plugins.plugin_utils._case.store import Case


def _run(number: int = 1) -> Run:
    return Run(f"20261123T154500Z-{number}", "2026-11-23T15:45:00Z", "operator", "controller", "web", "2.19.14", "3.11.2", "0.1.0")


def _retrieve(case: Case, host: str, data: bytes, run: Run) -> str:
    sha256 = hashlib.sha256(data).hexdigest()
    incoming = case.evidence(host).receive(sha256, len(data))
    incoming.add(data)
    incoming.keep()
    case.store_provenance(host, run, [{"sha256": sha256}])
    case.certify_evidence(host)
    return sha256


def _verifies(case: Case) -> bool:
    return subprocess.run(["sha256sum", "--status", "--strict", "-c", "MANIFEST.sha256"], cwd=case.path, check=False).returncode == 0


def _listed(case: Case) -> set[str]:
    return {line.split("  ", 1)[1] for line in (case.path / "MANIFEST.sha256").read_text(encoding="utf-8").splitlines()}


def _files(case: Case) -> set[str]:
    return {path.relative_to(case.path).as_posix() for path in case.path.rglob("*") if path.is_file()} - {"MANIFEST.sha256"}


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "", "AB" * 32, "ab" * 32 + "\n", ".new-" + "ab" * 32])
def test_nothing_but_a_digest_names_a_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadEvidence):
        EvidenceFolder(tmp_path).receive(name, 0)
    with pytest.raises(BadEvidence):
        EvidenceFolder(tmp_path).has(name)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_link_in_the_evidence_is_no_evidence(tmp_path: Path) -> None:
    sha256 = hashlib.sha256(b"x").hexdigest()
    (tmp_path / "x").write_bytes(b"x")
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / sha256).symlink_to(tmp_path / "x")
    assert not EvidenceFolder(tmp_path).has(sha256)


def test_the_manifest_has_evidence_at_once(tmp_path: Path) -> None:
    case = Case(str(tmp_path), "c1")
    case.join(_run(1))
    _retrieve(case, "web1", b"one", _run(1))
    assert _verifies(case)
    write_manifest(case.path)
    case.join(_run(2))
    _retrieve(case, "web2", b"two", _run(2))
    assert _verifies(case)
    assert _listed(case) == _files(case)


def test_the_manifest_does_not_certify_damaged_evidence(tmp_path: Path) -> None:
    case = Case(str(tmp_path), "c1")
    path = case.evidence("web1").path / _retrieve(case, "web1", b"one", _run())
    path.chmod(0o600)
    path.write_bytes(b"onf")
    write_manifest(case.path)
    assert not _verifies(case)


def test_where_it_came_from_is_kept_for_each_run(tmp_path: Path) -> None:
    case = Case(str(tmp_path), "c1")
    for number, data in ((1, b"one"), (1, b"two"), (2, b"one")):
        _retrieve(case, "web1", data, _run(number))
    records = {path.name: [json.loads(line) for line in path.read_text().splitlines()] for path in (case.path / "hosts" / "web1").glob("*.jsonl")}
    assert {name: len(lines) for name, lines in records.items()} == {f"evidence-20261123T154500Z-{number}.jsonl": 3 - number for number in (1, 2)}
    assert all(line["run"] in name for name, lines in records.items() for line in lines)
    assert len(list(case.evidence("web1").path.iterdir())) == 2


def test_a_host_of_which_there_is_only_evidence_was_not_looked_at(tmp_path: Path) -> None:
    case = Case(str(tmp_path), "c1")
    name = "../" * 100 + "web"
    _retrieve(case, name, b"one", _run())
    (host,) = case.hosts()
    assert (host.name, host.status) == (name, "not_tried")


def test_copies_of_a_case_merge(tmp_path: Path) -> None:
    """Two controllers retrieved from one host; copying their folders together loses nothing."""
    cases = [Case(str(tmp_path / str(number)), "c1") for number in (1, 2)]
    for number, case in enumerate(cases):
        _retrieve(case, "web1", b"both have this", _run(number))
        _retrieve(case, "web1", b"only %d has this" % number, _run(number))
    subprocess.run(["cp", "-a", "-f", f"{cases[1].path}/hosts", str(cases[0].path)], check=True)
    write_manifest(cases[0].path)
    assert _verifies(cases[0])
    assert len(list(cases[0].evidence("web1").path.iterdir())) == 3
    assert len(list((cases[0].path / "hosts" / "web1").glob("evidence-*.jsonl"))) == 2


def _fork(base: str, number: int) -> None:
    case = Case(base, "c1")
    case.join(_run(number % 3))
    for count in range(5):
        _retrieve(case, f"host{number % 4}", b"%d" % (number * count), _run(number % 3))


def test_parallel_forks_and_runs_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    forks = [context.Process(target=_fork, args=(str(tmp_path), number)) for number in range(16)]
    for fork in forks:
        fork.start()
    for fork in forks:
        fork.join()
        assert fork.exitcode == 0
    case = Case(str(tmp_path), "c1")
    assert _verifies(case)
    assert _listed(case) == _files(case)
    lines = [line for path in case.path.rglob("evidence-*.jsonl") for line in path.read_text().splitlines()]
    assert len(lines) == 80
    for path in case.path.rglob("evidence/*"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
