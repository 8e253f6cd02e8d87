# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which package owns a file, and which digest the package gave it: dpkg's database, read and not asked.

Sources: dpkg(1), deb-md5sums; the layout of /var/lib/dpkg. The database is the target's own: an intruder with root can change it.
"""

import os
import re
from itertools import islice
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Set, Tuple

from .packages import DPKG_INFO, Owner, aliases
from .reading import read_file, text
from .section import SectionBuilder
from .target import Target

_FOLDER = "/var/lib/dpkg"
_LARGEST = 1 << 25  # bytes of a file
_MOST_BYTES = 1 << 28  # of all lists
_MOST_FILES = 500000
_MOST_DIVERSIONS = 10000
_BLOCK = 1 << 20
_PARAGRAPH = re.compile(rb"(?:.+\n)+")
_FIELD = re.compile(rb"^(Package|Version|Architecture):[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_CONFFILE = re.compile(rb"^ (/.*) ([0-9a-f]{32})(?: obsolete)?$", re.MULTILINE)


class Diversion(NamedTuple):
    """Where a file was diverted to, and the package whose own file stands in its place (``:`` for the administrator)."""

    to: bytes
    by: bytes


class Installed(NamedTuple):
    """What dpkg's status says of a package: its version, and its paragraph."""

    version: str
    paragraph: bytes


def find_owners(target: Target, paths: Iterable[bytes], builder: SectionBuilder) -> Optional[Dict[bytes, Owner]]:
    """As ``packages.find_owners``. Every list of files is read once, and searched for all paths together."""
    wanted: Dict[bytes, Set[bytes]] = {}
    for path in filter(os.path.isabs, paths):
        for alias in aliases(path):
            wanted.setdefault(alias, set()).add(path)
    lists = _lists(target, builder)
    if lists is None:
        return None
    diversions = _diversions(target, builder)
    listed_as = set(wanted) | {original for original, diversion in diversions.items() if diversion.to in wanted}
    found: Dict[bytes, Owner] = {}
    status: Optional[Dict[bytes, Installed]] = None
    for name, listed_here in _search(target, lists, listed_as, builder):
        package = name[: -len(b".list")]
        mine = {_lies_at(listed, package, diversions): listed for listed in listed_here}
        mine = {place: listed for place, listed in mine.items() if place in wanted}
        if not mine:
            continue
        if status is None:
            status = _read_status(target, builder)
        digests = _digests(target, package, set(mine.values()), status.get(package), builder)
        for place, listed in mine.items():
            version = status[package].version if package in status else None
            owner = Owner(text(package.partition(b":")[0]), version, digests.get(listed))
            for path in wanted[place]:
                found.setdefault(path, owner)
    return found


def _lists(target: Target, builder: SectionBuilder) -> Optional[List[bytes]]:
    """The names of the lists of files; ``None`` when they cannot be had."""
    try:
        with os.scandir(os.fsencode(target.path(DPKG_INFO))) as entries:
            names = [entry.name for entry in islice(entries, _MOST_FILES + 1)]
    except OSError as error:
        builder.error("package database", error, DPKG_INFO)
        return None
    if len(names) > _MOST_FILES:
        builder.error("package database", "has more than %d files, the others were not read" % _MOST_FILES, DPKG_INFO)
    return sorted(name for name in names if name.endswith(b".list"))


def _search(target: Target, lists: List[bytes], listed_as: Set[bytes], builder: SectionBuilder) -> Iterator[Tuple[bytes, Set[bytes]]]:
    """The lists that have any of the paths, and which."""
    left = _MOST_BYTES
    for name in lists:
        data = _read(target, DPKG_INFO, name, builder, "package database")
        left -= len(data)
        if left < 0:
            builder.error("package database", "is larger than %d bytes, the rest was not read" % _MOST_BYTES, text(name))
            return
        # Most lists have none of the paths: a look at all the lines as a set is dearer than it need be, and still a millisecond.
        found = {line for block in _blocks(data) for line in listed_as.intersection(block)}
        if found:
            yield name, found


def _read(target: Target, folder: str, name: bytes, builder: SectionBuilder, what: str) -> bytes:
    """A file of the database; empty when it cannot be read. A missing one is not an error of its own, and what is too large is cut."""
    try:
        content = read_file(os.fsencode(target.path(folder)) + b"/" + name, _LARGEST)
    except FileNotFoundError:
        return b""
    except OSError as error:
        builder.error(what, error, text(name))
        return b""
    if len(content.data) < content.stat.st_size:
        builder.error(what, "is larger than %d bytes, the rest was not read" % _LARGEST, text(name))
    return content.data


def _blocks(data: bytes) -> Iterator[List[bytes]]:
    """All lines, so many at a time that a file of nothing but line ends takes no memory."""
    place = 0
    while place < len(data):
        end = data.find(b"\n", place + _BLOCK)
        end = len(data) if end < 0 else end + 1
        yield data[place:end].split(b"\n")
        place = end


def _digests(target: Target, package: bytes, paths: Set[bytes], installed: Optional[Installed], builder: SectionBuilder) -> Dict[bytes, str]:
    """``info/PACKAGE.md5sums``: digest, two blanks, path without its first slash. Of configuration files, the status has the digests."""
    digests = {}
    data = _read(target, DPKG_INFO, package + b".md5sums", builder, "digests of packages")
    for path in paths:
        match = re.search(rb"^([0-9a-f]{32})  " + re.escape(path[1:]) + rb"$", data, re.MULTILINE)
        if match:
            digests[path] = match.group(1).decode("ascii")
    if installed is not None:
        for path, digest in _CONFFILE.findall(installed.paragraph):
            if path in paths:
                digests.setdefault(path, digest.decode("ascii"))
    return digests


def _read_status(target: Target, builder: SectionBuilder) -> Dict[bytes, Installed]:
    """By the name that the package's files in ``info`` have: with the architecture where it may be installed for several."""
    found: Dict[bytes, Installed] = {}
    for match in _PARAGRAPH.finditer(_read(target, _FOLDER, b"status", builder, "package versions")):
        fields = dict(_FIELD.findall(match.group()))
        name, version = fields.get(b"Package"), fields.get(b"Version")
        if name and version:
            installed = Installed(text(version), match.group())
            found[name] = found[name + b":" + fields.get(b"Architecture", b"")] = installed
    return found


def _diversions(target: Target, builder: SectionBuilder) -> Dict[bytes, Diversion]:
    """What was diverted (dpkg-divert(1)), by its original path: triples of original, diverted to, and by whom."""
    lines = (line for block in _blocks(_read(target, _FOLDER, b"diversions", builder, "diversions of packages")) for line in block)
    return {original: Diversion(to, by) for original, to, by in islice(zip(lines, lines, lines), _MOST_DIVERSIONS)}


def _lies_at(listed: bytes, package: bytes, diversions: Dict[bytes, Diversion]) -> bytes:
    """Where a file of a package lies: at the path that its list has, unless another package or the administrator diverted it."""
    diversion = diversions.get(listed)
    return listed if diversion is None or diversion.by == package.partition(b":")[0] else diversion.to
