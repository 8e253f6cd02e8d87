# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a case: written whole or not at all, by one at a time, and for the operator only."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600
UNFINISHED = ".new-"


def make_folder(path: Path) -> Path:
    """Make a folder and those of its parents that are missing, closed to others."""
    if not path.is_dir():
        # mkdir(parents=True) would leave the parents open to everyone.
        make_folder(path.parent)
        path.mkdir(mode=_FOLDER_MODE, exist_ok=True)
    return path


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, against other forks and other runs (flock(2))."""
    descriptor = os.open(make_folder(folder), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_bytes(path: Path, data: bytes) -> None:
    """Replace a file in one step: a reader, a crash or a full disk never leaves half of it."""
    write_chunks(path, [data])


def write_chunks(path: Path, chunks: Iterable[bytes]) -> None:
    """The same of what comes piece by piece."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.writelines(chunks)
            stream.flush()
            os.fsync(stream.fileno())
            os.fchmod(stream.fileno(), _FILE_MODE)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_json(path: Path, value: Any) -> None:
    """Replace a file with a value, readable by people."""
    write_bytes(path, json.dumps(value, indent=2, ensure_ascii=True, sort_keys=False).encode("ascii") + b"\n")


def read_json(path: Path) -> Any:
    """The value in a file; ``None`` when there is no such file. Raises ``ValueError`` when it is damaged."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def digest_of(path: Path) -> str:
    """SHA-256 of a file's content, hexadecimal, in bounded memory. Raises ``OSError``."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
