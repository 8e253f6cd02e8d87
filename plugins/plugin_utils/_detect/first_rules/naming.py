# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about what a process is called: names that imitate others, and names that are hardly one."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import NamedTuple

from ansible_collections.incident.response.plugins.plugin_utils._quoting import invisible_characters, lookalike_characters, visible

from ..facts import Facts
from ..finding import Level
from ..reason import Reason, Side
from ..records import Process, Program
from ..settings import Settings
from .known import hidden_parts, is_developer_tool, is_in_home, is_interpreter, temporary_folder, tool_of
from .known_names import SHORT_TOOLS, daemon_named, is_kernel_name, is_name_of
from .subjects import LOOK_AT_IMAGE, LOOK_AT_PROCESS, image_causes, image_evidence, process_entity, shown_arguments, shown_path

_COMM_BYTES = 15
_SYSTEM = ("/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/libexec/", "/usr/share/", "/bin/", "/sbin/", "/lib/", "/etc/", "/var/lib/dpkg/")
_LOCAL = ("/usr/local/", "/opt/", "/srv/")


class _Verdict(NamedTuple):
    """What is wrong with a name. ``derived``: the name is the file's, so that it says nothing that the place of the file does not."""

    level: Level
    clause: str
    derived: bool = False


class _Oddity(NamedTuple):
    """What is odd about a name, as a clause, and the technique that does so."""

    clause: str
    attack: str = "T1036"


def _reason(rule: str, title: str, program: Program, verdict: _Verdict, *attack: str) -> Reason:
    side: Side = "image" if verdict.derived else "name"
    return Reason(
        rule=rule,
        level=verdict.level,
        side=side,
        entity=process_entity(program.process),
        title=f"{title}: {shown_path(program)}",
        clause=verdict.clause,
        attack=attack,
        evidence={"name": program.process.name, "argv": shown_arguments(program.process), **image_evidence(program)},
        look=LOOK_AT_PROCESS if program.origin == "package" else LOOK_AT_IMAGE,
        causes=image_causes(program) if program.origin in ("unowned", "changed") else (),
    )


def _file(program: Program) -> str:
    """Name of the file that runs; empty where it cannot be seen."""
    return (program.process.exe or "").rpartition("/")[2]


def _is_derived(program: Program) -> bool:
    """Tell whether the kernel's name of a process is that of its file, maybe cut: nobody chose it apart."""
    name, file = program.process.name, _file(program)
    return bool(name) and (name == file or (_is_cut(program.process) and file.encode("utf-8", "replace").startswith(_name_bytes(program.process))))


def _name_bytes(process: Process) -> bytes:
    """The kernel's name as bytes. Facts carry what is not UTF-8 as base64 beside the text."""
    raw = (process.raw or {}).get("name")
    try:
        return base64.b64decode(raw, validate=True) if isinstance(raw, str) else process.name.encode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return process.name.encode("utf-8", "replace")


def _is_cut(process: Process) -> bool:
    """Tell whether the kernel may have cut the name."""
    return len(_name_bytes(process)) >= _COMM_BYTES


def imitated_name(facts: Facts, _settings: Settings) -> Iterator[Reason]:
    """It passes for a thread of the kernel, for a daemon, or for another program."""
    threads = frozenset(process.name for process in facts.processes if process.is_kernel_thread and len(process.name) > 4)
    for program in facts.programs:
        if program.origin == "container":
            continue
        verdict = _as_kernel_thread(program, threads) or _without_arguments(program) or _as_daemon(program) or _as_other_program(program)
        if verdict is not None:
            yield _reason("imitated_name", "Program passes for another one", program, verdict, "T1036.004" if verdict.level == "high" else "T1036.005")
        deceptive = _deceptive_letters(program)
        if deceptive is not None:
            yield _reason("imitated_name", "Name with deceptive characters", program, deceptive, "T1036.002" if deceptive.derived else "T1036.005")


def _first_argument(process: Process) -> str:
    return process.argv[0][:4096] if process.argv else ""


def _as_kernel_thread(program: Program, threads: frozenset[str]) -> _Verdict | None:
    """``ps`` puts the names of kernel threads in brackets; a program can write them into its own arguments."""
    title = _first_argument(program.process).strip()
    if len(title) > 2 and title.startswith("[") and title.endswith("]"):
        kernel = is_kernel_name(title[1:-1]) or title[1:-1] in threads
        if kernel or " " not in title:
            text = f"it shows itself as '{visible(title, 80)}', which is how threads of the kernel are listed, but is the program {shown_path(program)}"
            return _Verdict("high" if kernel else "medium", text)
    for claim in (program.process.name.strip(), title):
        if is_kernel_name(claim) or (claim in threads and program.origin != "package"):
            if program.origin == "package" and claim == _file(program):
                continue
            return _Verdict("high", f"it is named like a thread of the kernel, '{visible(claim, 80)}', but is the program {shown_path(program)}")
    return None


def _without_arguments(program: Program) -> _Verdict | None:
    """One that erased its arguments is listed in brackets, like a thread of the kernel."""
    # Rates show that it lived on after it was read: one that is ending has no arguments either.
    if any(program.process.argv) or program.process.cpu_percent is None:
        return None
    level: Level = "low" if program.origin == "package" and not is_interpreter(tool_of(program)) else "medium"
    return _Verdict(level, f"it erased its command line, so that lists show it as [{visible(program.process.name, 60)}], like a thread of the kernel")


def _as_daemon(program: Program) -> _Verdict | None:
    file = _file(program)
    if not file:
        return None
    title = _first_argument(program.process).strip()
    word = title.split(" ", 1)[0].rpartition("/")[2].lstrip("-").rstrip(":")
    for claim in dict.fromkeys((program.process.name.strip(), word, file.strip())):
        kind = daemon_named(claim)
        if kind is None:
            continue
        verdict = _judge_own_name(program, claim, kind) if is_name_of(claim, file.strip()) else _judge_claim(program, claim, kind)
        if verdict is not None:
            return verdict
    return None


def _judge_own_name(program: Program, claim: str, kind: str) -> _Verdict | None:
    """The file really has the name of a daemon: whose is it, and where?"""
    path = program.path or ""
    if program.origin != "unowned" or path.startswith("/snap/"):
        return None
    text = f"it is named like the system's '{visible(claim, 60)}', but is {shown_path(program)}, which no package owns"
    if temporary_folder(path) or hidden_parts(path):
        return _Verdict("high", text)
    if kind == "core":
        return _Verdict("medium", text)
    return _Verdict("medium", text) if is_in_home(path) else None


def _judge_claim(program: Program, claim: str, kind: str) -> _Verdict | None:
    """It calls itself a daemon, and the file has another name."""
    if program.origin == "unknown" and program.process.exe_state != "memfd":
        return None
    text = f"it calls itself '{visible(claim, 60)}', but is the program {shown_path(program)}"
    script = _script(program)
    if script is not None and script.rpartition("/")[2][:_COMM_BYTES] == claim[:_COMM_BYTES]:
        return None if script.startswith(_SYSTEM) else _Verdict("medium", f"{text}, which runs the script {visible(script, 80)}")
    if program.origin == "package" and not is_interpreter(tool_of(program)):
        # Packages have servers under several names; the system's own daemons have one.
        return _Verdict("medium", text) if kind == "core" else None
    return _Verdict("high" if kind == "core" or is_interpreter(tool_of(program)) else "medium", text)


def _script(program: Program) -> str | None:
    """The first argument of an interpreter that is a path: what it runs."""
    if not is_interpreter(tool_of(program)):
        return None
    return next((argument for argument in program.process.argv[1:8] if "/" in argument and not argument.startswith("-")), None)


def _as_other_program(program: Program) -> _Verdict | None:
    """The first argument names a file of the system, and what runs is an unknown one under another name."""
    title, path = _first_argument(program.process), program.path
    if path is None or program.origin != "unowned" or not title.startswith(_SYSTEM) or title.startswith("/etc/"):
        return None
    claimed, file = title.split(" ", 1)[0].rpartition("/")[2], _file(program)
    if not claimed or claimed.startswith(file) or file.startswith(claimed) or path.startswith(_LOCAL):
        return None
    return _Verdict("medium", f"its command line says '{visible(title, 80)}', but it is {shown_path(program)}, which no package owns")


def _deceptive_letters(program: Program) -> _Verdict | None:
    """Letters that look like others, or characters that show nothing or reorder what stands beside them."""
    if program.origin == "package" and _is_derived(program):
        return None
    # Blanks, tabs and the like are no deception of letters: see odd_name.
    for name, derived in ((program.process.name, _is_derived(program)), (_file(program), True)):
        if lookalike_characters(name):
            return _Verdict("medium", f"its name has letters that only look like others: '{visible(name, 80)}'", derived)
        if any(not char.isspace() and ord(char) >= 0x80 for char in invisible_characters(name)):
            return _Verdict("medium", f"its name has characters that show nothing or turn it around: '{visible(name, 80)}'", derived)
    return None


def odd_name(facts: Facts, _settings: Settings) -> Iterator[Reason]:
    """A name of one or two characters, of nothing but punctuation, or with blanks where they are not seen."""
    for program in facts.programs:
        if program.origin in ("container", "unknown") and program.process.exe_state != "memfd":
            continue
        # Started through a descriptor, a program is named after its number.
        if program.process.exe_state == "memfd" and program.process.name.isdecimal():
            continue
        oddity = _oddity_of_name(program) or _oddity(_file(program))
        verdict = _judge_odd(program, oddity.clause) if oddity else None
        if oddity and verdict:
            yield _reason("odd_name", "Program with an odd name", program, verdict, oddity.attack)


def _judge_odd(program: Program, oddity: str) -> _Verdict | None:
    derived = _is_derived(program)
    if program.origin == "package":
        return None if derived else _judge_renamed(program, oddity)
    path = program.path or ""
    if _file(program) in SHORT_TOOLS and derived and not temporary_folder(path) and (not hidden_parts(path) or is_developer_tool(path)):
        return _Verdict("low", f"{oddity}, as a known tool has", derived)
    return _Verdict("medium", f"{oddity}, and it is not from a package", derived or bool(_oddity(_file(program))))


def _judge_renamed(program: Program, oddity: str) -> _Verdict | None:
    """A packaged program under another name: by a link, as vi is one; by its script; or because it renamed itself."""
    tool, name = tool_of(program), program.process.name
    if not is_interpreter(tool):
        # Packages have links with short names; none is blank.
        return None if name == name.strip() and any(map(str.isalnum, name)) else _Verdict("medium", f"{oddity}, and it is the program {shown_path(program)}")
    if is_interpreter(name) or not _oddity_of_name(program):
        return None
    script = _script(program)
    if script is not None and script.rpartition("/")[2][:_COMM_BYTES] == name:
        if script.startswith(_SYSTEM):
            return None
        temporary = temporary_folder(script) or hidden_parts(script)
        return _Verdict("medium" if temporary else "low", f"{oddity}, and it runs the script {visible(script, 80)}")
    return _Verdict("medium", f"{oddity}, and it is the program {shown_path(program)}")


def _oddity_of_name(program: Program) -> _Oddity | None:
    """What is odd about the kernel's name of a process."""
    process = program.process
    if not process.name:
        return _Oddity("it has no name at all")
    if "name" in (process.raw or {}) and not (_is_derived(program) and "exe" not in (process.raw or {})):
        return _Oddity(f"its name '{visible(process.name, 80)}' is not text")
    return _oddity(process.name, _is_cut(process))


def _oddity(name: str, cut: bool = False) -> _Oddity | None:
    """What is odd about a name; ``None`` for one like others, and for none. ``cut``: what stood behind it may be missing."""
    shown = f"its name '{visible(name, 80)}'"
    if name and not name.strip():
        return _Oddity("its name is nothing but blanks", "T1036.006")
    if name and not any(map(str.isalnum, name)):
        return _Oddity(f"{shown} is nothing but punctuation")
    if name != name.lstrip() or (name != name.rstrip() and not cut):
        return _Oddity(f"{shown} has a blank at its {'beginning' if name != name.lstrip() else 'end'}", "T1036.006")
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in name):
        return _Oddity(f"{shown} has control characters")
    return _Oddity(f"{shown} has only {len(name)} character{'s' if len(name) > 1 else ''}") if 0 < len(name) < 3 else None
