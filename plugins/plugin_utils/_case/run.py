# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""This run of ansible: one identity for all of its forks."""

from __future__ import annotations

import getpass
import os
import platform
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.release import __version__ as ansible_version

COLLECTION_VERSION = "0.1.0"


@dataclass(frozen=True)
class Run:
    """Who runs what since when; ``id`` is unique on this controller."""

    id: str
    started_at: str
    operator: str
    controller: str
    limit: str | None
    ansible: str
    python: str
    collection: str
    hosts: tuple[str, ...] = ()

    @classmethod
    def current(cls, task_vars: Mapping[str, Any]) -> Run:
        """The run that this fork belongs to. Raises ``OSError``."""
        started = _began(Path(constants.DEFAULT_LOCAL_TMP))
        limit = task_vars.get("ansible_limit")
        return cls(
            id=f"{stamp(started)}-{os.getppid()}",
            started_at=iso(started),
            operator=_operator(),
            controller=platform.node(),
            limit=str(limit) if limit else None,
            hosts=tuple(str(host) for host in task_vars.get("ansible_play_hosts_all") or ()),
            ansible=ansible_version,
            python=platform.python_version(),
            collection=COLLECTION_VERSION,
        )

    @property
    def default_case(self) -> str:
        """The case of a run that names none: the UTC time at which it began."""
        return self.id.partition("-")[0]

    def as_record(self) -> dict[str, Any]:
        """The run as it stands in ``case.json``."""
        return asdict(self)


def _began(folder: Path) -> datetime:
    """When the first fork of this run asked. ``folder`` is Ansible's temporary folder: one for all forks of a run, gone at its end."""
    marker = folder / "incident_response_began"
    if not marker.exists():
        descriptor, name = tempfile.mkstemp(dir=folder)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(datetime.now(timezone.utc).isoformat())
        with suppress(FileExistsError):
            os.link(name, marker)  # whole or not at all, and only the first
        os.unlink(name)
    return datetime.fromisoformat(marker.read_text(encoding="ascii"))


def _operator() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    behind = os.environ.get("SUDO_USER")
    return f"{behind} (as {user})" if behind and behind != user else user


def stamp(moment: datetime) -> str:
    """A time as it stands in names: ``20261123T154500Z``."""
    return moment.strftime("%Y%m%dT%H%M%SZ")


def iso(moment: datetime) -> str:
    """A time as it stands in records: UTC, ISO 8601."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def now() -> str:
    """This moment as it stands in records."""
    return iso(datetime.now(timezone.utc))
