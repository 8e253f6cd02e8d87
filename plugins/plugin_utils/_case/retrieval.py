# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Retrieving files from a host that may lie: what is asked for is decided here, and nothing but that is taken."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .answer import failure_of
from .evidence import BadEvidence, EvidenceFolder, Incoming
from .executable_record import Executable

PIECE = 4 << 20
# Module and fork hold a call's bytes about six times over, as bytes, text and JSON.
_BYTES_A_CALL = 8 << 20
_PIECES_A_CALL = 64
_PROCESSES = 64
_LONGEST_REASON = 500
# What zlib and base64 may make of bytes that do not get smaller (zlib.h, compressBound; RFC 4648).
_LARGEST_PACKED = (PIECE + (PIECE >> 10) + 64) * 4 // 3 + 4

Ask = Callable[[list[dict[str, Any]]], Mapping[str, Any]]


@dataclass(frozen=True)
class Outcome:
    """What became of a file: ``error`` says why it was not retrieved, ``None`` that it is in the case."""

    executable: Executable
    error: str | None


@dataclass(frozen=True)
class _Piece:
    executable: Executable
    offset: int
    length: int

    @property
    def is_last(self) -> bool:
        return self.offset + self.length == self.executable.size

    def request(self) -> dict[str, Any]:
        """The piece as the module on the target takes it."""
        wanted = self.executable
        return {
            "pids": wanted.pids[:_PROCESSES],
            "start_ticks": wanted.start_ticks[:_PROCESSES],
            "path": base64.b64encode(wanted.path).decode("ascii"),
            "device": wanted.device,
            "inode": wanted.inode,
            "size": wanted.size,
            "offset": self.offset,
            "length": self.length,
        }


class Retrieval:
    """Retrieves files into ``folder``. ``ask`` sends requests for pieces to the host and returns its answer."""

    def __init__(self, folder: EvidenceFolder, ask: Ask) -> None:
        self._folder = folder
        self._ask = ask
        self._incoming: Incoming | None = None

    def run(self, executables: Sequence[Executable]) -> Iterator[list[Outcome]]:
        """Retrieve files one after the other, and yield what became of them, call by call. A file that fails costs no other.

        Raises ``OSError`` when the controller cannot write, and whatever ``ask`` raises; nothing unfinished is left then.
        """
        waiting = list(executables)
        while waiting:
            there = {sha256 for sha256 in {executable.sha256 for executable in waiting} if self._folder.has(sha256)}
            yield [Outcome(executable, None) for executable in waiting if executable.sha256 in there]
            # Of copies, one is retrieved; the next only if that one fails.
            first = {executable.sha256: executable for executable in reversed(waiting) if executable.sha256 not in there}
            yield from self._retrieve([executable for executable in waiting if executable is first.get(executable.sha256)])
            waiting = [executable for executable in waiting if executable.sha256 not in there and executable is not first[executable.sha256]]

    def _retrieve(self, executables: Sequence[Executable]) -> Iterator[list[Outcome]]:
        pieces = deque(piece for executable in executables for piece in _pieces(executable))
        try:
            while pieces:
                outcomes = self._call(_next_call(pieces))
                failed = {id(outcome.executable) for outcome in outcomes if outcome.error}
                while pieces and id(pieces[0].executable) in failed:
                    pieces.popleft()
                yield outcomes
        finally:
            self._drop()

    def _call(self, batch: list[_Piece]) -> list[Outcome]:
        answer = self._ask([piece.request() for piece in batch])
        outcomes: list[Outcome] = []
        for number, piece in enumerate(batch):
            if outcomes and outcomes[-1].executable is piece.executable:
                continue  # an earlier piece of it failed
            try:
                self._take(piece, _bytes_of(answer, number, len(batch), piece.length))
            except BadEvidence as error:
                self._drop()
                outcomes.append(Outcome(piece.executable, str(error)))
            else:
                outcomes += [Outcome(piece.executable, None)] if piece.is_last else []
        return outcomes

    def _take(self, piece: _Piece, data: bytes) -> None:
        if self._incoming is None:
            self._incoming = self._folder.receive(piece.executable.sha256, piece.executable.size)
        self._incoming.add(data)
        if piece.is_last:
            self._incoming.keep()
            self._incoming = None

    def _drop(self) -> None:
        if self._incoming is not None:
            self._incoming.drop()
            self._incoming = None


def _pieces(executable: Executable) -> Iterator[_Piece]:
    for offset in range(0, max(executable.size, 1), PIECE):
        yield _Piece(executable, offset, min(PIECE, executable.size - offset))


def _next_call(pieces: deque[_Piece]) -> list[_Piece]:
    """Take the pieces of one call: a bounded number, of bounded size together."""
    batch = [pieces.popleft()]
    size = batch[0].length
    while pieces and len(batch) < _PIECES_A_CALL and size + pieces[0].length <= _BYTES_A_CALL:
        size += pieces[0].length
        batch.append(pieces.popleft())
    return batch


def _bytes_of(answer: Mapping[str, Any], number: int, count: int, length: int) -> bytes:
    """The bytes of a piece in an answer. Raises ``BadEvidence``: for what the host says is wrong, and for what is."""
    if answer.get("failed"):
        raise BadEvidence(f"the host did not answer: {failure_of(answer)}"[:_LONGEST_REASON])
    contents = answer.get("contents")
    if not isinstance(contents, list) or len(contents) != count or not isinstance(contents[number], dict):
        raise BadEvidence("the answer of the host is not what it was asked for")
    content = contents[number]
    if content.get("error") is not None:
        raise BadEvidence(str(content["error"])[:_LONGEST_REASON])
    data = _expanded(content.get("data"), length)
    if hashlib.sha256(data).hexdigest() != content.get("sha256"):
        raise BadEvidence("it was damaged on its way: a piece of it does not have the SHA-256 that the host sent with it")
    return data


def _expanded(packed: Any, length: int) -> bytes:
    """Exactly ``length`` bytes out of base64 of zlib; a bomb ends at that limit, not in memory."""
    if not isinstance(packed, str) or len(packed) > _LARGEST_PACKED:
        raise BadEvidence("the host sent no bytes, or more than it was asked for")
    expander = zlib.decompressobj()
    try:
        data = expander.decompress(base64.b64decode(packed, validate=True), length + 1)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise BadEvidence(f"the host sent bytes that cannot be unpacked: {error}") from error
    if len(data) > length:
        raise BadEvidence("the host sent more bytes than it was asked for")
    if len(data) < length or not expander.eof or expander.unused_data:
        raise BadEvidence("the host did not send all the bytes it was asked for, or something else with them")
    return data
