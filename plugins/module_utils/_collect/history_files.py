# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""History files: where they lie in a home, what stands there, and what they hold. No link is ever followed."""

import fcntl
import os
import platform
import re
import stat
import struct
from itertools import islice
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Set, Tuple

from .fair_share import allowances
from .history_formats import FROM_THE_START, Parsed, parse
from .homes import Home
from .procfs import is_gone
from .reading import Content, iso_time, kind_of, open_file, put, text
from .section import SectionBuilder

SHELLS = ("bash", "zsh", "fish", "ksh", "ash", "csh", "sh")

_FILES = (
    ("bash", b".bash_history"),
    ("zsh", b".zsh_history"),
    ("zsh", b".zhistory"),
    ("zsh", b".histfile"),
    ("fish", b".local/share/fish/fish_history"),
    ("fish", b".config/fish/fish_history"),
    ("ksh", b".sh_history"),
    ("ksh", b".ksh_history"),
    ("ksh", b".mksh_history"),
    ("ash", b".ash_history"),
    ("csh", b".history"),
    ("python", b".python_history"),
    ("mysql", b".mysql_history"),
    ("mysql", b".mariadb_history"),
    ("psql", b".psql_history"),
    ("sqlite", b".sqlite_history"),
    ("sqlite", b".local/state/sqlite_history"),
    ("redis", b".rediscli_history"),
    ("node", b".node_repl_history"),
    ("mongo", b".dbshell"),
    ("mongosh", b".mongodb/mongosh/mongosh_repl_history"),
    ("lftp", b".local/share/lftp/rl_history"),
    ("lftp", b".lftp/rl_history"),
    ("irb", b".irb_history"),
    ("php", b".php_history"),
    ("gdb", b".gdb_history"),
    ("metasploit", b".msf4/history"),
    ("less", b".lesshst"),
    ("less", b".local/state/lesshst"),
    ("less", b".local/share/lesshst"),
    ("vim", b".viminfo"),
    ("nvim", b".local/state/nvim/shada/main.shada"),
    ("nvim", b".local/share/nvim/shada/main.shada"),
    ("wget", b".wget-hsts"),
    ("wget", b".local/share/wget/.wget-hsts"),
)
_KNOWN = {path: program for program, path in _FILES if b"/" not in path}
# What stands behind the name of a history file that was kept, rotated, or left behind by a shell that was killed while writing it.
_COPY = re.compile(rb"(\..*?(?:history|histfile|lesshst|viminfo|dbshell|hsts))[-._~0-9].*|(.*)~")
_MOST_NAMES = 20000
_MOST_COPIES = 20
_MOST_OF_A_FILE = 4 << 20
_MOST_OF_ALL = 32 << 20

# ioctl_iflags(2)
IMMUTABLE, APPEND_ONLY = 0x10, 0x20
_READ = 0x40000000 if platform.machine().startswith(("ppc", "mips", "sparc", "alpha")) else 0x80000000
_FS_IOC_GETFLAGS = _READ | (struct.calcsize("l") << 16) | (ord("f") << 8) | 1


Places = Dict[bytes, List[Tuple[str, bytes]]]  # by home: program, and path relative to the home or absolute


class Found(NamedTuple):
    """Something that stands where a program writes its history; ``relative`` to the home, or absolute outside it."""

    home: Home
    program: str
    relative: bytes
    status: os.stat_result
    link_target: Optional[bytes]

    @property
    def path(self) -> bytes:
        """Its path on the host."""
        return self.relative if self.relative.startswith(b"/") else self.home.path.rstrip(b"/") + b"/" + self.relative

    @property
    def kind(self) -> str:
        """``file``, ``link``, ``fifo`` …"""
        return kind_of(self.status.st_mode)


class History(NamedTuple):
    """What was found, its content (``None`` when it was not read), and its attributes (0 where unknown)."""

    found: Found
    parsed: Optional[Parsed]
    content: Optional[Content]
    attributes: int


def find_files(homes: Iterable[Home], elsewhere: Places, builder: SectionBuilder) -> List[Found]:
    """Everything that stands where history files of these homes lie. ``elsewhere`` adds files by home: program and path."""
    found: List[Found] = []
    homes = list(homes)
    for home in homes:
        try:
            descriptor = os.open(home.found_at, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            builder.error("home", error, text(home.path))
            continue
        try:
            named = [place for place in elsewhere.get(home.path, ()) if not place[1].startswith(b"/")]
            found.extend(_find_in(home, descriptor, [*_FILES, *named, *_copies(home, builder)], builder))
        finally:
            os.close(descriptor)
    return found + _find_outside(homes, elsewhere, {(entry.status.st_dev, entry.status.st_ino) for entry in found}, builder)


def _copies(home: Home, builder: SectionBuilder) -> List[Tuple[str, bytes]]:
    """Files named after a history file: ``.bash_history-1234.tmp``, ``.zsh_history.old``, ``.psql_history-shop``."""
    try:
        with os.scandir(home.found_at) as entries:
            names = [entry.name for entry in islice(entries, _MOST_NAMES + 1)]
    except OSError as error:
        builder.error("names in a home", error, text(home.path))
        return []
    if len(names) > _MOST_NAMES:
        builder.reached("names in " + text(home.path), _MOST_NAMES)
    matches = [(match.group(1) or match.group(2), match.group()) for match in map(_COPY.fullmatch, sorted(names)) if match]
    copies = [(_KNOWN[original], name) for original, name in matches if original in _KNOWN and not name.endswith((b".LOCK", b".lock"))]
    if len(copies) > _MOST_COPIES:
        builder.reached("copies of history files in " + text(home.path), _MOST_COPIES, len(copies))
    return copies[:_MOST_COPIES]


def _find_outside(homes: List[Home], elsewhere: Places, seen: Set[Tuple[int, int]], builder: SectionBuilder) -> List[Found]:
    """History files outside the homes, those left out that were found in one."""
    found = []
    for home in homes:
        for program, path in elsewhere.get(home.path, ()):
            try:
                entry = Found(home, program, path, *_look_at(home.find(path))) if path.startswith(b"/") else None
            except OSError as error:
                if not is_gone(error):
                    builder.error("history file", error, text(path))
                continue
            if entry and (entry.status.st_dev, entry.status.st_ino) not in seen and entry.kind in ("file", "link", "fifo"):
                seen.add((entry.status.st_dev, entry.status.st_ino))
                found.append(entry)
    return found


def _look_at(path: bytes) -> Tuple[os.stat_result, Optional[bytes]]:
    status = os.lstat(path)
    return status, os.readlink(path) if stat.S_ISLNK(status.st_mode) else None


def _find_in(home: Home, descriptor: int, places: Iterable[Tuple[str, bytes]], builder: SectionBuilder) -> Iterator[Found]:
    seen = set()
    for program, relative in places:
        if relative in seen:
            continue
        seen.add(relative)
        try:
            yield Found(home, program, relative, *look_beneath(descriptor, relative))
        except OSError as error:
            if not is_gone(error):
                builder.error("history file", error, text(home.path + b"/" + relative))


def look_beneath(descriptor: int, relative: bytes) -> Tuple[os.stat_result, Optional[bytes]]:
    """Status of what stands at a path below an open directory, and the text of it if it is a link.

    No link is followed below the directory. Raises ``OSError``.
    """
    folder, parts = os.dup(descriptor), relative.split(b"/")
    try:
        for part in parts[:-1]:
            deeper = os.open(part, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            os.close(folder)
            folder = deeper
        status = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
        return status, os.readlink(parts[-1], dir_fd=folder) if stat.S_ISLNK(status.st_mode) else None
    finally:
        os.close(folder)


def read_histories(found: List[Found], builder: SectionBuilder) -> Iterator[History]:
    """Read and parse, one file after the other: of each a fair part of what may be read in all, the newest part of it."""
    sizes = [min(entry.status.st_size, _MOST_OF_A_FILE) if entry.kind == "file" else 0 for entry in found]
    for entry, most in zip(found, allowances(sizes, _MOST_OF_ALL)):
        if entry.kind != "file":
            yield History(entry, None, None, 0)
            continue
        try:
            content, attributes = _read(entry, most)
        except OSError as error:
            builder.error("history file", error, text(entry.path))
            yield History(entry, None, None, 0)
            continue
        parsed = parse(entry.program, content.data, is_cut=content.offset > 0)
        if len(content.data) < content.stat.st_size:
            builder.reached("bytes of " + text(entry.path), len(content.data), content.stat.st_size)
        elif parsed.parsed_lines < parsed.lines:
            builder.reached("lines of " + text(entry.path), parsed.parsed_lines, parsed.lines)
        yield History(entry, parsed, content, attributes)


def _read(found: Found, most: int) -> Tuple[Content, int]:
    outside = found.relative.startswith(b"/")
    descriptor = open_file(found.home.find(found.path)) if outside else open_file(found.relative, beneath=found.home.found_at)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        _refuse_what_is_not_theirs(found, status, outside)
        offset = 0 if found.program in FROM_THE_START else max(0, status.st_size - most)
        stream.seek(offset)
        return Content(stream.read(most), status, offset), _attributes(descriptor)


def _refuse_what_is_not_theirs(found: Found, status: os.stat_result, outside: bool) -> None:
    """A second name for a secret, or a path to it in a start-up file, must not make root read it out."""
    if status.st_uid == found.home.uid:
        return
    if outside:
        raise OSError(0, "a start-up file or an environment names it, but it does not belong to the account: not read")
    if status.st_nlink > 1:
        raise OSError(0, "is another name of a file that does not belong to the account: not read")


def _attributes(descriptor: int) -> int:
    """Attributes of chattr(1), 0 where the file system has none."""
    try:
        return int(struct.unpack("I", fcntl.ioctl(descriptor, _FS_IOC_GETFLAGS, b"\0" * struct.calcsize("l"))[:4])[0])
    except OSError:
        return 0


def file_record(history: History, user: Optional[bytes]) -> Dict[str, Any]:
    """A record ``history_file``."""
    found, content = history.found, history.content
    status = content.stat if content else found.status
    record: Dict[str, Any] = {
        "uid": found.home.uid,
        "program": found.program,
        "kind": found.kind,
        "owner_uid": status.st_uid,
        "mode": "%04o" % stat.S_IMODE(status.st_mode),
        "size": status.st_size,
        "read_from": content.offset if content else None,
        "modified_at": iso_time(status.st_mtime),
        "changed_at": iso_time(status.st_ctime),
        "is_immutable": bool(history.attributes & (IMMUTABLE | APPEND_ONLY)) if content else None,
        "entries": len(history.parsed.entries) if history.parsed else 0,
    }
    put(record, "user", user)
    put(record, "path", found.path)
    put(record, "link_target", found.link_target)
    return record
