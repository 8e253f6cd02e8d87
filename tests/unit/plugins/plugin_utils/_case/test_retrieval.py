# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Retrieving from hosts that tell the truth, and from hosts that lie."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.incident.response.plugins.module_utils._schema.executables import EXECUTABLE
from ansible_collections.incident.response.plugins.plugin_utils._case import retrieval
from ansible_collections.incident.response.plugins.plugin_utils._case.evidence import EvidenceFolder
from ansible_collections.incident.response.plugins.plugin_utils._case.executable_record import Executable
from ansible_collections.incident.response.plugins.plugin_utils._case.retrieval import Outcome, Retrieval

Answer = dict[str, Any]
_MOST = 1 << 30


class _Host:
    """A host that has files by inode number, and answers as the module does; ``spoil`` then changes its answer."""

    def __init__(self, *files: bytes, spoil: Callable[[Answer], Any] | None = None) -> None:
        self.files = dict(enumerate(files))
        self.calls: list[list[dict[str, Any]]] = []
        self._spoil = spoil

    def ask(self, pieces: list[dict[str, Any]]) -> Mapping[str, Any]:
        self.calls.append(pieces)
        answer = {"contents": [_content(self.files[piece["inode"]][piece["offset"] : piece["offset"] + piece["length"]]) for piece in pieces]}
        if self._spoil is None:
            return answer
        spoilt = self._spoil(answer)
        return answer if spoilt is None else spoilt

    def executables(self) -> list[Executable]:
        return [_executable(number, data) for number, data in self.files.items()]


def _content(data: bytes) -> Answer:
    return {"data": _packed(data), "sha256": hashlib.sha256(data).hexdigest(), "error": None}


def _packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


def _executable(inode: int, data: bytes) -> Executable:
    record = {field.name: None for field in EXECUTABLE.fields}
    return Executable.of(
        {
            **record,
            "path": f"/tmp/{inode}",
            "state": "deleted",
            "pids": [7],
            "start_ticks": [70],
            "package_state": "unowned",
            "sha256": hashlib.sha256(data).hexdigest(),
            "size": len(data),
            "device": 1,
            "inode": inode,
        },
        _MOST,
    )


def _run(folder: Path, host: _Host) -> list[Outcome]:
    return [outcome for outcomes in Retrieval(EvidenceFolder(folder), host.ask).run(host.executables()) for outcome in outcomes]


def _kept(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "evidence").glob("*")} if (folder / "evidence").exists() else {}


def _named(*files: bytes) -> dict[str, bytes]:
    return {hashlib.sha256(data).hexdigest(): data for data in files}


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieval, "PIECE", 1000)
    monkeypatch.setattr(retrieval, "_BYTES_A_CALL", 2500)


def test_files_come_whole(tmp_path: Path) -> None:
    files = (b"", b"small", os.urandom(1000), os.urandom(1001), os.urandom(7777))
    host = _Host(*files)
    outcomes = _run(tmp_path, host)
    assert [outcome.error for outcome in outcomes] == [None] * 5
    assert _kept(tmp_path) == _named(*files)
    lengths = [[piece["length"] for piece in call] for call in host.calls]
    assert lengths == [[0, 5, 1000, 1000, 1], [1000, 1000], [1000, 1000], [1000, 1000], [1000, 777]]


def test_evidence_cannot_be_run_or_changed_by_accident(tmp_path: Path) -> None:
    _run(tmp_path, _Host(b"#!/bin/sh"))
    (path,) = (tmp_path / "evidence").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_is_there_is_not_asked_for_again(tmp_path: Path) -> None:
    _run(tmp_path, _Host(b"one"))
    again = _Host(b"one", b"two")
    assert [outcome.error for outcome in _run(tmp_path, again)] == [None, None]
    assert [[piece["inode"] for piece in call] for call in again.calls] == [[1]]


def test_damaged_evidence_is_retrieved_again(tmp_path: Path) -> None:
    _run(tmp_path, _Host(b"one"))
    (path,) = (tmp_path / "evidence").iterdir()
    path.chmod(0o600)
    path.write_bytes(b"onf")
    _run(tmp_path, _Host(b"one"))
    assert _kept(tmp_path) == _named(b"one")


def test_two_with_the_same_content_are_one_file(tmp_path: Path) -> None:
    host = _Host(b"same", b"same", b"other")
    outcomes = _run(tmp_path, host)
    assert {outcome.executable.inode: outcome.error for outcome in outcomes} == {0: None, 1: None, 2: None}
    assert _kept(tmp_path) == _named(b"same", b"other")
    assert [[piece["inode"] for piece in call] for call in host.calls] == [[0, 2]]


def test_of_two_with_the_same_content_the_second_stands_in_for_the_first(tmp_path: Path) -> None:
    def spoil(answer: Answer) -> None:
        if len(host.calls) == 1:
            answer["contents"][0]["error"] = "is gone"

    host = _Host(b"same", b"same", spoil=spoil)
    outcomes = _run(tmp_path, host)
    assert {outcome.executable.inode: outcome.error for outcome in outcomes} == {0: "is gone", 1: None}
    assert _kept(tmp_path) == _named(b"same")


def test_a_bounded_number_of_pieces_a_call(tmp_path: Path) -> None:
    host = _Host(*(b"%d" % number for number in range(200)))
    _run(tmp_path, host)
    assert max(len(call) for call in host.calls) == 64
    assert len(_kept(tmp_path)) == 200


def _first(**change: Any) -> Callable[[Answer], None]:
    def spoil(answer: Answer) -> None:
        answer["contents"][0].update(change)

    return spoil


_BOMB = _packed(b"\0" * (1 << 26))
_LIES: dict[str, tuple[Callable[[Answer], Any], str]] = {
    "an error": (_first(error="is gone"), "is gone"),
    "an error that is no text": (_first(error={"a": 1}), "'a': 1"),
    "an endless error": (_first(error="x" * 10**6), "x" * 500),
    "no bytes": (_first(data=None), "no bytes"),
    "numbers": (_first(data=[1, 2]), "no bytes"),
    "no base64": (_first(data="%%%%"), "cannot be unpacked"),
    "text beyond ASCII": (_first(data="ü"), "cannot be unpacked"),
    "not compressed": (_first(data=base64.b64encode(b"asked for").decode()), "cannot be unpacked"),
    "a bomb": (_first(data=_BOMB), "more bytes than it was asked for"),
    "too much to look at": (_first(data="A" * (1 << 26)), "more than it was asked for"),
    "one byte more": (_first(data=_packed(b"asked for!")), "more bytes than it was asked for"),
    "one byte less": (_first(data=_packed(b"asked fo")), "did not send all"),
    "cut in the middle": (_first(data=base64.b64encode(zlib.compress(b"asked for")[:-1]).decode()), "did not send all"),
    "something behind": (_first(data=base64.b64encode(zlib.compress(b"asked for") + b"!").decode()), "something else with them"),
    "other bytes": (_first(data=_packed(b"something")), "does not have the SHA-256 that the host sent"),
    "other bytes with their digest": (_first(**_content(b"something")), "does not have the SHA-256 of the facts"),
    "a digest that is none": (_first(sha256="../../evil"), "does not have the SHA-256 that the host sent"),
    "no digest": (_first(sha256=None), "does not have the SHA-256 that the host sent"),
    "a failure": (lambda _answer: {"failed": True, "msg": "MODULE FAILURE", "module_stderr": "Killed"}, "MODULE FAILURE: Killed"),
    "no contents": (lambda _answer: {"changed": True}, "not what it was asked for"),
    "contents of another kind": (lambda _answer: {"contents": {"0": {}}}, "not what it was asked for"),
    "an entry of another kind": (lambda _answer: {"contents": ["x"]}, "not what it was asked for"),
    "more entries": (lambda answer: {"contents": answer["contents"] * 2}, "not what it was asked for"),
    "no entries": (lambda _answer: {"contents": []}, "not what it was asked for"),
}


@pytest.mark.parametrize("lie", _LIES)
def test_a_lie_leaves_nothing(tmp_path: Path, lie: str) -> None:
    spoil, reason = _LIES[lie]
    (outcome,) = _run(tmp_path, _Host(b"asked for", spoil=spoil))
    assert outcome.error is not None and reason in outcome.error
    assert len(outcome.error) <= 600
    assert not _kept(tmp_path)


def test_a_piece_that_fails_costs_no_other_file(tmp_path: Path) -> None:
    """Of a file that failed, nothing more is asked for, and nothing of it is left."""
    large, small = os.urandom(9000), b"small"

    def spoil(answer: Answer) -> None:
        if len(host.calls) == 2:
            answer["contents"][0]["error"] = "was changed while it was read"

    host = _Host(large, small, spoil=spoil)
    outcomes = _run(tmp_path, host)
    assert [outcome.error for outcome in outcomes] == ["was changed while it was read", None]
    assert _kept(tmp_path) == _named(small)
    assert len(host.calls) == 3


def test_pieces_of_a_file_that_changed_between_them_do_not_make_one(tmp_path: Path) -> None:
    def spoil(answer: Answer) -> None:
        if len(host.calls) == 2:
            answer["contents"][0] = _content(b"y" * 1000)

    host = _Host(b"x" * 5000, spoil=spoil)
    (outcome,) = _run(tmp_path, host)
    assert outcome.error is not None and "does not have the SHA-256 of the facts" in outcome.error
    assert not _kept(tmp_path)


def test_a_connection_that_is_lost_leaves_nothing_unfinished(tmp_path: Path) -> None:
    def spoil(_answer: Answer) -> None:
        if len(host.calls) == 2:
            raise ConnectionError("gone")

    host = _Host(b"first", os.urandom(5000), spoil=spoil)
    taken = Retrieval(EvidenceFolder(tmp_path), host.ask).run(host.executables())
    outcomes: list[Outcome] = []
    with pytest.raises(ConnectionError):
        for found in taken:
            outcomes += found
    assert [outcome.error for outcome in outcomes] == [None]
    assert _kept(tmp_path) == _named(b"first")


def test_a_full_disk_is_said_and_leaves_nothing_unfinished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        _run(tmp_path, _Host(b"first"))
    assert not _kept(tmp_path)


def test_what_is_asked_for_identifies_the_file(tmp_path: Path) -> None:
    host = _Host(b"data")
    _run(tmp_path, host)
    ((piece,),) = host.calls
    path = base64.b64encode(b"/tmp/0").decode()
    assert piece == {"pids": [7], "start_ticks": [70], "path": path, "device": 1, "inode": 0, "size": 4, "offset": 0, "length": 4}
