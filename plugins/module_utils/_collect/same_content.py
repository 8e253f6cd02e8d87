# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program under another name: which file of the system's folders has the same content."""

import os
from typing import Dict, List, Optional

from .hashing import digest_file
from .target import Target

_FOLDERS = ("/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/lib/systemd")
# Who fills a folder with files of one size costs us no more than these.
_MOST_CANDIDATES = 64
_MOST_BYTES = 1 << 30


def find_same(target: Target, size: int, sha256: str) -> List[bytes]:
    """The paths of the programs with that size (bytes) and SHA-256."""
    if not size:
        return []  # every empty file is a copy of every other
    candidates = _by_size(target).get(size, [])[: max(1, min(_MOST_CANDIDATES, _MOST_BYTES // size))]
    return [path[len(os.fsencode(target.root)) :] for path in candidates if _digest(target, path) == sha256]


def _digest(target: Target, path: bytes) -> Optional[str]:
    """SHA-256 of a program; each is hashed once, however many images have its size."""
    if path not in target.digests_of_programs:
        try:
            status = os.lstat(path)
            target.digests_of_programs[path] = digest_file(path, status, ["sha256"], status.st_size).by_algorithm.get("sha256")
        except OSError:
            target.digests_of_programs[path] = None
    return target.digests_of_programs[path]


def _by_size(target: Target) -> Dict[int, List[bytes]]:
    """The regular files of the system's folders by size; looked up once for each host."""
    if target.programs_by_size is None:
        target.programs_by_size = {}
        for folder in _FOLDERS:
            # On a merged-/usr system /bin is a link into /usr.
            if not os.path.islink(target.path(folder)):
                _add_folder(target.path(folder), target.programs_by_size)
    return target.programs_by_size


def _add_folder(folder: str, sizes: Dict[int, List[bytes]]) -> None:
    try:
        entries = list(os.scandir(os.fsencode(folder)))
    except OSError:
        return
    for entry in entries:
        try:
            if entry.is_file(follow_symlinks=False):
                sizes.setdefault(entry.stat(follow_symlinks=False).st_size, []).append(entry.path)
        except OSError:
            continue
