# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which records are retrieved, and what of a record is believed."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.incident.response.plugins.module_utils._schema.executables import EXECUTABLE
from ansible_collections.incident.response.plugins.plugin_utils._case.executable_record import BadRecord, Executable, choose

_MOST = 1 << 30
_SHA256 = "ab" * 32


def _record(**change: Any) -> dict[str, Any]:
    record: dict[str, Any] = {field.name: None for field in EXECUTABLE.fields}
    record.update(path="/tmp/x", state="present", pids=[7], start_ticks=[70], package_state="unowned", sha256=_SHA256, size=10, device=1, inode=2)
    return {**record, **change}


def _chosen(*records: Any, asked: bool = False, most: int = _MOST, in_all: int = _MOST) -> tuple[list[str], list[str]]:
    choice = choose(records, asked, most, in_all)
    return [str(taken.record["path"]) for taken in choice.taken], [reason for _record, reason in choice.refused]


@pytest.mark.parametrize("state", ["changed", "updated", "unowned", "unknown", "foreign", "unreadable"])
def test_what_no_package_vouches_for(state: str) -> None:
    records = [_record(path="/a", package_state="unchanged"), _record(path="/b", package_state=state)]
    assert _chosen(*records) == (["/b"], [])


def test_what_is_asked_for_is_taken_whoever_vouches_for_it() -> None:
    assert _chosen(_record(package_state="unchanged"), asked=True) == (["/tmp/x"], [])


def test_limits_are_said() -> None:
    records = [_record(path=f"/{size}", size=size, sha256=f"{size:064}") for size in (50, 20, 100, 30)]
    taken, refused = _chosen(*records, most=99, in_all=60)
    assert taken == ["/20", "/30"]
    assert refused[0] == "is larger than max_file_size: 100 bytes"
    assert refused[1] == "no more than max_evidence_size are retrieved from a host at once, the smallest files first: 60 bytes"
    assert _chosen(_record(size=99), most=99, in_all=99) == (["/tmp/x"], [])
    assert _chosen(_record(size=99), _record(size=99), in_all=99) == (["/tmp/x"] * 2, [])


def test_a_giant_without_a_hash_is_refused_for_its_size() -> None:
    assert _chosen(_record(size=8 << 30, sha256=None)) == ([], [f"is larger than max_file_size: {8 << 30} bytes"])


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        [],
        {},
        _record(path=None),
        _record(path=7),
        _record(path="x" * 20000),
        _record(pids="7"),
        _record(pids=["7"]),
        _record(pids=[7, 8]),
        _record(pids=[True]),
        _record(start_ticks=None),
        _record(sha256=None),
        _record(sha256=7),
        _record(sha256="../../../etc/cron.d/evil"),
        _record(sha256="ab" * 31 + "/."),
        _record(sha256=("ab" * 32).upper()),
        _record(sha256="ab" * 32 + "\n"),
        _record(sha256="ab" * 33),
        _record(size=-1),
        _record(size=0),
        _record(size="10"),
        _record(size=True),
        _record(size=10.0),
        _record(size=1 << 70),
        _record(device=None),
        _record(inode=[2]),
        _record(raw={"path": "%%%"}),
    ],
)
def test_what_does_not_identify_a_file_is_refused(value: Any) -> None:
    with pytest.raises(BadRecord):
        Executable.of(value, _MOST)
    taken, refused = _chosen(value, _record(path="/fine"))
    assert taken == ["/fine"]
    assert len(refused) == 1


def test_the_bytes_of_a_path() -> None:
    assert Executable.of(_record(path="/tmp/ü"), _MOST).path == b"/tmp/\xc3\xbc"
    assert Executable.of(_record(path="/tmp/\\xff", raw={"path": "L3RtcC//"}), _MOST).path == b"/tmp/\xff"
    assert Executable.of(_record(path="/tmp/\ud800"), _MOST).record["path"] == "/tmp/\\ud800"


def test_nothing_that_is_not_declared_gets_into_the_case() -> None:
    record = dict(Executable.of(_record(owner={"a": 1}, is_setuid="yes", evil="x", mode="0755", raw={"path": "L3g=", "evil": 1}), _MOST).record)
    assert record["owner"] is None and record["is_setuid"] is None and record["mode"] == "0755"
    assert record.pop("raw") == {"path": "L3g="}
    assert list(record) == [field.name for field in EXECUTABLE.fields]
