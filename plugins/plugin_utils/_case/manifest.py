# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``MANIFEST.sha256``: what ``sha256sum -c`` verifies a case with."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from .evidence import FOLDER, SHA256
from .files import UNFINISHED, digest_of, locked, write_bytes

NAME = "MANIFEST.sha256"


def write_manifest(case: Path) -> None:
    """Write the SHA-256 of every file of the case. The case's lock is held by the caller, if anybody else may work on it."""
    _write(case, _digests(case, (path for path in case.rglob("*") if _belongs(path))))


def add_to_manifest(case: Path, paths: Iterable[Path]) -> None:
    """Enter files that are new or were changed into the manifest; a case that has none gets one of all its files."""
    with locked(case):
        try:
            lines = (case / NAME).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        except FileNotFoundError:
            write_manifest(case)
            return
        known = {name: digest for digest, mark, name in (line.partition("  ") for line in lines) if mark}
        _write(case, {**known, **_digests(case, paths)})


def _digests(case: Path, paths: Iterable[Path]) -> dict[str, str]:
    digests = {}
    for path in paths:
        with suppress(FileNotFoundError):  # another run works on the case; it writes the manifest anew at its end
            digests[path.relative_to(case).as_posix()] = _expected(path)
    return digests


def _write(case: Path, digests: dict[str, str]) -> None:
    lines = [f"{digest}  {name}\n" for name, digest in sorted(digests.items())]
    write_bytes(case / NAME, "".join(lines).encode("utf-8", "surrogateescape"))


def _belongs(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.name != NAME and not path.name.startswith(UNFINISHED)


def _expected(path: Path) -> str:
    """The SHA-256 a file should have. Evidence is named by it: reading it again would certify whatever became of it since."""
    return path.name if path.parent.name == FOLDER and SHA256.fullmatch(path.name) else digest_of(path)
