# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``executable_facts`` before a host that sends whatever it likes."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants

from ansible_collections.incident.response.plugins.action.executable_facts import ActionModule
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target
from ansible_collections.incident.response.plugins.module_utils._schema.executables import EXECUTABLE
from ansible_collections.incident.response.plugins.modules import executable_facts

_DATA = b"evidence"
_SHA256 = hashlib.sha256(_DATA).hexdigest()


class _Host(ActionModule):
    """The action plugin with a host behind it that answers with ``facts``, and with ``contents`` for pieces."""

    def __init__(self, arguments: dict[str, Any], facts: Any, contents: Any = None, **task: Any) -> None:
        task = {"args": arguments, "async_val": 0, "check_mode": False, "diff": False, "action": "incident.response.executable_facts", **task}
        connection = SimpleNamespace(has_native_async=False, _shell=SimpleNamespace(tmpdir=None))
        super().__init__(SimpleNamespace(**task), connection, SimpleNamespace(check_mode=False), None, None, None)
        self.facts = facts
        self.contents = contents
        self.calls: list[tuple[str | None, dict[str, Any]]] = []

    def _execute_module(self, module_name: str | None = None, module_args: dict[str, Any] | None = None, **_others: Any) -> Any:
        self.calls.append((module_name, module_args or {}))
        if module_name is None:
            return self.facts
        if isinstance(self.contents, BaseException):
            raise self.contents
        return {"contents": self.contents}


def _record(**change: Any) -> dict[str, Any]:
    record: dict[str, Any] = {field.name: None for field in EXECUTABLE.fields}
    record.update(path="/tmp/x", state="present", pids=[7], start_ticks=[70], package_state="unowned", sha256=_SHA256, size=8, device=1, inode=2)
    return {**record, **change}


def _facts(*items: Any, **more: Any) -> dict[str, Any]:
    return {"ansible_facts": {"incident_executables": {"items": list(items), "errors": []}, **more}}


def _content() -> dict[str, Any]:
    return {"data": base64.b64encode(zlib.compress(_DATA)).decode(), "sha256": _SHA256, "error": None}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the cases are; and a temporary folder of Ansible's."""
    (tmp_path / "local").mkdir()
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path / "local"))
    return tmp_path / "cases"


def _run(host: _Host) -> dict[str, Any]:
    return host.run(task_vars={"inventory_hostname": "web1", "ansible_play_hosts_all": ["web1"]})


def _retrieve(folder: Path, facts: Any, contents: Any = None, **options: Any) -> tuple[_Host, dict[str, Any]]:
    host = _Host({"retrieve": True, "case_dir": str(folder), "case": "c1", **options}, facts, contents)
    return host, _run(host)


def _evidence(folder: Path) -> list[Path]:
    return list((folder / "c1" / "hosts" / "web1" / "evidence").glob("*"))


def test_where_the_case_is_stays_here(folder: Path) -> None:
    host, result = _retrieve(folder, _facts(_record()), [_content()], pids=[7], max_evidence_size=100)
    assert host.calls[0] == (None, {"pids": [7]})
    assert [name for name, _arguments in host.calls] == [None, "incident.response.evidence_content"]
    assert "c1" not in json.dumps(host.calls)
    assert result["evidence"] == [{"sha256": _SHA256, "size": 8, "path": "/tmp/x", "pids": [7], "file": f"hosts/web1/evidence/{_SHA256}"}]
    assert (result["changed"], result["case"]) == (False, str(folder / "c1"))
    assert [path.read_bytes() for path in _evidence(folder)] == [_DATA]


def test_without_retrieve_nothing_is_written(folder: Path) -> None:
    host = _Host({"case_dir": str(folder), "pids": [7]}, _facts(_record(), ansible_connection="local"))
    assert _run(host) == _facts(_record())
    assert len(host.calls) == 1
    assert not folder.exists()


@pytest.mark.parametrize(
    "record",
    [
        _record(sha256="../../../../tmp/evil"),
        _record(sha256="/etc/cron.d/evil"),
        _record(size=1 << 62),
        _record(size=-5),
        _record(inode="2"),
        _record(pids=[7, 8]),
        ["a", "list"],
        None,
    ],
)
def test_records_that_lie_are_errors(folder: Path, record: Any) -> None:
    host, result = _retrieve(folder, _facts(record))
    (error,) = result["ansible_facts"]["incident_executables"]["errors"]
    assert (error["what"], error["count"]) == ("content of an executable", 1)
    assert result["evidence"] == [] and len(result["warnings"]) == 1
    assert len(host.calls) == 1 and not _evidence(folder)
    (line,) = (folder / "c1" / "hosts" / "web1").glob("evidence-*.jsonl")
    assert json.loads(line.read_text())["error"] == error["reason"]


@pytest.mark.parametrize(
    "contents", [None, [], [None], [{**_content(), "sha256": "0" * 64}], [{**_content(), "data": base64.b64encode(zlib.compress(b"x" * 10**7)).decode()}]]
)
def test_contents_that_lie_are_errors(folder: Path, contents: Any) -> None:
    _host, result = _retrieve(folder, _facts(_record()), contents)
    assert result["ansible_facts"]["incident_executables"]["errors"][0]["subjects"] == ["/tmp/x"]
    assert not _evidence(folder)


@pytest.mark.parametrize(
    "facts",
    [
        {"failed": True, "msg": "no such option"},
        {"ansible_facts": "text"},
        {"ansible_facts": {"incident_executables": []}},
        {"ansible_facts": {"incident_executables": {"items": {}}}},
        {"changed": True},
    ],
)
def test_an_answer_that_is_none_fails(folder: Path, facts: Any) -> None:
    _host, result = _retrieve(folder, facts)
    assert result["failed"] is True
    assert result["msg"].startswith("Nothing was retrieved: ")
    assert not _evidence(folder)


def test_no_fact_but_ours_comes_through(folder: Path) -> None:
    facts = _facts(_record(), ansible_connection="local", incident_case_dir="/etc")
    _host, result = _retrieve(folder, facts, [_content()])
    assert list(result["ansible_facts"]) == ["incident_executables"]


@pytest.mark.parametrize("problem", [RuntimeError("gone"), KeyboardInterrupt("timed out")])
def test_what_is_given_up_is_said_in_the_case(folder: Path, problem: BaseException) -> None:
    with pytest.raises(type(problem)):
        _retrieve(folder, _facts(_record()), problem)
    (line,) = (folder / "c1" / "hosts" / "web1").glob("evidence-*.jsonl")
    assert "it was given up before it was there" in json.loads(line.read_text())["error"]
    subprocess.run(["sha256sum", "--quiet", "-c", "MANIFEST.sha256"], cwd=folder / "c1", check=True)


def test_the_module_alone_does_not_retrieve() -> None:
    """As when Ansible gathers facts with it, and no controller's half stands before it."""
    with pytest.raises(ValueError, match="needs the controller"):
        executable_facts._collect(Target(), retrieve=True, case_dir="cases", case=None, max_evidence_size=1)


def test_retrieving_does_not_go_on_in_the_background(folder: Path) -> None:
    host = _Host({"retrieve": True, "case_dir": str(folder)}, _facts(), async_val=60)
    result = _run(host)
    assert result["failed"] and "async" in result["msg"]
    assert not host.calls and not folder.exists()
