# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of this machine that the lab uses."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from .errors import LabError


def run(*command: str, check: bool = True, text: str | None = None, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a program, and return what it said. Raises ``LabError`` with its words when it fails."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, errors="backslashreplace", timeout=timeout, check=False)
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(command)}: status {done.returncode}: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done


def in_namespace(namespace: str, command: Sequence[str]) -> list[str]:
    """A command as it runs in a network namespace."""
    return ["ip", "netns", "exec", namespace, *command]
