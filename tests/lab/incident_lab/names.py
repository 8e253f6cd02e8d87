# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab and its hosts are called. Everything derives from the folder, so that several labs run side by side."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import LabError

DEFAULT_FOLDER = "/var/tmp/incident-response-lab"
DEFAULT_HOSTS = ("d11:bullseye", "d12:bookworm", "d13:trixie")
# Networks for documentation (RFC 5737, RFC 3849).
NETWORK = "192.0.2"
NETWORK6 = "2001:db8:0:2:"
CONTROLLER_ADDRESS = f"{NETWORK}.1"
_FIRST_HOST = 11
_SECOND_ADDRESS = 100
_MOST_HOSTS = 89
# An interface name has at most 15 characters.
_NAME = re.compile(r"[a-z][a-z0-9-]{0,11}")


@dataclass(frozen=True)
class Lab:
    """A lab below ``folder``; ``LAB`` in the environment names another one."""

    folder: Path

    @classmethod
    def from_environment(cls) -> Lab:
        """The lab that is meant."""
        return cls(Path(os.environ.get("LAB") or DEFAULT_FOLDER).absolute())

    @property
    def id(self) -> str:
        """Distinguishes what this lab makes on the machine from what others make."""
        return "irl" + hashlib.sha256(str(self.folder).encode()).hexdigest()[:5]

    @property
    def controller(self) -> str:
        """The network namespace of the controller's side."""
        return f"{self.id}-ctl"

    @property
    def key(self) -> Path:
        """The private key that opens every host."""
        return self.folder / "id"

    @property
    def inventory(self) -> Path:
        """The inventory of the fleet."""
        return self.folder / "inventory.ini"

    @property
    def known_hosts(self) -> Path:
        """The host keys of the fleet."""
        return self.folder / "known_hosts"

    @property
    def control_folder(self) -> Path:
        """Where ssh keeps its connections: two labs have the same addresses, and must not share them."""
        return self.folder / "cp"


@dataclass(frozen=True)
class HostPlan:
    """A host to be: its name, its release, and its number in the networks."""

    name: str
    release: str
    number: int

    @classmethod
    def parse(cls, texts: list[str]) -> list[HostPlan]:
        """Plans from ``NAME:RELEASE`` texts. Raises ``LabError``."""
        plans = []
        for position, text in enumerate(texts):
            name, _colon, release = text.partition(":")
            if not _NAME.fullmatch(name) or not _NAME.fullmatch(release):
                raise LabError(f"{text!r} is not NAME:RELEASE, such as d12:bookworm; names have at most 12 lower-case letters, digits and '-'.")
            plans.append(cls(name, release, _FIRST_HOST + position))
        if len(plans) > _MOST_HOSTS or len({plan.name for plan in plans}) != len(plans):
            raise LabError(f"A lab has at most {_MOST_HOSTS} hosts, each with a name of its own.")
        return plans

    @property
    def address(self) -> str:
        """The address that Ansible connects to."""
        return f"{NETWORK}.{self.number}"

    @property
    def second_address(self) -> str:
        """Another address of the host."""
        return f"{NETWORK}.{self.number + _SECOND_ADDRESS}"

    @property
    def address6(self) -> str:
        """Its IPv6 address."""
        return f"{NETWORK6}:{self.number}"

    def as_record(self) -> dict[str, str | int]:
        """The plan as it is kept between calls."""
        return asdict(self)
