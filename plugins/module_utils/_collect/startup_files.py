# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start-up files of shells, of every home and of the host: what they say about history. They are read and never run."""

import os
from typing import Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from .homes import Home
from .procfs import is_gone
from .reading import Content, NotAFile, read_file, text
from .section import SectionBuilder
from .shell_settings import Line, assignments, expand, lines_that_matter, sourced, switches_off, value_switches_off
from .target import Target

_MOST = 256 << 10  # bytes of a file
_MOST_TO_SPLIT = 512 << 10  # bytes of the lines of a home that matter
_MOST_SOURCED = 40
_MOST_HOPS = 4

_OF_A_HOME = (
    ("bash", b".bashrc"),
    ("bash", b".bash_profile"),
    ("bash", b".bash_login"),
    ("bash", b".profile"),
    ("bash", b".bash_logout"),
    ("bash", b".bash_aliases"),
    ("zsh", b".zshenv"),
    ("zsh", b".zprofile"),
    ("zsh", b".zshrc"),
    ("zsh", b".zlogin"),
    ("zsh", b".zlogout"),
    ("ksh", b".kshrc"),
    ("ksh", b".mkshrc"),
    ("csh", b".cshrc"),
    ("csh", b".tcshrc"),
    ("csh", b".login"),
    ("fish", b".config/fish/config.fish"),
    ("bash", b".pam_environment"),
    ("bash", b".ssh/environment"),
)
_OF_THE_HOST = (
    ("bash", "/etc/profile"),
    ("bash", "/etc/bash.bashrc"),
    ("bash", "/etc/bash.bash_logout"),
    ("bash", "/etc/bashrc"),
    ("bash", "/etc/environment"),
    ("bash", "/etc/security/pam_env.conf"),
    ("zsh", "/etc/zsh/zshenv"),
    ("zsh", "/etc/zsh/zprofile"),
    ("zsh", "/etc/zsh/zshrc"),
    ("zsh", "/etc/zsh/zlogin"),
    ("zsh", "/etc/zshenv"),
    ("zsh", "/etc/zshrc"),
    ("ksh", "/etc/ksh.kshrc"),
    ("ksh", "/etc/mkshrc"),
    ("csh", "/etc/csh.cshrc"),
    ("csh", "/etc/csh.login"),
    ("fish", "/etc/fish/config.fish"),
)
_FOLDERS_OF_THE_HOST = (("bash", "/etc/profile.d"), ("bash", "/etc/bashrc.d"), ("fish", "/etc/fish/conf.d"), ("bash", "/etc/skel"))


class Switch(NamedTuple):
    """A line that switches history off: the home it is for (``None``: all of them), path, line from 1, text, time of the file."""

    home: Optional[Home]
    path: bytes
    line: int
    text: bytes
    modified_at: float


class Startup(NamedTuple):
    """What start-up files say: what switches history off, and files that history is written to instead (home path → program, path)."""

    switches: List[Switch]
    histfiles: Dict[bytes, List[Tuple[str, bytes]]]


def read_startup_files(target: Target, homes: Iterable[Home], builder: SectionBuilder) -> Startup:
    """Read the start-up files of these homes, and those of the host."""
    found = Startup([], {})
    homes = list(homes)
    for program, path in _host_files(target, builder):
        try:
            content = _read_of_host(target, path)
        except OSError as error:
            if not is_gone(error):
                builder.error("start-up file", error, path)
            continue
        for line in lines_that_matter(content.data):
            _judge(found, line, None, os.fsencode(path), content)
            for home in homes:
                _add_histfiles(found, line, program, home)
    for home in homes:
        _read_home(found, home, builder)
    return found


def _host_files(target: Target, builder: SectionBuilder) -> List[Tuple[str, str]]:
    found = list(_OF_THE_HOST)
    for program, folder in _FOLDERS_OF_THE_HOST:
        try:
            found += [(program, "%s/%s" % (folder, name)) for name in sorted(os.listdir(target.path(folder)))]
        except OSError as error:
            if not is_gone(error):
                builder.error("start-up files", error, folder)
    return found


def _read_of_host(target: Target, path: str) -> Content:
    """Packages put links into /etc, and only root can; what they lead to is still read as a regular file only."""
    return read_file(os.path.realpath(target.path(path)), _MOST)


def _read_home(found: Startup, home: Home, builder: SectionBuilder) -> None:
    waiting, left = list(_OF_A_HOME), _MOST_TO_SPLIT
    seen: Set[bytes] = set()
    while waiting:
        program, relative = waiting.pop(0)
        if relative in seen or len(seen) >= len(_OF_A_HOME) + _MOST_SOURCED:
            continue
        seen.add(relative)
        path = home.path.rstrip(b"/") + b"/" + relative
        try:
            content = _read_in_home(home, relative)
        except OSError as error:
            if not is_gone(error):
                builder.error("start-up file", error, text(path))
            continue
        if len(content.data) < content.stat.st_size:
            builder.reached("bytes of " + text(path), _MOST, content.stat.st_size)
        for line in lines_that_matter(content.data):
            left -= len(line.text)
            if left < 0:
                builder.reached("start-up lines of " + text(home.path), _MOST_TO_SPLIT)
                return
            _judge(found, line, home, path, content)
            _add_histfiles(found, line, program, home)
            waiting += [(program, inner) for inner in _sourced_in_home(line, home)]


def _read_in_home(home: Home, relative: bytes) -> Content:
    """Read a file of a home. A link to another file of the same home is understood, since people keep their dot files in one folder."""
    for _hop in range(_MOST_HOPS):
        try:
            return read_file(relative, _MOST, beneath=home.found_at)
        except NotAFile as error:
            inner = _link_within(home, relative) if error.kind == "link" else None
            if inner is None:
                raise
            relative = inner
    return read_file(relative, _MOST, beneath=home.found_at)


def _link_within(home: Home, relative: bytes) -> Optional[bytes]:
    """Where a link leads, relative to the home; ``None`` when it leads out of it. It is opened below the home again, so it need not be believed."""
    pointed = os.readlink(home.found_at.rstrip(b"/") + b"/" + relative)
    base = home.path.rstrip(b"/") + b"/"
    if not pointed.startswith(b"/"):
        pointed = base + os.path.join(os.path.dirname(relative), pointed)
    pointed = os.path.normpath(pointed)
    return pointed[len(base) :] if pointed.startswith(base) else None


def _sourced_in_home(line: Line, home: Home) -> List[bytes]:
    base = home.path.rstrip(b"/") + b"/"
    paths = [expand(name, home.path, _user(home)) for name in (sourced(words) for words in line.commands) if name]
    return [path[len(base) :] for path in paths if path and path.startswith(base)]


def _user(home: Home) -> bytes:
    return home.account.name if home.account else b""


def _judge(found: Startup, line: Line, home: Optional[Home], path: bytes, content: Content) -> None:
    if switches_off(line):
        found.switches.append(Switch(home, path, line.number, line.text, content.stat.st_mtime))


def _add_histfiles(found: Startup, line: Line, program: str, home: Home) -> None:
    base = home.path.rstrip(b"/") + b"/"
    for words in line.commands:
        for name, value in assignments(words):
            path = expand(value, home.path, _user(home)) if name == b"HISTFILE" and not value_switches_off(name, value) else None
            if path and not path.endswith(b"/"):
                place = path[len(base) :] if path.startswith(base) else path
                found.histfiles.setdefault(home.path, []).append((program, place))
