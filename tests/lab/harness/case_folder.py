# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A case, as it lies on the disk."""

from __future__ import annotations

import gzip
import json
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class CaseFolder:
    """A case below ``path``."""

    path: Path

    def facts(self, host: str) -> Any:
        """What a host sent last. ``host`` is the name of its folder."""
        return json.loads(gzip.decompress((self.path / "hosts" / host / "facts.json.gz").read_bytes()))

    @cached_property
    def findings(self) -> list[dict[str, Any]]:
        """All findings, in their order."""
        return [json.loads(line) for line in (self.path / "findings.jsonl").read_text(encoding="utf-8").splitlines()]

    def findings_of(self, host: str) -> list[dict[str, Any]]:
        """The findings of one host."""
        return [finding for finding in self.findings if finding["host"] == host]

    @property
    def summary(self) -> Any:
        """What the case comes to."""
        return self._json("summary.json")

    @property
    def head(self) -> Any:
        """``case.json``."""
        return self._json("case.json")

    @property
    def hosts(self) -> set[str]:
        """The folders of hosts."""
        return {path.name for path in (self.path / "hosts").iterdir()}

    def host(self, host: str) -> Any:
        """``host.json`` of a host."""
        return self._json(f"hosts/{host}/host.json")

    def attempts(self, host: str) -> Any:
        """The attempts at a host."""
        return self.host(host)["attempts"]

    def files(self) -> set[str]:
        """Every file of the case, below it."""
        return {path.relative_to(self.path).as_posix() for path in self.path.rglob("*") if path.is_file()}

    def verify(self) -> None:
        """Assert that the manifest holds, by the tool that it is written for, and that it names every file."""
        done = subprocess.run(["sha256sum", "--strict", "-c", "MANIFEST.sha256"], cwd=self.path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        named = {line.split("  ", 1)[1] for line in (self.path / "MANIFEST.sha256").read_text(encoding="utf-8").splitlines()}
        assert named | {"MANIFEST.sha256"} == self.files()

    def _json(self, name: str) -> Any:
        return json.loads((self.path / name).read_text(encoding="utf-8"))
