# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of a lab together."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from .commands import in_namespace, run
from .errors import LabError
from .host import Host
from .inventory import write_inventory
from .names import DEFAULT_HOSTS, HostPlan, Lab
from .needs import check
from .network import make_controller, remove
from .rootfs import ensure_bases

Result = TypeVar("Result")


class Fleet:
    """A lab and its hosts, as far as there are any."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._state = lab.folder / "fleet.json"
        self._dirty = lab.folder / "dirty"
        self.hosts = [Host(lab, plan) for plan in self._plans()]

    def _plans(self) -> list[HostPlan]:
        try:
            return [HostPlan(**record) for record in json.loads(self._state.read_text(encoding="utf-8"))]
        except (FileNotFoundError, PermissionError):  # without root, needs.check says what is missing
            return []

    def host(self, name: str) -> Host:
        """A host by its name. Raises ``LabError``."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise LabError(f"There is no host {name!r}; there are {', '.join(host.name for host in self.hosts) or 'none: run up first'}.")

    def up(self, texts: Sequence[str] = DEFAULT_HOSTS) -> None:
        """Bring a fleet up; one that runs as it should is left as it is."""
        plans = HostPlan.parse(list(texts))
        if [host.plan for host in self.hosts] == plans and self.is_healthy():
            return
        check(self.lab)
        self.down()
        bases = ensure_bases(self.lab, {plan.release for plan in plans})
        self._make_key()
        self._state.write_text(json.dumps([plan.as_record() for plan in plans]), encoding="utf-8")
        self.hosts = [Host(self.lab, plan) for plan in plans]
        make_controller(self.lab)
        for host in self.hosts:
            host.start(bases[host.plan.release])
        write_inventory(self.lab, self.hosts)
        self.each(Host.wait_ready)

    def _make_key(self) -> None:
        if not self.lab.key.exists():
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(self.lab.key))

    def each(self, act: Callable[[Host], Result]) -> list[Result]:
        """Do something with all hosts at once."""
        with ThreadPoolExecutor(max(1, len(self.hosts))) as pool:
            return list(pool.map(act, self.hosts))

    def mark_dirty(self) -> None:
        """Note that something is about to be planted: should its removal never come, the fleet is made anew."""
        self._dirty.touch()

    def mark_clean(self) -> None:
        """Note that all that was planted is gone."""
        self._dirty.unlink(missing_ok=True)

    def is_healthy(self) -> bool:
        """Whether every host lets us in, and nothing was left on one."""
        return bool(self.hosts) and not self._dirty.exists() and all(self.each(Host.is_healthy))

    def down(self) -> None:
        """Take everything away but the bases and the key."""
        self.each(Host.remove)
        remove(self.lab.controller)
        for path in (self._state, self._dirty, self.lab.inventory, self.lab.known_hosts):
            path.unlink(missing_ok=True)
        self.hosts = []

    def command(self, words: Sequence[str]) -> list[str]:
        """A command as it runs on the controller's side."""
        return in_namespace(self.lab.controller, words)
