# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible as an operator runs it, in the environment that the tests run in."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .case_folder import CaseFolder

_CHECKOUT = Path(__file__).resolve().parents[3]
_TIMEOUT = 180.0
_RESULT = re.compile(r"^(\S.*) \| [A-Z!]+ => (?=\{)", re.MULTILINE)


def collections_path() -> str:
    """Where ``incident.response`` is found as a collection."""
    given = os.environ.get("ANSIBLE_COLLECTIONS_PATH")
    if given:
        return os.pathsep.join(str(Path(part).absolute()) for part in given.split(os.pathsep))
    if _CHECKOUT.parts[-3:] == ("ansible_collections", "incident", "response"):
        return str(_CHECKOUT.parents[2])
    return str(_CHECKOUT / ".venv/collections")


@dataclass(frozen=True)
class Done:
    """A run that ended: ``output`` is what it said on both streams, ``seconds`` what it took."""

    status: int
    output: str
    seconds: float


class Ansible:
    """Runs Ansible's programs in ``folder``. ``prefix`` is what comes in front: where the hosts can be reached from."""

    def __init__(self, folder: Path, prefix: Sequence[str] = (), inventory: Path | None = None) -> None:
        self.folder = folder
        self._prefix = list(prefix)
        self._inventory = inventory

    def run(self, program: str, *words: str, environment: Mapping[str, str] | None = None, inventory: Path | None = None) -> Done:
        """Run a program to its end."""
        began = time.monotonic()
        done = subprocess.run(
            self.command(program, *words, inventory=inventory),
            cwd=self.folder,
            env=self.environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TIMEOUT,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode("utf-8", "backslashreplace"), time.monotonic() - began)

    def command(self, program: str, *words: str, inventory: Path | None = None) -> list[str]:
        """The command line of a program."""
        known = inventory or self._inventory
        executable = str(Path(sys.executable).parent / program)
        return [*self._prefix, executable, *(("-i", str(known)) if known else ()), *words]

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a program: no configuration but that of the tests."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
            "ANSIBLE_COLLECTIONS_PATH": collections_path(),
            "ANSIBLE_CONFIG": str(self._configuration()),
            "ANSIBLE_HOME": str(self.folder / ".ansible"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_TIMEOUT": "5",
            "LC_ALL": "C.UTF-8",
            **(more or {}),
        }

    def _configuration(self) -> Path:
        path = self.folder / "ansible.cfg"
        path.touch()
        return path

    def triage(self, case: str, *words: str, options: Mapping[str, Any] | None = None, inventory: Path | None = None) -> tuple[Done, CaseFolder]:
        """Run the triage playbook into a case below ``folder``."""
        variables = {"incident_case_dir": str(self.folder / "cases"), "incident_case": case, **(options or {})}
        done = self.run("ansible-playbook", "incident.response.triage", "-e", json.dumps(variables), *words, inventory=inventory)
        return done, self.case(case)

    def case(self, name: str) -> CaseFolder:
        """A case below ``folder``."""
        return CaseFolder(self.folder / "cases" / name)

    def module(self, pattern: str, module: str, arguments: Mapping[str, Any] | None = None, *words: str, inventory: Path | None = None) -> dict[str, Any]:
        """Call a module ad hoc, and return the result of each host by its name."""
        done = self.run("ansible", pattern, "-m", module, *(("-a", json.dumps(arguments)) if arguments else ()), *words, inventory=inventory)
        return _results(done)

    def facts(self, pattern: str, module: str, arguments: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call one of the collection's modules, and return the facts of each host by its name."""
        results = self.module(pattern, f"incident.response.{module}", arguments)
        refused = {host: result.get("msg") for host, result in results.items() if "ansible_facts" not in result}
        assert not refused, refused
        return {host: result["ansible_facts"] for host, result in results.items()}


def _results(done: Done) -> dict[str, Any]:
    """The results in what ``ansible`` prints: ``HOST | SUCCESS => {…}``."""
    decoder = json.JSONDecoder()
    found = {match[1]: decoder.raw_decode(done.output, match.end())[0] for match in _RESULT.finditer(done.output)}
    assert found, f"no results:\n{done.output[-3000:]}"
    return found
