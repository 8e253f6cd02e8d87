# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins as wtmpdb keeps them: an SQLite table that does not end in 2038 (wtmpdb(8)), read as it lies on the disk."""

import os
from typing import Any, List, NamedTuple, Optional, Tuple

from .reading import open_file

try:
    import sqlite3
except ImportError:  # a Python built or packaged without it
    sqlite3 = None  # type: ignore[assignment]

# Debian makes the first a link to the second.
PATHS = ("/var/lib/wtmpdb/wtmp.db", "/var/log/wtmp.db")
BOOT, USER = 1, 3
_STEPS = 20000000  # of SQLite's virtual machine: some seconds
_QUERY = "SELECT Type, User, Login, Logout, TTY, RemoteHost FROM wtmp ORDER BY Login DESC LIMIT ?"


class Unreadable(Exception):
    """The database cannot be read; the text says why."""


class Row(NamedTuple):
    """A login or boot. Times are seconds since 1970."""

    type: int
    user: bytes
    login_at: Optional[float]
    logout_at: Optional[float]
    terminal: Optional[bytes]
    host: Optional[bytes]


def read(path: str, limit: int) -> List[Row]:
    """The newest ``limit`` rows, newest first. Raises ``OSError`` or ``Unreadable``."""
    descriptor = open_file(path)
    try:
        if sqlite3 is None:
            raise Unreadable("the Python of the target has no sqlite3")
        try:
            return _query(descriptor, limit)
        except (sqlite3.Error, ValueError, OverflowError) as error:
            raise Unreadable("%s: %s" % (type(error).__name__, error)) from error
    finally:
        os.close(descriptor)


def _query(descriptor: int, limit: int) -> List[Row]:
    # immutable: no lock, no journal, nothing written beside it.
    connection = sqlite3.connect("file:/proc/self/fd/%d?mode=ro&immutable=1" % descriptor, uri=True)
    try:
        connection.text_factory = bytes
        steps = [0]

        def count() -> int:
            steps[0] += 1000
            return int(steps[0] > _STEPS)

        connection.set_progress_handler(count, 1000)
        # A view of that name could run whatever it likes.
        if connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'wtmp' AND type = 'table' AND sql NOT LIKE '%VIRTUAL%'").fetchone()[0] != 1:
            raise Unreadable("has no table wtmp")
        return [_row(values) for values in connection.execute(_QUERY, (limit,))]
    finally:
        connection.close()


def _row(values: Tuple[Any, ...]) -> Row:
    kind, user, login, logout, terminal, host = values
    return Row(kind if isinstance(kind, int) else 0, _bytes(user) or b"", _seconds(login), _seconds(logout), _bytes(terminal), _bytes(host))


def _bytes(value: object) -> Optional[bytes]:
    """A column may hold any type."""
    if value is None or isinstance(value, bytes):
        return value or None
    return str(value).encode("utf-8", "replace")


def _seconds(value: object) -> Optional[float]:
    return value / 1e6 if isinstance(value, int) and value > 0 else None
