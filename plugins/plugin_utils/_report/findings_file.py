# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``findings.jsonl``: the findings of all hosts in order, in memory for one host at a time."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from ansible_collections.incident.response.plugins.plugin_utils._case.files import write_chunks
from ansible_collections.incident.response.plugins.plugin_utils._detect.finding import Finding, by_urgency, urgency

MOST_URGENT = 100


class FindingsFile:
    """Takes the findings of one host after the other; keeps their lines on the disk, and of each only its place in the order.

    ``most_urgent`` are the first ``MOST_URGENT`` of all, ``levels`` counts them.
    """

    def __init__(self, folder: Path) -> None:
        self._lines = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # pylint: disable=consider-using-with
        # Level, rules that agree, host, place among those of the host, and where the line is: no text of the finding itself.
        self._places: list[tuple[int, int, str, int, int, int]] = []
        self.most_urgent: list[Finding] = []
        self.levels: Counter[str] = Counter()

    def add(self, findings: Iterable[Finding]) -> None:
        """Take the findings of a host."""
        known = by_urgency(findings)
        for number, finding in enumerate(known):
            line = json.dumps(finding.as_record(), ensure_ascii=True).encode("ascii") + b"\n"
            self._places.append((*urgency(finding)[:3], number, self._lines.tell(), len(line)))
            self._lines.write(line)
        self.levels.update(finding.level for finding in known)
        self.most_urgent = by_urgency([*self.most_urgent, *known])[:MOST_URGENT]

    def write(self, path: Path) -> None:
        """Write all of them, the most urgent first."""
        with self._lines:
            write_chunks(path, self._in_order())

    def _in_order(self) -> Iterator[bytes]:
        self._places.sort()
        for *_urgency, offset, length in self._places:
            self._lines.seek(offset)
            yield self._lines.read(length)
