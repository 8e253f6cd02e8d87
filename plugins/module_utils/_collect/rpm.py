# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which RPM owns a file, and which digest it gave it: asked through the target's own ``rpm``, since the database has several formats.

First the numbers of the packages that own any of the paths, then each of these packages once: many files belong to few packages.
Source: rpm(8), the tag table and the query formats of RPM's documentation.
"""

import os
from typing import Dict, Iterable, Iterator, List, Optional, Set, Tuple

from .packages import Owner, aliases, rpm_folder
from .reading import text
from .section import SectionBuilder
from .target import Target
from .trusted_program import ask, why_not_trusted

_PROGRAM = "/usr/bin/rpm"
_SECONDS = 15.0
_MOST_BYTES = 1 << 25
# Linux takes 128 KiB of one argument and some megabytes of all.
_BATCH_BYTES = 1 << 17
_BATCH_NUMBERS = 500
# Two slashes end a field: no path in a package has them, whatever else is in it.
_END = b"//\n"
_FORMAT = b"P//%{NAME}//%{EVR}//%{FILEDIGESTALGO}//\n[F//%{FILESTATES}//%{FILEDIGESTS}//%{FILENAMES}//\n]"
# RFC 4880, section 9.4. An older RPM says none: MD5.
_ALGORITHMS = {b"1": "md5", b"2": "sha1", b"8": "sha256", b"9": "sha384", b"10": "sha512"}
# States of a file (rpmfileState): normal, and on a file system that several hosts share. The others are not this package's on disk.
_ON_DISK = (b"0", b"3", b"(none)")


class _Rpm:
    """``rpm`` on one database, with one allowance of time and errors in one section."""

    def __init__(self, target: Target, builder: SectionBuilder) -> None:
        database = target.path(rpm_folder(target) or "/var/lib/rpm")
        self._command = [os.fsencode(target.path(_PROGRAM)), b"--dbpath", os.fsencode(database), b"-q", b"--nosignature", b"--nodigest"]
        self._builder = builder

    def query(self, words: List[bytes]) -> Optional[bytes]:
        """The answer to a query; ``None`` when there was none that can be relied upon."""
        answer = ask(self._command + words, _SECONDS, _MOST_BYTES)
        problem = answer.problem
        for line in answer.complaints.split(b"\n"):
            # That a file asked for is gone is no problem.
            if not problem and line.startswith(b"error: ") and not line.startswith(b"error: file /"):
                problem = text(line[:300])
        if problem:
            self._builder.error("package database", problem)
        return None if problem else answer.output


def find_owners(target: Target, paths: Iterable[bytes], builder: SectionBuilder) -> Optional[Dict[bytes, Owner]]:
    """As ``packages.find_owners``."""
    problem = why_not_trusted(target.path(_PROGRAM)) if os.path.lexists(target.path(_PROGRAM)) else "there is no %s to read RPM's database with" % _PROGRAM
    if problem:
        builder.error("package ownership", problem)
        return None
    # No package has a file with a line end in its name; rpm's complaint about one could be taken for another.
    wanted = sorted({path for path in paths if path.startswith(b"/") and b"\0" not in path and b"\n" not in path})
    rpm = _Rpm(target, builder)
    numbers: Set[bytes] = set()
    for batch in _batches(wanted):
        output = rpm.query([b"-f", b"--queryformat", b"%{DBINSTANCE}\n", b"--"] + batch)
        if output is None:
            return None
        numbers.update(line for line in output.split(b"\n") if line.isdigit())
    return _owners(target, rpm, wanted, sorted(numbers))


def _batches(paths: List[bytes]) -> Iterator[List[bytes]]:
    batch: List[bytes] = []
    size = 0
    for path in paths:
        if size + len(path) > _BATCH_BYTES and batch:
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += len(path) + 1
    if batch:
        yield batch


def _owners(target: Target, rpm: _Rpm, wanted: List[bytes], numbers: List[bytes]) -> Optional[Dict[bytes, Owner]]:
    places = _Places(target, wanted)
    found: Dict[bytes, Owner] = {}
    for start in range(0, len(numbers), _BATCH_NUMBERS):
        output = rpm.query([b"--queryformat", _FORMAT, b"--querybynumber", b"--"] + numbers[start : start + _BATCH_NUMBERS])
        if output is None:
            return None
        for listed, owner in _files(output):
            for path in places.named(listed):
                # Of packages for several architectures that share a file, one is as good as the other.
                found.setdefault(path, owner)
    return found


def _files(output: bytes) -> Iterator[Tuple[bytes, Owner]]:
    """The paths that packages have, and what these say of them."""
    package, version, algorithm = "", None, "md5"
    place = 0
    while True:
        end = output.find(_END, place)
        if end < 0:
            return
        fields = output[place:end].split(b"//", 3)
        place = end + len(_END)
        if len(fields) < 4:
            continue
        if fields[0] == b"P":
            package, version = text(fields[1]), text(fields[2])
            algorithm = "md5" if fields[3] == b"(none)" else _ALGORITHMS.get(fields[3], "unknown")
        elif fields[0] == b"F" and fields[1] in _ON_DISK:
            digest = text(fields[2])
            yield fields[3], Owner(package, version, digest if digest not in ("", "(none)") else None, algorithm)


class _Places:
    """Which of the paths asked for a path in a package is."""

    def __init__(self, target: Target, wanted: List[bytes]) -> None:
        self._root = os.fsencode(target.root)
        self._wanted: Dict[bytes, Set[bytes]] = {}
        for path in wanted:
            for alias in aliases(path):
                self._wanted.setdefault(alias, set()).add(path)
        self._names = {os.path.basename(path) for path in wanted}
        self._folders: Dict[bytes, bytes] = {}

    def named(self, listed: bytes) -> Set[bytes]:
        """The paths asked for that are the file listed: by the same name, or through links of folders (/usr/sbin may be one to /usr/bin)."""
        found = self._wanted.get(listed)
        folder, _slash, name = listed.rpartition(b"/")
        if found is None and name in self._names:
            if folder not in self._folders:
                real = os.path.realpath(self._root + folder)
                self._folders[folder] = real[len(self._root) :] if real.startswith(self._root) else real
            found = self._wanted.get(self._folders[folder] + b"/" + name)
        return found or set()
