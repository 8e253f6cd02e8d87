# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start-up files of shells, of every home and of the host: what they say about history. They are read and never run."""

import os
import stat
from typing import Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from .homes import Home
from .procfs import is_gone
from .reading import Content, NotAFile, open_file, read_file, text
from .section import SectionBuilder
from .shell_settings import (
    Line,
    assigned_in,
    assignments,
    client_switched_off,
    expand,
    history_places,
    is_named_by_hand,
    lines_that_matter,
    sourced,
    switches_off,
)
from .target import Target

_MOST = 256 << 10  # bytes of a file
_MOST_TO_SPLIT = 512 << 10  # bytes of the lines of a home that matter
_MOST_SOURCED = 40
_MOST_OF_HOST = 500
_MOST_HOPS = 4
_MOST_PLACES = 50  # history files that start-up files of a home may name
_MOST_VALUE = 200

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
    ("fish", b".config/fish/fish_variables"),
    ("psql", b".psqlrc"),
    ("bash", b".pam_environment"),
    ("bash", b".ssh/environment"),
)
_OF_ZDOTDIR = (b".zshenv", b".zprofile", b".zshrc", b".zlogin", b".zlogout")
_FISH_FOLDER = b".config/fish/conf.d"
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
    ("bash", "/etc/ssh/sshd_config"),
)
_FOLDERS_OF_THE_HOST = (
    ("bash", "/etc/profile.d"),
    ("bash", "/etc/bashrc.d"),
    ("fish", "/etc/fish/conf.d"),
    ("bash", "/etc/ssh/sshd_config.d"),
    ("bash", "/etc/skel"),
)


class Switch(NamedTuple):
    """A line that switches history off: sign, the home it is for (``None``: all of them), path, line from 1, text, time of the file."""

    sign: str
    home: Optional[Home]
    path: bytes
    line: int
    text: bytes
    modified_at: float


class Startup(NamedTuple):
    """What start-up files say: what switches history off, and files that history is written to instead (home path → program, path)."""

    switches: List[Switch]
    histfiles: Dict[bytes, List[Tuple[str, bytes]]]


class _Place(NamedTuple):
    """Where a line stands: the home that it is for, the program that reads it, path, time of the file, and the variables that it sets."""

    home: Optional[Home]
    program: str
    path: bytes
    modified_at: float
    assigned: Dict[bytes, bytes]


def read_startup_files(target: Target, homes: Iterable[Home], builder: SectionBuilder) -> Startup:
    """Read the start-up files of these homes, and those of the host. What names a file that only a shell could find is an error of ``builder``."""
    found = Startup([], {})
    homes = list(homes)
    known = {home.path: _variables(home) for home in homes}
    waiting = _host_files(target, builder)
    seen: Set[str] = set()
    while waiting:
        program, path = waiting.pop(0)
        if path in seen or len(seen) >= _MOST_OF_HOST:
            continue
        seen.add(path)
        try:
            content = _read_of_host(target, path)
        except OSError as error:
            if not is_gone(error):
                builder.error("start-up file", error, path)
            continue
        place = _Place(None, program, os.fsencode(path), content.stat.st_mtime, assigned_in(content.data))
        for line in lines_that_matter(content.data):
            _judge(found, line, place)
            for home in homes if _names_places(line) else ():
                _add_histfiles(found, line, place, home, known[home.path], builder)
            waiting += [(program, os.fsdecode(inner)) for inner in _sourced(line, {}, place.assigned)]
    for home in homes:
        _read_home(found, home, known[home.path], builder)
    return found


def _variables(home: Home) -> Dict[bytes, bytes]:
    """What shells of an account know when they start, unless a start-up file says otherwise."""
    user, base = home.account.name if home.account else b"", home.path.rstrip(b"/")
    known = {b"HOME": home.path, b"USER": user, b"LOGNAME": user, b"UID": b"%d" % home.owner_uid, b"ZDOTDIR": home.path}
    for name, folder in ((b"CONFIG", b"/.config"), (b"DATA", b"/.local/share"), (b"STATE", b"/.local/state"), (b"CACHE", b"/.cache")):
        known[b"XDG_" + name + b"_HOME"] = base + folder
    return known


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


def _read_home(found: Startup, home: Home, known: Dict[bytes, bytes], builder: SectionBuilder) -> None:
    base = home.path.rstrip(b"/") + b"/"
    waiting, left = list(_OF_A_HOME) + _fish_files(home) + _zsh_files(known), _MOST_TO_SPLIT
    seen: Set[bytes] = set()
    most = len(waiting) + _MOST_SOURCED
    while waiting:
        program, relative = waiting.pop(0)
        relative = relative[len(base) :] if relative.startswith(base) else relative
        if relative in seen or len(seen) >= most:
            continue
        seen.add(relative)
        path = relative if relative.startswith(b"/") else base + relative
        try:
            content = _read_outside(home, relative) if relative.startswith(b"/") else _read_in_home(home, relative)
        except OSError as error:
            if not is_gone(error):
                builder.error("start-up file", error, text(path))
            continue
        if len(content.data) < content.stat.st_size:
            builder.reached("bytes of " + text(path), _MOST, content.stat.st_size)
        place = _Place(home, program, path, content.stat.st_mtime, assigned_in(content.data))
        for line in lines_that_matter(content.data):
            left -= len(line.text)
            if left < 0:
                builder.reached("start-up lines of " + text(home.path), _MOST_TO_SPLIT)
                return
            _judge(found, line, place)
            _add_histfiles(found, line, place, home, known, builder)
            waiting += [(program, inner) for inner in _sourced(line, known, place.assigned)]
        waiting += _zsh_files(known)


def _zsh_files(known: Dict[bytes, bytes]) -> List[Tuple[str, bytes]]:
    """Zsh reads them from there instead of from the home."""
    return [("zsh", known[b"ZDOTDIR"].rstrip(b"/") + b"/" + name) for name in _OF_ZDOTDIR]


def _fish_files(home: Home) -> List[Tuple[str, bytes]]:
    """Only the names are taken; the files are opened without following a link."""
    try:
        names = sorted(os.listdir(home.found_at.rstrip(b"/") + b"/" + _FISH_FOLDER))[:_MOST_SOURCED]
    except OSError:
        return []
    return [("fish", _FISH_FOLDER + b"/" + name) for name in names if name.endswith(b".fish")]


def _read_outside(home: Home, path: bytes) -> Content:
    """Read a file that a start-up file of a home reads in: one of the same account, or one of root's that everybody may read."""
    descriptor = open_file(home.find(path))
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if status.st_uid != home.uid and not (status.st_uid == 0 and status.st_mode & stat.S_IROTH):
            raise OSError(0, "a start-up file reads it in, but it does not belong to the account: not read")
        return Content(stream.read(_MOST), status, 0)


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


def _sourced(line: Line, known: Dict[bytes, bytes], assigned: Dict[bytes, bytes]) -> List[bytes]:
    names = [name for name in map(sourced, line.commands) if name]
    return [path for path in (expand(name, known, assigned) for name in names) if path and not path.endswith(b"/")]


def _judge(found: Startup, line: Line, place: _Place) -> None:
    sign = None
    if switches_off(line):
        sign = "switched_off"
    elif any(client_switched_off(name, value) for words in line.commands for name, value in assignments(words)):
        sign = "client_switched_off"
    if sign:
        found.switches.append(Switch(sign, place.home, place.path, line.number, line.text, place.modified_at))


def _names_places(line: Line) -> bool:
    """Most lines of a host's files name none, and a host may have very many homes."""
    names = [name for words in line.commands for name, _value in assignments(words)]
    return any(b"HIST" in name or b"hist" in name or name.startswith((b"XDG_", b"ZDOTDIR")) for name in names)


def _add_histfiles(found: Startup, line: Line, place: _Place, home: Home, known: Dict[bytes, bytes], builder: SectionBuilder) -> None:
    """Note the history files that a line names, and the folders that later lines may name them by."""
    for words in line.commands:
        for name, value in assignments(words):
            if name == b"ZDOTDIR" or name.startswith(b"XDG_"):
                known[name] = expand(value, known, place.assigned) or known.get(name, b"")
            for program, named in history_places(name, value, place.program):
                if len(found.histfiles.setdefault(home.path, [])) >= _MOST_PLACES:
                    builder.reached("history files named for " + text(home.path), _MOST_PLACES)
                    return
                path = expand(named, known, place.assigned)
                is_told = path is not None and not path.endswith(b"/")
                if not is_told and is_named_by_hand(name):
                    where = place.path + b":%d: " % line.number + value[:_MOST_VALUE]
                    builder.error("history file named by a start-up file", "only a shell could tell where it is: not read", text(where))
                elif path is not None and is_told:
                    _add_place(found.histfiles[home.path], home, program, path)


def _add_place(places: List[Tuple[str, bytes]], home: Home, program: str, path: bytes) -> None:
    base = home.path.rstrip(b"/") + b"/"
    place = (program, path[len(base) :] if path.startswith(base) else path)
    if place not in places:
        places.append(place)
