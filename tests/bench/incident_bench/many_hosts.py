# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller with many hosts: this machine under many names, each looked at in full, in namespaces of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from harness.ansible import Ansible

from .figures import Figure
from .machine import private

_HOSTS = 200
_FORKS = 20
# Ansible keeps something of every host itself; so much more than with its ping is "flat".
_MOST_OF_PING = 1.25


def figures(folder: Path) -> Iterator[Figure]:
    """Time and memory of ping and of a triage, with the same hosts."""
    inventory = folder / "many.ini"
    names = "".join(f"host{number:04}\n" for number in range(_HOSTS))
    inventory.write_text(f"[all:vars]\nansible_connection=local\nansible_python_interpreter={sys.executable}\n[all]\n{names}", encoding="utf-8")
    ansible = Ansible(folder, private([]), inventory)
    options = json.dumps({"incident_case_dir": str(folder / "many"), "triage_sample_seconds": 0})
    ping, ping_peak = _run(ansible, "ansible", "all", "-m", "ansible.builtin.ping", "-f", str(_FORKS))
    triage, triage_peak = _run(ansible, "ansible-playbook", "incident.response.triage", "-f", str(_FORKS), "-e", options)
    yield Figure(f"{_HOSTS} hosts: ansible -m ping", ping, "s", None, f"{_FORKS} forks, local connections")
    yield Figure(f"{_HOSTS} hosts: triage without pause", triage, "s", None, f"{triage / ping:.2f} x of ping")
    yield Figure(f"{_HOSTS} hosts: peak memory of the largest process, ping", ping_peak, "MiB")
    yield Figure(
        f"{_HOSTS} hosts: peak memory of the largest process, triage", triage_peak, "MiB", round(ping_peak * _MOST_OF_PING), _findings(folder / "many")
    )


def _findings(cases: Path) -> str:
    """How many findings there were: they are held together while they are sorted."""
    lines = sum(len(path.read_bytes().splitlines()) for path in cases.glob("*/findings.jsonl"))
    return f"{lines} findings"


def _run(ansible: Ansible, program: str, *words: str) -> tuple[float, float]:
    """The seconds of a run, and the peak memory of the largest of its processes in MiB (getrusage(2))."""
    log = ansible.folder / "many.log"
    began = time.monotonic()
    with log.open("wb") as stream:
        running = subprocess.Popen(
            ansible.command(program, *words),
            cwd=ansible.folder,
            env=ansible.environment({"ANSIBLE_PIPELINING": "true"}),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        _pid, status, usage = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise SystemExit(f"{program} failed, so there is nothing to compare:\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}")
    return time.monotonic() - began, usage.ru_maxrss / 1024
