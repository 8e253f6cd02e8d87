# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that were retrieved from a host: named by their SHA-256, each once, never executable, whole or not there."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path

from .files import UNFINISHED, digest_of, make_folder

FOLDER = "evidence"
SHA256 = re.compile(r"[0-9a-f]{64}")
_MODE = 0o400


class BadEvidence(ValueError):
    """Content that is not what was announced; the message says in what."""


class EvidenceFolder:
    """``evidence`` below the folder of a host in a case."""

    def __init__(self, host_folder: Path) -> None:
        self.path = host_folder / FOLDER

    def has(self, sha256: str) -> bool:
        """Tell whether a file is there, with the content that its name says."""
        path = self._path_of(sha256)
        return path.is_file() and not path.is_symlink() and digest_of(path) == sha256

    def receive(self, sha256: str, size: int) -> Incoming:
        """Begin a file. It is there under its name when all of it came, and nothing of it otherwise. Raises ``OSError``."""
        make_folder(self.path)
        return Incoming(self._path_of(sha256), size)

    def _path_of(self, sha256: str) -> Path:
        if not SHA256.fullmatch(sha256):
            raise BadEvidence(f"{sha256!r} is no SHA-256")
        return self.path / sha256


class Incoming:
    """A file on its way into an evidence folder, under a temporary name."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._left = size
        self._digest = hashlib.sha256()
        descriptor, self._temporary = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
        self._stream = os.fdopen(descriptor, "wb")

    def add(self, data: bytes) -> None:
        """Take the next bytes. Raises ``BadEvidence`` when they are more than were announced, or ``OSError``."""
        self._left -= len(data)
        if self._left < 0:
            raise BadEvidence("more bytes came than the file has")
        self._digest.update(data)
        self._stream.write(data)

    def keep(self) -> None:
        """Give the file its name. Raises ``BadEvidence`` when it is not that file, or ``OSError``."""
        if self._left:
            raise BadEvidence(f"{self._left} bytes of it did not come")
        if self._digest.hexdigest() != self._path.name:
            raise BadEvidence("what came does not have the SHA-256 of the facts: it was changed after it was hashed")
        with self._stream as stream:
            stream.flush()
            os.fchmod(stream.fileno(), _MODE)
            os.fsync(stream.fileno())
        os.replace(self._temporary, self._path)

    def drop(self) -> None:
        """Forget a file that is not kept."""
        self._stream.close()
        os.unlink(self._temporary)
