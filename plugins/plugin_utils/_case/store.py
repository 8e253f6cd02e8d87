# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The case: one folder for one incident, the only memory there is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .answer import Answer, unpack
from .evidence import EvidenceFolder
from .files import locked, make_folder, read_json, write_bytes, write_json
from .manifest import add_to_manifest
from .names import check_case_id, host_folder, plain_name
from .run import Run, now

SCHEMA = 1
_LONGEST_MESSAGE = 2000
_ONLY_EVIDENCE = {"status": "not_tried", "message": "files were retrieved from it, but no facts"}


@dataclass(frozen=True)
class HostState:
    """What a case knows of one host: ``status`` of the latest attempt, and its facts where there are any."""

    name: str
    folder: Path
    status: str
    message: str
    attempts: list[dict[str, Any]]

    @property
    def facts_path(self) -> Path:
        """Where the newest facts are, whether or not there are any."""
        return self.folder / "facts.json.gz"

    def load_facts(self) -> Any:
        """The newest facts, ``None`` where there are none. Raises ``BadAnswer`` when they are damaged."""
        try:
            return unpack(self.facts_path.read_bytes())
        except FileNotFoundError:
            return None


class Case:
    """A case under ``base``. Everything it writes is atomic, and safe against other forks and runs."""

    def __init__(self, base: str, case: str) -> None:
        self.id = check_case_id(case)
        self.path = Path(base).expanduser().absolute() / self.id

    def exists(self) -> bool:
        """Tell whether anything was written to it."""
        return (self.path / "case.json").exists() or (self.path / "hosts").is_dir()

    def join(self, run: Run) -> None:
        """Enter a run into the case, making the case when it is the first."""
        with locked(self.path):
            known = read_json(self.path / "case.json") or {"schema": SCHEMA, "id": self.id, "created_at": now(), "runs": []}
            if not any(entry["id"] == run.id for entry in known["runs"]):
                known["runs"].append(run.as_record())
                write_json(self.path / "case.json", known)

    def store_facts(self, host: str, run: Run, answer: Answer) -> Path:
        """Keep a host's answer as it came; facts of an earlier attempt stay beside it under the time of that attempt."""
        folder = self._folder(host)
        with locked(folder):
            newest = folder / "facts.json.gz"
            record = self._record(folder, host)
            if newest.exists():
                # Copied, not moved: another run may judge the case at this moment, and must not find the host without facts.
                write_bytes(folder / f"facts-{len(record['attempts'])}.json.gz", newest.read_bytes())
                for attempt in record["attempts"]:
                    if attempt.get("facts") == newest.name:
                        attempt["facts"] = f"facts-{len(record['attempts'])}.json.gz"
            write_bytes(newest, answer.packed)
            record["attempts"].append({"run": run.id, "at": now(), "status": "reached", "message": "", "facts": newest.name, "sha256": answer.sha256})
            write_json(folder / "host.json", record)
        return newest

    def store_miss(self, host: str, run: Run, status: str, message: str) -> None:
        """Keep that a host was ``unreachable`` or that looking at it ``failed``, and why."""
        folder = self._folder(host)
        with locked(folder):
            record = self._record(folder, host)
            record["attempts"].append({"run": run.id, "at": now(), "status": status, "message": message[:_LONGEST_MESSAGE], "facts": None, "sha256": None})
            write_json(folder / "host.json", record)

    def evidence(self, host: str) -> EvidenceFolder:
        """Where files that are retrieved from a host are kept."""
        folder = self._folder(host)
        with locked(folder):
            if not (folder / "host.json").exists():
                write_json(folder / "host.json", self._record(folder, host))
        return EvidenceFolder(folder)

    def store_provenance(self, host: str, run: Run, records: Iterable[Mapping[str, Any]]) -> None:
        """Keep where files came from, or why they did not: a line each, in a file of the run, so that copies of a case merge."""
        path = self._folder(host) / f"evidence-{run.id}.jsonl"
        lines = "".join(json.dumps({"run": run.id, "retrieved_at": now(), **record}, ensure_ascii=True) + "\n" for record in records)
        if lines:
            with locked(path.parent):
                known = path.read_bytes() if path.exists() else b""
                write_bytes(path, known + lines.encode("ascii"))

    def certify_evidence(self, host: str) -> None:
        """Enter what retrieving from a host wrote into the manifest."""
        folder = self._folder(host)
        evidence = self.evidence(host).path.glob("[!.]*")
        add_to_manifest(self.path, [self.path / "case.json", folder / "host.json", *folder.glob("evidence-*.jsonl"), *evidence])

    def hosts(self) -> Iterator[HostState]:
        """Every host of the case, by folder name."""
        folders = sorted(path for path in (self.path / "hosts").glob("*") if path.is_dir() and not path.is_symlink())
        for folder in folders:
            yield self._state(folder)

    def meant(self) -> list[str]:
        """The hosts that the runs into the case were for, whether or not they got that far."""
        runs = (read_json(self.path / "case.json") or {}).get("runs", [])
        return list(dict.fromkeys(name for run in runs for name in run["hosts"]))

    def attempt(self, name: str, run: Run) -> dict[str, Any] | None:
        """What a run recorded of a host last; ``None`` for nothing. Raises ``ValueError`` when the record is damaged."""
        record = read_json(self.path / "hosts" / host_folder(name) / "host.json") or {"attempts": []}
        return next((attempt for attempt in reversed(record["attempts"]) if attempt["run"] == run.id), None)

    @staticmethod
    def _state(folder: Path) -> HostState:
        try:
            record = read_json(folder / "host.json") or {"name": plain_name(folder.name), "attempts": []}
        except ValueError as error:
            return HostState(plain_name(folder.name), folder, "failed", str(error), [])
        unknown = {"status": "reached", "message": ""} if any(folder.glob("facts*.json.gz")) else _ONLY_EVIDENCE
        latest: Mapping[str, Any] = record["attempts"][-1] if record["attempts"] else unknown
        return HostState(record["name"], folder, latest["status"], latest["message"], record["attempts"])

    def _folder(self, host: str) -> Path:
        return make_folder(self.path / "hosts" / host_folder(host))

    @staticmethod
    def _record(folder: Path, host: str) -> dict[str, Any]:
        record: dict[str, Any] = read_json(folder / "host.json") or {"name": host, "attempts": []}
        return record
