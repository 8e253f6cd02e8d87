# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``MANIFEST.sha256``: what ``sha256sum -c`` verifies a case with."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from .files import UNFINISHED, write_bytes

NAME = "MANIFEST.sha256"


def write_manifest(case: Path) -> None:
    """Write the SHA-256 of every file of the case."""
    lines = []
    for path in sorted(path for path in case.rglob("*") if _belongs(path)):
        with suppress(FileNotFoundError):  # another run works on the case; it writes the manifest anew at its end
            lines.append(f"{_sha256(path)}  {path.relative_to(case).as_posix()}\n")
    write_bytes(case / NAME, "".join(lines).encode("utf-8", "surrogateescape"))


def _belongs(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.name != NAME and not path.name.startswith(UNFINISHED)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
