# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module on this machine, in namespaces of its own that hold nothing but a load."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .figures import Figure

_HERE = Path(__file__).resolve().parent
_MODULE_UTILS = _HERE.parents[2] / "plugins" / "module_utils"
_PACKAGE = "ansible_collections/incident/response/plugins/module_utils"
_ROUNDS = 3
_TIMEOUT = 280
_ENOUGH = 50000  # a limit that no list reaches here
_LISTENERS = 200
_SOCKETS = 10000
# The bars. A look at 1,000 processes may take so much; the others are told without a bar.
_MOST_CPU = 2.0
_MOST_MIB = 100.0
_BARRED_PROCESSES = 1000
_MOST_FOR_LISTENERS = 0.1
_MAY_START = {"journalctl", "rpm"}


def private(words: Sequence[str]) -> list[str]:
    """A command with processes and a network of its own (unshare(1)); it sees no others."""
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *as_root, "--pid", "--net", "--fork", "--kill-child", "--mount-proc", *words]


def under_load(kind: str, count: int, folder: Path, command: Sequence[str], rounds: int = _ROUNDS) -> list[dict[str, Any]]:
    """Run a command under a load, and return what it and ``load.py`` say of each run as JSON."""
    words = private([sys.executable, str(_HERE / "load.py"), kind, str(count), str(folder), str(rounds), *command])
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=_TIMEOUT, check=False)
    lines = [record for line in done.stdout.decode().splitlines() for record in _records(line)]
    if done.returncode or not lines or any(line.get("status") for line in lines):
        raise SystemExit(f"{' '.join(words)} failed, so there is nothing to compare:\n{done.stderr.decode('utf-8', 'backslashreplace')[-3000:]}")
    return lines


def _records(line: str) -> list[dict[str, Any]]:
    """The record that a line is; other programs say other things."""
    try:
        value = json.loads(line)
    except ValueError:
        return []
    return [value] if isinstance(value, dict) else []


def archive(folder: Path) -> Path:
    """The target's code, packed as Ansible sends it."""
    path = folder / "module.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        parts = _PACKAGE.split("/")
        for depth in range(1, len(parts)):
            packed.writestr("/".join([*parts[:depth], "__init__.py"]), "")
        packed.writestr(f"{_PACKAGE}/__init__.py", "")
        for source in sorted(_MODULE_UTILS.rglob("*.py")):
            packed.write(source, f"{_PACKAGE}/{source.relative_to(_MODULE_UTILS).as_posix()}")
    return path


def look_command(folder: Path, section: str = "all", keep: Path | None = None) -> list[str]:
    """One look, as a command."""
    return [sys.executable, str(_HERE / "look.py"), str(archive(folder)), section, str(_ENOUGH), *([str(keep)] if keep else [])]


def looks(kind: str, count: int, folder: Path, section: str = "all") -> tuple[list[dict[str, Any]], int]:
    """What some looks under a load cost, and how many processes there were."""
    lines = under_load(kind, count, folder, look_command(folder, section))
    costs = [line for line in lines if "cpu" in line]
    if any(cost["failed"] for cost in costs):
        raise SystemExit(f"A section was not read, so there is nothing to compare: {costs[0]['failed']}")
    return costs, max(line["processes"] for line in lines if "wall" in line)


def median(costs: Sequence[dict[str, Any]], name: str) -> float:
    """The median of one figure."""
    return statistics.median(float(cost[name]) for cost in costs)


def process_figures(folder: Path) -> Iterator[Figure]:
    """CPU time and memory of the module, all sections, hashing included, no pause."""
    for count in (100, 1000, 5000):
        costs, there = looks("processes", count, folder)
        has_bar = count == _BARRED_PROCESSES
        note = f"{there} processes there, {costs[0]['items']['processes']} seen, {costs[0]['items']['executables']} programs hashed"
        yield Figure(f"{count} processes: CPU time", median(costs, "cpu"), "s", _MOST_CPU if has_bar else None, note)
        yield Figure(f"{count} processes: peak memory", median(costs, "mib"), "MiB", _MOST_MIB if has_bar else None)
        started = [name for name in costs[0]["started"] if name not in _MAY_START]
        yield Figure(f"{count} processes: programs started but journalctl, rpm", len(started), "", 0, ", ".join(sorted(set(started))))


def socket_figures(folder: Path) -> Iterator[Figure]:
    """What the section ``ports`` takes, against ``ss`` on the same sockets."""
    costs, _there = looks("listeners", _LISTENERS, folder, "ports")
    note = f"{costs[0]['items']['ports']} sockets seen"
    yield Figure(f"{_LISTENERS} listeners: reading the section ports", _quickest(costs), "s", _MOST_FOR_LISTENERS, note)
    yield Figure(f"{_LISTENERS} listeners: CPU time of that", median(costs, "reading"), "s")
    yield from _other_tools(folder)
    costs, _there = looks("pairs", _SOCKETS // 2, folder, "ports")
    yield Figure(f"{_SOCKETS} connected sockets: reading the section ports", _quickest(costs), "s", None, f"{costs[0]['items']['ports']} sockets seen")
    yield Figure(f"{_SOCKETS} connected sockets: CPU time, whole module", median(costs, "cpu"), "s")
    yield Figure(f"{_SOCKETS} connected sockets: peak memory", median(costs, "mib"), "MiB")


def _quickest(costs: Sequence[dict[str, Any]]) -> float:
    """The quickest reading of the section: what takes so little is told best by the run that was disturbed least."""
    return min(float(cost["seconds"]["ports"]) for cost in costs)


def _other_tools(folder: Path) -> Iterator[Figure]:
    ss = shutil.which("ss")
    if ss:
        runs = under_load("listeners", _LISTENERS, folder, [ss, "-tlnp"])
        yield Figure(f"{_LISTENERS} listeners: ss -tlnp, the whole program", median(runs, "wall"), "s")
    command = [str(Path(sys.executable).parent / "ansible"), "localhost", "-c", "local", "-m"]
    done = under_load("listeners", _LISTENERS, folder, [*command, "ansible.builtin.ping"])
    bare = median([run for run in done if "wall" in run], "wall")
    try:
        done = under_load("listeners", _LISTENERS, folder, [*command, "community.general.listen_ports_facts"], rounds=1)
    except SystemExit:
        yield Figure(f"{_LISTENERS} listeners: listen_ports_facts", float("nan"), "s", None, "community.general is not installed: not compared")
        return
    taken = median([run for run in done if "wall" in run], "wall") - bare
    yield Figure(f"{_LISTENERS} listeners: community.general.listen_ports_facts", taken, "s", None, "without what Ansible itself takes")
