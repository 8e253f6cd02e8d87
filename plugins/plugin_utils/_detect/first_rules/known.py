# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and places that rules know."""

from __future__ import annotations

import re

from ..records import Program

# Letters that are drawn as nothing.
_BLANKS = "\u2800\u3164\u115f\u1160\uffa0"
# Folders in which every user, or every login, may leave files.
_TEMPORARY = ("/tmp/", "/var/tmp/", "/dev/shm/", "/dev/mqueue/", "/dev/", "/run/user/", "/run/shm/", "/run/lock/", "/var/lock/", "/var/run/user/")
_HOME = re.compile(r"/home/[^/]+/|/root/")
# Hidden folders of a home into which developers' tools install programs; several components for what is wider than its tools.
_DEVELOPER_FOLDERS = re.compile(
    r"(?:\.(?:vscode|cursor|windsurf)(?:-server|-remote)?(?:-insiders)?|\.pyenv|\.rbenv|\.rvm|\.nodenv|\.nvm|\.fnm|\.volta|\.asdf|\.sdkman|\.jdks|\.jenv"
    r"|\.goenv|\.gvm|\.cargo|\.rustup|\.ghcup|\.opam|\.juliaup|\.julia|\.dotnet|\.bun|\.deno|\.conda|\.venv|\.virtualenvs|\.tox|\.nox|\.npm|\.npm-global|\.pnpm"
    r"|\.yarn|\.gradle|\.terraform|\.terraform\.d|\.tfenv|\.krew|\.linuxbrew|\.nix-profile|\.platformio|\.local/(?:share|bin|lib|pipx|state)"
    r"|\.cache/(?:pre-commit|bazel|ms-playwright|uv|pypoetry|pip|go-build|puppeteer|JetBrains))"
)
SHELLS = re.compile(r"(?:ba|da|z|k|mk|pdk|a|fi|tc|c|rba|r)?sh|busybox|toybox")
INTERPRETERS = re.compile(r"(?:python|perl|ruby|php|lua|luajit|pypy|tclsh|wish)-?\d*(?:\.\d+)*|awk|gawk|mawk|nawk|original-awk")
RELAYS = re.compile(r"nc|ncat|netcat|nc\.(?:traditional|openbsd)|cryptcat|socat\d?|telnet")
# Ports of the services that servers are there for.
USUAL_PORTS = frozenset((22, 25, 53, 67, 68, 80, 110, 111, 123, 143, 161, 389, 443, 465, 514, 546, 547, 587, 631, 636, 853, 993, 995))


def temporary_folder(path: str) -> str | None:
    """The temporary folder that a path lies below; ``None`` when in none."""
    return next((folder.rstrip("/") for folder in _TEMPORARY if path.startswith(folder)), None)


def is_in_home(path: str) -> bool:
    """Tell whether a path lies below a home directory."""
    return _HOME.match(path) is not None


def is_ansible_folder(path: str) -> bool:
    """Tell whether a path lies below the folder where Ansible puts its modules."""
    return is_in_home(path) and "/.ansible/tmp/ansible-tmp-" in path


def hidden_parts(path: str) -> list[str]:
    """Components of a path that listings leave out or that do not show what they are: dotted, blank, blank at an end."""
    return [part for part in path.split("/") if part not in ("", ".", "..") and (part.startswith(".") or part != part.strip() or not part.strip(_BLANKS))]


def is_developer_tool(path: str) -> bool:
    """Tell whether all that is hidden of a path is folders of developers' tools; the file itself must not be hidden."""
    folders, _slash, _file = path.rpartition("/")
    return bool(hidden_parts(folders)) and hidden_parts(path) == hidden_parts(folders) and not hidden_parts(_DEVELOPER_FOLDERS.sub("tool", folders))


def tool_of(program: Program) -> str:
    """The name of what really runs: of the packaged program with the same content, or else of the file.

    A busybox is what it was called as.
    """
    same = program.executable.same_as if program.executable else None
    name = (same or program.path or program.process.name).rpartition("/")[2]
    return program.process.name if name in ("busybox", "toybox") else name


def is_shell(tool: str) -> bool:
    """Tell whether a tool is a shell."""
    return SHELLS.fullmatch(tool) is not None


def is_interpreter(tool: str) -> bool:
    """Tell whether a tool runs whatever it is given: a shell, an interpreter, a relay such as netcat."""
    return any(pattern.fullmatch(tool) for pattern in (SHELLS, INTERPRETERS, RELAYS))
