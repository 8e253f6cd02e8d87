# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about what runs: whether its file is still there, whose it is, and where it lies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.incident.response.plugins.plugin_utils._quoting import visible

from ..facts import Facts
from ..finding import Level
from ..reason import Reason
from ..records import Program
from ..settings import Settings
from .known import hidden_parts, is_ansible_folder, is_developer_tool, is_in_home, temporary_folder, tool_of
from .subjects import LOOK_AT_IMAGE, LOOK_AT_PROCESS, content_remark, image_causes, image_evidence, process_entity, shown_arguments, shown_path

# Container runtimes run a copy of themselves in memory, so that a container cannot overwrite them (CVE-2019-5736).
_RUNTIME_MEMFD = re.compile(r"/memfd:(?:runc_cloned:|crun|youki|lxc|systemd)")
_RUNTIME = re.compile(r"runc|crun|youki|lxc(?:-.*)?|systemd(?:-.*)?")
_SYSTEM = ("/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/")
_DEPLOYED = ("/opt/", "/srv/")
# ld.so(8) as a program of its own, and its options that have a value.
_LOADER = re.compile(r"ld-linux.*\.so\.\d|ld-\d[\d.]*\.so|ld-musl-.*\.so\.1|ld\.so|ld64\.so\.\d")
_LOADER_VALUES = frozenset(("--library-path", "--inhibit-rpath", "--audit", "--preload", "--argv0", "--glibc-hwcaps-prepend", "--glibc-hwcaps-mask"))


def _reason(rule: str, level: Level, program: Program, title: str, clause: str, *attack: str) -> Reason:
    return Reason(
        rule=rule,
        level=level,
        side="image",
        entity=process_entity(program.process),
        title=f"{title}: {shown_path(program)}",
        clause=clause,
        attack=attack,
        evidence=image_evidence(program),
        look=LOOK_AT_IMAGE,
        causes=image_causes(program),
    )


def memfd_executable(facts: Facts, _settings: Settings) -> Iterator[Reason]:
    """The image never was a file. A memfd that is merely mapped, as compilers at run time do, is none of this."""
    for program in facts.images:
        if program.process.exe_state != "memfd":
            continue
        level, remark = _judge_memfd(program)
        clause = f"it runs from memory only: {shown_path(program)} never was a file{content_remark(program)}{remark}"
        yield _reason("memfd_executable", level, program, "Program runs from memory", clause, "T1620")


def _judge_memfd(program: Program) -> tuple[Level, str]:
    """The name of a memfd is free to choose: what claims to be a container runtime has to be root's and have its content."""
    if not _RUNTIME_MEMFD.match(program.process.exe or "") or program.process.uid != 0:
        return "high", ""
    executable = program.executable
    if executable is None:
        return "low", "; container runtimes do so"
    if executable.same_as and _RUNTIME.fullmatch(executable.same_as.rpartition("/")[2]):
        return "low", "; container runtimes do so"
    return "medium", "; it is named like a container runtime, but does not have the content of one that is installed"


def deleted_executable(facts: Facts, _settings: Settings) -> Iterator[Reason]:
    """The file was deleted while it runs."""
    for program in facts.images:
        if program.process.exe_state != "deleted":
            continue
        level, remark = _judge_deleted(program, program.process.exe or "")
        clause = f"its file {shown_path(program)} was deleted while it runs{content_remark(program)}{remark}"
        yield _reason("deleted_executable", level, program, "Deleted executable still runs", clause, "T1070.004")


def _judge_deleted(program: Program, path: str) -> tuple[Level, str]:
    if temporary_folder(path) or hidden_parts(path):
        return "high", ""
    if program.origin == "package":
        return "low", "; what runs is the content that its package gave it"
    if program.origin == "changed":
        return "high", "; what runs is not the content that its package gave it"
    if program.origin == "unowned":
        return "high", "; no package owns that path"
    return "medium", "; it lay in a container" if program.origin == "container" else "; whose it was could not be found out"


def replaced_executable(facts: Facts, _settings: Settings) -> Iterator[Reason]:
    """Another file stands at the path now, or what runs from a package's path is not the package's."""
    for program in facts.images:
        path = shown_path(program)
        if program.process.exe_state == "replaced":
            level, remark = _judge_replaced(program, program.process.exe or "")
            title = "Outdated program still runs" if level == "low" else "Executable was replaced"
            yield _reason("replaced_executable", level, program, title, f"another file is at {path} than the one that runs: {remark}", "T1036.005")
        elif program.process.exe_state == "present" and program.origin == "changed" and program.executable:
            package = visible(program.executable.package or "?", 60)
            clause = f"{path} belongs to the package {package}, but what runs there is not what that package installed"
            yield _reason("replaced_executable", "high", program, "Program is not the one its package installed", clause, "T1554")


def _judge_replaced(program: Program, path: str) -> tuple[Level, str]:
    """An upgrade replaces a file with the package's own; an intruder with something else."""
    executable = program.executable
    sha256, there = (executable.sha256, executable.path_sha256) if executable else (None, None)
    if executable and program.origin == "package" and executable.package_state == "updated":
        return "low", f"the package {visible(executable.package or '?', 60)} was updated, and the program should be restarted"
    if executable and sha256 and sha256 == there:
        whose = f", that of the package {visible(executable.package or '?', 60)}" if program.origin == "package" else ""
        return "low", f"it was written anew with the same content{whose}, and the program should be restarted"
    if program.origin == "package":
        return ("high", "what runs is its package's, what is there now is not") if there else ("medium", "what is there now could not be read")
    if program.origin == "changed":
        return "high", "what runs is not what its package installed"
    if temporary_folder(path) or hidden_parts(path):
        return "high", "no package would put a program there"
    if program.origin == "unowned":
        return "medium" if path.startswith(_DEPLOYED) else "high", "no package owns that path"
    if program.origin == "unknown" and path.startswith(_SYSTEM) and (executable is None or executable.package_state == "unreadable"):
        return "low", "an update does that; whether it was one could not be found out"
    return "medium", "it lies in a container" if program.origin == "container" else "whose it is could not be found out"


def temp_or_hidden_path(facts: Facts, _settings: Settings) -> Iterator[Reason]:
    """It lies where anybody may leave a file, or where listings do not show it."""
    for program in facts.programs:
        path = program.path
        if path is None:
            continue
        yield from _loaded(program)
        folder = temporary_folder(path)
        if folder:
            # Of one that was deleted or replaced, the rule for that says what it is.
            remark = content_remark(program) if program.process.exe_state == "present" else ""
            clause = f"it runs from {folder}, where programs are not installed{remark}"
            yield _reason("temp_or_hidden_path", "medium", program, "Program runs from a temporary folder", clause, "T1059")
        parts = hidden_parts(path)
        if parts:
            level, clause = _judge_hidden(program, path, parts)
            yield _reason("temp_or_hidden_path", level, program, "Program runs from a hidden place", clause, "T1564.001")


def _loaded(program: Program) -> Iterator[Reason]:
    """Started through the loader of programs, a program needs no permission to be executed, and the kernel shows the loader in its place."""
    loaded = _loaded_path(program.process.argv) if _LOADER.fullmatch(tool_of(program)) else None
    place = temporary_folder(loaded) if loaded else None
    hidden = loaded is not None and bool(hidden_parts(loaded)) and not is_developer_tool(loaded)
    if loaded is None or not (place or hidden):
        return
    where = f"which lies in {place}" if place else "which lies in a hidden place"
    yield Reason(
        rule="temp_or_hidden_path",
        level="medium",
        side="image",
        entity=process_entity(program.process),
        title=f"Program hides behind the loader: {visible(loaded, 80)}",
        clause=f"the loader of programs was told to run '{visible(loaded, 120)}', {where}, so that the kernel shows {shown_path(program)} in its place",
        attack=("T1036", "T1574.006"),
        evidence={"argv": shown_arguments(program.process), **image_evidence(program)},
        look=LOOK_AT_PROCESS,
    )


def _loaded_path(argv: list[str]) -> str | None:
    """What the loader was told to run: its first argument that is no option and no value of one."""
    arguments = iter(argv[1:20])
    for argument in arguments:
        if argument in _LOADER_VALUES:
            next(arguments, None)
        elif not argument.startswith("--"):
            return argument
    return None


def _judge_hidden(program: Program, path: str, parts: list[str]) -> tuple[Level, str]:
    shown = ", ".join(f"'{visible(part, 60)}'" for part in parts[:3])
    if is_ansible_folder(path):
        return "low", f"it runs from the folder of an Ansible module ({shown})"
    owner = program.executable.owner_uid if program.executable else None
    if is_developer_tool(path) and owner is not None and owner == program.process.uid and program.process.exe_state == "present" and not temporary_folder(path):
        return "info" if is_in_home(path) else "low", f"it runs from a folder of developers' tools ({shown})"
    what = "begins with a dot, so that listings leave it out" if any(part.startswith(".") for part in parts) else "is blank or has a blank at its end"
    return "medium", f"it runs from a path of which a part {what}: {shown}"
