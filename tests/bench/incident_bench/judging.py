# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judging and drawing alone, of cases with many hosts. Each of them is a copy of the facts of one real look."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.ansible import collections_path

from .figures import Figure
from .machine import look_command, under_load

_PROCESSES = 200
_FEW, _MANY = 200, 1000
# Of the memory that the fewer hosts take.
_FLAT = 1.5
_PROGRAM = """
import json, sys, time
from ansible_collections.incident.response.plugins.plugin_utils._case.store import Case
from ansible_collections.incident.response.plugins.plugin_utils._detect.engine import Settings
from ansible_collections.incident.response.plugins.plugin_utils._report.console import draw
from ansible_collections.incident.response.plugins.plugin_utils._report.judge import judge
settings = Settings(expected_ports=frozenset(["22/tcp"]), cpu_percent=80.0, ansible_program="ansible", ansible_options=())
summary = judge(Case(sys.argv[1], sys.argv[2]), settings)
draw(summary)
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(json.dumps({"cpu": time.process_time(), "mib": int(peak) / 1024, "hosts": len(summary.hosts), "findings": summary.levels.total()}))
"""


def figures(folder: Path) -> Iterator[Figure]:
    """Time and memory with few and with many hosts."""
    facts = folder / "facts.json.gz"
    under_load("processes", _PROCESSES, folder, look_command(folder, keep=facts), rounds=1)
    few, many = (_judged(folder, facts.read_bytes(), count) for count in (_FEW, _MANY))
    for count, cost in ((_FEW, few), (_MANY, many)):
        note = f"{cost['findings']} findings; the facts of a host have {facts.stat().st_size >> 10} KiB packed, {_PROCESSES} processes"
        yield Figure(f"judging {count} hosts: CPU time", cost["cpu"], "s", None, note)
    yield Figure(f"judging {_FEW} hosts: peak memory", few["mib"], "MiB")
    yield Figure(f"judging {_MANY} hosts: peak memory", many["mib"], "MiB", round(few["mib"] * _FLAT))


def _judged(folder: Path, facts: bytes, count: int) -> dict[str, Any]:
    name = f"judged-{count}"
    for number in range(count):
        _write_host(folder / name / "hosts" / f"host{number:04}", facts)
    words = [sys.executable, "-c", _PROGRAM, str(folder), name]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": collections_path()}, check=True)
    cost: dict[str, Any] = json.loads(done.stdout)
    if cost["hosts"] != count:
        raise SystemExit(f"{cost['hosts']} hosts were judged, not {count}: there is nothing to compare.")
    return cost


def _write_host(folder: Path, facts: bytes) -> None:
    """A host of a case, as a triage leaves it."""
    folder.mkdir(parents=True)
    (folder / "facts.json.gz").write_bytes(facts)
    attempt = {
        "run": "bench",
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "status": "reached",
        "message": "",
        "facts": "facts.json.gz",
        "sha256": hashlib.sha256(facts).hexdigest(),
    }
    (folder / "host.json").write_text(json.dumps({"name": folder.name, "attempts": [attempt]}), encoding="utf-8")
