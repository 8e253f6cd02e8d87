# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first rules: what an operator looked for by hand. Each is a function from facts and settings to reasons.

A rule engine replaces this folder; the form of reasons and findings and the merging stay. Of two rules whose reasons have the
same level, the one that stands first here names the finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..facts import Facts
from ..reason import Reason
from ..settings import Settings
from .activity import coin_miner, high_cpu, preloaded_library
from .hiding import hidden_process, history_switched_off, views_disagree
from .image import deleted_executable, memfd_executable, replaced_executable, temp_or_hidden_path
from .naming import imitated_name, odd_name
from .network import exposed_listener, shell_with_socket
from .rights import setuid_interpreter

Rule = Callable[[Facts, Settings], Iterator[Reason]]

RULES: tuple[Rule, ...] = (
    memfd_executable,
    deleted_executable,
    replaced_executable,
    shell_with_socket,
    hidden_process,
    setuid_interpreter,
    preloaded_library,
    coin_miner,
    imitated_name,
    temp_or_hidden_path,
    high_cpu,
    exposed_listener,
    history_switched_off,
    odd_name,
    views_disagree,
)
