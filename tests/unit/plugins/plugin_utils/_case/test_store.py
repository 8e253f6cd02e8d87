# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The case on disk."""

from __future__ import annotations

import gzip
import hashlib
import json
import multiprocessing
import os
import stat
import subprocess
from pathlib import Path

import pytest

from ansible_collections.incident.response.plugins.plugin_utils._case import files
from ansible_collections.incident.response.plugins.plugin_utils._case.answer import Answer
from ansible_collections.incident.response.plugins.plugin_utils._case.manifest import write_manifest
from ansible_collections.incident.response.plugins.plugin_utils._case.run import Run
from ansible_collections.incident.response.plugins.plugin_utils._case.store import Case


def _run(number: int = 1) -> Run:
    return Run(f"20261123T154500Z-{number}", "2026-11-23T15:45:00Z", "operator", "controller", "web", "2.19.14", "3.11.2", "0.1.0")


def _answer(value: object) -> Answer:
    data = gzip.compress(json.dumps(value).encode())
    return Answer(data, hashlib.sha256(data).hexdigest())


def test_facts_of_every_attempt_stay(tmp_path: Path) -> None:
    case = Case(str(tmp_path), "c1")
    case.join(_run(1))
    case.store_facts("web1", _run(1), _answer({"n": 1}))
    case.store_facts("web1", _run(2), _answer({"n": 2}))
    case.store_miss("web1", _run(3), "unreachable", "no route to host")
    (host,) = case.hosts()
    assert host.status == "unreachable"
    assert host.message == "no route to host"
    assert host.load_facts() == {"n": 2}
    contents = {attempt["run"][-1]: attempt.get("facts") for attempt in host.attempts}
    assert contents == {"1": "facts-1.json.gz", "2": "facts.json.gz", "3": None}
    for attempt in host.attempts[:2]:
        assert hashlib.sha256((host.folder / attempt["facts"]).read_bytes()).hexdigest() == attempt["sha256"]


def test_each_run_has_an_attempt_of_its_own(tmp_path: Path) -> None:
    case = Case(str(tmp_path), "c1")
    case.store_miss("web1", _run(1), "failed", "its Python did not answer")
    case.store_facts("web1", _run(1), _answer({}))
    case.store_miss("web1", _run(2), "unreachable", "no route to host")
    outcomes = [(case.attempt("web1", _run(number)) or {}).get("status") for number in (1, 2, 3)]
    assert outcomes == ["reached", "unreachable", None]
    assert case.attempt("web2", _run(1)) is None


def test_nobody_else_can_read_a_case(tmp_path: Path) -> None:
    case = Case(str(tmp_path / "cases"), "c1")
    case.join(_run())
    case.store_facts("web1", _run(), _answer({}))
    for path in [case.path, *case.path.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def _fork(base: str, number: int) -> None:
    case = Case(base, "c1")
    case.join(_run(number % 5))
    case.store_facts(f"host{number % 10}", _run(number % 5), _answer({"n": number}))


def test_parallel_forks_and_runs_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    forks = [context.Process(target=_fork, args=(str(tmp_path), number)) for number in range(40)]
    for fork in forks:
        fork.start()
    for fork in forks:
        fork.join()
        assert fork.exitcode == 0
    case = Case(str(tmp_path), "c1")
    hosts = list(case.hosts())
    assert len(hosts) == 10
    assert sum(len(host.attempts) for host in hosts) == 40
    assert len({gzip.decompress(path.read_bytes()) for path in case.path.rglob("facts*.gz")}) == 40
    assert len(json.loads((case.path / "case.json").read_bytes())["runs"]) == 5


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    files.write_bytes(path, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_sha256sum_verifies_the_case(tmp_path: Path) -> None:
    case = Case(str(tmp_path), "c1")
    case.join(_run())
    case.store_facts("../../{{ evil }}", _run(), _answer({}))
    write_manifest(case.path)
    subprocess.run(["sha256sum", "--quiet", "-c", "MANIFEST.sha256"], cwd=case.path, check=True)
    assert {path.name for path in tmp_path.iterdir()} == {"c1"}


def test_a_planted_link_among_the_hosts_is_no_host(tmp_path: Path) -> None:
    case = Case(str(tmp_path), "c1")
    case.store_facts("web1", _run(), _answer({}))
    (case.path / "hosts" / "web2").symlink_to("/etc")
    assert [host.name for host in case.hosts()] == ["web1"]
