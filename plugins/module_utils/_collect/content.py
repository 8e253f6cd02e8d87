# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes of running images and files, a piece at a time, for whoever knows which file it is."""

import base64
import errno
import hashlib
import os
import zlib
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from . import procfs
from .file_servers import PATIENCE
from .hashing import open_known, open_to_read
from .reading import reason_of
from .target import Target

MOST_AT_ONCE = 32 << 20
_CHUNK = 1 << 20
_FAST = 1  # zlib level: the host has other work to do
_SLOWEST = 8 << 20  # bytes a second, of a file system that another host answers for

Process = Tuple[int, int]  # pid and start ticks
Content = Tuple[bytes, str]  # bytes, compressed; and SHA-256 of them as they are


class Piece(NamedTuple):
    """``length`` bytes from ``offset`` of the file of ``size`` bytes that is ``inode`` on ``device``.

    ``processes`` (pid, start ticks) ran it; ``path`` led to it, for when they have ended or never were.
    """

    processes: List[Process]
    path: bytes
    device: int
    inode: int
    size: int
    offset: int
    length: int


def read_pieces(target: Target, pieces: List[Piece]) -> List[Dict[str, Any]]:
    """Read pieces, in their order: ``data`` (base64 of zlib-compressed bytes) and ``sha256`` of the bytes, or ``error``.

    Raises ``ValueError`` for more than ``MOST_AT_ONCE`` bytes, and for numbers below zero.
    """
    if any(number < 0 for piece in pieces for number in (piece.size, piece.offset, piece.length)):
        raise ValueError("size, offset and length cannot be below 0")
    if sum(piece.length for piece in pieces) > MOST_AT_ONCE:
        raise ValueError("no more than %d bytes are read at once" % MOST_AT_ONCE)
    return [_read(target, piece) for piece in pieces]


def _read(target: Target, piece: Piece) -> Dict[str, Any]:
    try:
        data, sha256 = _find(target, piece)
    except OSError as error:
        return {"data": None, "sha256": None, "error": reason_of(error)}
    return {"data": base64.b64encode(data).decode("ascii"), "sha256": sha256, "error": None}


def _find(target: Target, piece: Piece) -> Content:
    """Read it through the first process that still runs it, or at its path. Raises ``OSError``."""
    refused: Optional[OSError] = None
    seconds = PATIENCE + piece.length / _SLOWEST
    ways: List[Tuple[Any, Optional[Process]]] = [("%s/%s/exe" % (target.proc, target.place(process[0])), process) for process in piece.processes]
    ways.append((os.fsencode(target.root) + piece.path.replace(b"\0", b""), None))
    for path, process in ways:
        try:
            found: Optional[Content] = target.file_servers.ask(path, _read_at, path, target.proc, process, piece, seconds=seconds)
        except OSError as error:
            refused = refused or error
            continue
        if found is not None:
            return found
    raise refused or OSError(errno.ESTALE, "is gone: no process runs it any more, and its path does not lead to it")


def _read_at(path: Any, proc: str, process: Optional[Process], piece: Piece) -> Optional[Content]:
    """Read a piece of what a path leads to; ``None`` when that is not the file, or not of that process. Raises ``OSError``."""
    handle = open_known(path, piece.device, piece.inode)
    if handle is None:
        return None
    try:
        # Asked after it was opened: a pid that was recycled in between shows.
        if process is not None and not _is_still(proc, process):
            return None
        return _compressed(handle, piece)
    finally:
        os.close(handle)


def _is_still(proc: str, process: Process) -> bool:
    try:
        return procfs.read_stat(proc, process[0]).starttime == process[1]
    except (OSError, ValueError, IndexError):
        return False


def _compressed(handle: int, piece: Piece) -> Content:
    """The bytes compressed, and their SHA-256. Never holds more than a chunk of them as they are."""
    descriptor = open_to_read(handle)
    try:
        if os.fstat(descriptor).st_size != piece.size:
            raise OSError(errno.ESTALE, "was changed after it was hashed: its size is another one")
        compressor, digest, parts, offset, left = zlib.compressobj(_FAST), hashlib.sha256(), [], piece.offset, piece.length
        while left > 0:
            chunk = os.pread(descriptor, min(_CHUNK, left), offset)
            if not chunk:
                raise OSError(errno.ESTALE, "was changed while it was read: it ends before its size")
            digest.update(chunk)
            parts.append(compressor.compress(chunk))
            offset += len(chunk)
            left -= len(chunk)
        return b"".join(parts) + compressor.flush(), digest.hexdigest()
    finally:
        os.close(descriptor)
