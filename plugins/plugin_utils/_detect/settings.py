# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator sets for detection."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

_PORT = re.compile(r"(\d{1,5})/(tcp|udp|udplite|sctp)")


@dataclass(frozen=True)
class Settings:
    """Raises ``ValueError`` with a message for the operator.

    ``expected_ports``: ``port/protocol`` that may be open to others. ``cpu_percent``: from how much use of one processor on a
    process is a finding. ``ansible_program``, ``ansible_options``: how the commands in ``next_step`` reach the hosts, such as ``-i``.
    """

    expected_ports: frozenset[str] = frozenset(("22/tcp",))
    cpu_percent: float = 80.0
    ansible_program: str = "ansible"
    ansible_options: Sequence[str] = ()

    def __post_init__(self) -> None:
        for port in self.expected_ports:
            match = _PORT.fullmatch(port)
            if match is None or not 0 < int(match[1]) < 65536:
                raise ValueError(f"triage_expected_ports knows no {port!r}: write a port and its protocol, such as 443/tcp")
        if not (math.isfinite(self.cpu_percent) and self.cpu_percent > 0):
            raise ValueError(f"triage_cpu_percent has to be a number above 0, not {self.cpu_percent}")
