# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about what a process does and what it was told to load: processor, mining pools, libraries pushed into it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.incident.response.plugins.plugin_utils._quoting import visible

from ..facts import Facts
from ..finding import Level
from ..reason import Reason
from ..records import Process, Program
from ..settings import Settings
from .known import hidden_parts, is_developer_tool, is_interpreter, is_shell, temporary_folder, tool_of
from .subjects import LOOK_AT_IMAGE, LOOK_AT_PROCESS, image_causes, image_evidence, own_causes, process_entity, shown_arguments, shown_path

# An argument that names a mining pool. Only at its beginning, or as the value of an option: who searches for one is no miner.
_POOL = re.compile(r"(?:-{0,2}[A-Za-z-]{1,20}=)?(?:stratum\d?(?:\+(?:tcp|udp|ssl|tls))?|daemon\+https?)://", re.IGNORECASE)
# An address of Monero, which miners have as the account to work for.
_WALLET = re.compile(r"[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}(?:[1-9A-HJ-NP-Za-km-z]{11})?(?:[.+][\w.+-]{1,80})?")
_MINERS = re.compile(
    r"xmrig(?:-.*)?|xmr-stak.*|minerd|cpuminer(?:-.*)?|ccminer|cgminer|bfgminer|ethminer|nsfminer|lolminer|nbminer|t-rex|teamredminer|phoenixminer|srbminer.*"
    r"|kdevtmpfsi|kinsing|c3pool_miner",
    re.IGNORECASE,
)
_PRELOADS = ("LD_PRELOAD", "LD_AUDIT")
_SYSTEM_LIBRARIES = ("/usr/lib", "/lib", "/snap/", "/nix/store/", "/usr/libexec/")
_MANY = 50


def high_cpu(facts: Facts, settings: Settings) -> Iterator[Reason]:
    """It takes much of a processor. Packaged programs may: compilers and databases do."""
    for program in facts.programs:
        percent = program.process.cpu_percent
        if percent is None or percent < settings.cpu_percent:
            continue
        level, remark = _judge_load(program)
        yield Reason(
            rule="high_cpu",
            level=level,
            side="load",
            entity=process_entity(program.process),
            title=f"Program takes much CPU: {shown_path(program)}",
            clause=f"it takes {percent:.0f} % of a processor{remark}",
            attack=("T1496.001",) if level != "low" else (),
            evidence={"cpu_percent": percent, **image_evidence(program)},
            look=LOOK_AT_PROCESS,
            causes=own_causes(program),
        )


def _judge_load(program: Program) -> tuple[Level, str]:
    if program.origin == "package":
        return "low", ", as programs from packages may"
    if program.origin == "container":
        return "low", " in a container"
    if program.origin == "unknown":
        return "low", "; whose program it is could not be found out"
    owner = program.executable.owner_uid if program.executable else None
    if program.path and is_developer_tool(program.path) and owner == program.process.uid and program.process.exe_state == "present":
        return "low", " and lies in a folder of developers' tools"
    return "medium", ", and it is not from a package"


def coin_miner(facts: Facts, _settings: Settings) -> Iterator[Reason]:
    """It is told to work for a mining pool, or has the name of a miner."""
    for program in facts.programs:
        pool = next((argument for argument in program.process.argv[1:] if _POOL.match(argument) or _WALLET.fullmatch(argument)), None)
        named = any(_MINERS.fullmatch(name[:256]) for name in (program.process.name, (program.path or "").rpartition("/")[2]))
        if not named and (pool is None or _only_passes_on(program)):
            continue
        clauses = [f"it was started to work for a mining pool or account ('{visible(pool, 120)}')"] if pool else []
        clauses += [f"it is named like a miner of cryptocurrency ('{visible(program.process.name, 80)}')"] if named else []
        yield Reason(
            rule="coin_miner",
            level="high" if pool and program.origin != "package" else "medium",
            side="load",
            entity=process_entity(program.process),
            title=f"Miner of cryptocurrency: {shown_path(program)}",
            clause=" and ".join(clauses),
            attack=("T1496.001",),
            evidence={"argv": shown_arguments(program.process), **image_evidence(program)},
            look=LOOK_AT_IMAGE,
            causes=image_causes(program) if program.origin != "package" else (),
        )


def _only_passes_on(program: Program) -> bool:
    """Tell whether it is a packaged program that has the arguments of another that it starts, such as timeout, or a shell."""
    tool = tool_of(program)
    return program.origin == "package" and (is_shell(tool) or not is_interpreter(tool))


def preloaded_library(facts: Facts, _settings: Settings) -> Iterator[Reason]:
    """A library is pushed into it by its environment. What lies in the system's folders of libraries is left to them."""
    for program in facts.programs:
        for variable, library in _preloaded(program.process):
            level, remark = _judge_library(program, library)
            yield Reason(
                rule="preloaded_library",
                level=level,
                side="environment",
                entity=process_entity(program.process),
                title=f"Library forced into a program: {shown_path(program)}",
                clause=f"its environment forces the library '{visible(library, 120)}' into it ({variable}){remark}",
                attack=("T1574.006",),
                evidence={variable: visible(library, 1000), **image_evidence(program)},
                look=LOOK_AT_PROCESS,
                causes=(("library", library),),
            )


def _preloaded(process: Process) -> list[tuple[str, str]]:
    """Variable and library, for all that ld.so(8) takes: names parted by colons, in LD_PRELOAD by blanks too."""
    found = []
    for variable in _PRELOADS:
        value: Any = (process.environment or {}).get(variable)
        if isinstance(value, str):
            found += [(variable, library) for library in re.split(r"[:\s]+", value[:65536]) if library]
    return found[:_MANY]


def _judge_library(program: Program, library: str) -> tuple[Level, str]:
    if temporary_folder(library):
        return "high", f", which lies in {temporary_folder(library)}"
    if hidden_parts(library) and not is_developer_tool(library):
        return "high", ", which lies in a hidden place"
    if library.startswith(_SYSTEM_LIBRARIES) or "/" not in library:
        return "low", ", which is one of the system's folders of libraries" if "/" in library else ""
    if program.origin == "container":
        return "low", ", in a container"
    return "medium", ", which lies outside the system's folders of libraries"
