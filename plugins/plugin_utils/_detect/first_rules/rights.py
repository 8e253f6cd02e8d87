# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about rights that a process has and its account has not."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.incident.response.plugins.plugin_utils._quoting import visible

from ..facts import Facts
from ..reason import Reason
from ..settings import Settings
from .known import is_interpreter, tool_of
from .subjects import LOOK_AT_IMAGE, image_causes, image_evidence, process_entity, shown_path


def setuid_interpreter(facts: Facts, _settings: Settings) -> Iterator[Reason]:
    """A shell or interpreter that an account runs with root's rights: by a set-user-ID bit or a flaw. No package ships one so; sudo changes both uids."""
    for program in facts.programs:
        process = program.process
        if process.euid != 0 or process.uid in (0, None) or program.origin == "container" or not is_interpreter(tool_of(program)):
            continue
        account = visible(process.user, 60) if process.user is not None else f"uid {process.uid}"
        yield Reason(
            rule="setuid_interpreter",
            level="high",
            side="rights",
            entity=process_entity(process),
            title=f"Interpreter with root's rights: {shown_path(program)}",
            clause=f"it runs with root's rights for {account}, and '{visible(tool_of(program), 40)}' runs whatever it is given",
            attack=("T1548.001",),
            evidence={"uid": process.uid, "euid": process.euid, **image_evidence(program)},
            look=LOOK_AT_IMAGE,
            causes=image_causes(program) if program.origin in ("unowned", "changed") else (),
        )
