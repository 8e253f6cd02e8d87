# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins as wtmpdb and lastlog2 keep them: an SQLite table that does not end in 2038 (wtmpdb(8), lastlog2(8)), read as it lies on the disk.

Who has written the database may have put anything into it. So nothing of it is run: the table has to be a plain one, without a view,
an expression or a virtual table in its place, and SQLite's work is counted.
"""

import os
import re
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
_MOST_BYTES = 256 << 20  # a value may be as large as the database, and is read as one
_MOST_TEXT = 65536
# An index is not asked: it may be somebody else's.
_QUERY = "SELECT Type, User, Login, Logout, TTY, RemoteHost, Service FROM wtmp NOT INDEXED ORDER BY Login DESC LIMIT ?"
# One pair of parentheses: there is no expression in it that SQLite would have to compute.
_PLAIN_TABLE = re.compile(rb"CREATE TABLE [^()]*\([^()]*\)[^()]*\Z", re.IGNORECASE)


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
    service: Optional[bytes]


def read(path: str, limit: int) -> List[Row]:
    """The newest ``limit`` rows of wtmpdb, newest first. Raises ``OSError`` or ``Unreadable``."""
    return [_row(values) for values in query(path, "wtmp", _QUERY, limit)]


def query(path: str, table: str, sql: str, limit: int) -> List[Tuple[Any, ...]]:
    """At most ``limit`` rows that ``sql`` asks ``table`` for, texts as bytes. Raises ``OSError`` or ``Unreadable``."""
    descriptor = open_file(path)
    try:
        if sqlite3 is None:
            raise Unreadable("the Python of the target has no sqlite3")
        if os.fstat(descriptor).st_size > _MOST_BYTES:
            raise Unreadable("is larger than %d bytes" % _MOST_BYTES)
        try:
            return _query(descriptor, table, sql, limit)
        except (sqlite3.Error, ValueError, OverflowError, MemoryError) as error:
            raise Unreadable("%s: %s" % (type(error).__name__, error)) from error
    finally:
        os.close(descriptor)


def _query(descriptor: int, table: str, sql: str, limit: int) -> List[Tuple[Any, ...]]:
    # immutable: no lock, no journal, nothing written beside it.
    connection = sqlite3.connect("file:/proc/self/fd/%d?mode=ro&immutable=1" % descriptor, uri=True)
    try:
        connection.text_factory = bytes
        steps = [0]

        def count() -> int:
            steps[0] += 1000
            return int(steps[0] > _STEPS)

        connection.set_progress_handler(count, 1000)
        for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0"):  # what an old SQLite does not know it ignores
            connection.execute("PRAGMA " + pragma)
        tables = connection.execute("SELECT substr(sql, 1, ?) FROM sqlite_master WHERE name = ? AND type = 'table' LIMIT 2", (_MOST_TEXT, table)).fetchall()
        if len(tables) != 1 or not isinstance(tables[0][0], bytes) or not _PLAIN_TABLE.match(tables[0][0]):
            raise Unreadable("has no plain table " + table)
        return connection.execute(sql, (limit,)).fetchall()
    finally:
        connection.close()


def _row(values: Tuple[Any, ...]) -> Row:
    kind, user, login, logout, terminal, host, service = values
    return Row(
        type=kind if isinstance(kind, int) else 0,
        user=as_bytes(user) or b"",
        login_at=_seconds(login),
        logout_at=_seconds(logout),
        terminal=as_bytes(terminal),
        host=as_bytes(host),
        service=as_bytes(service),
    )


def as_bytes(value: object) -> Optional[bytes]:
    """A column may hold any type."""
    if value is None or isinstance(value, bytes):
        return value or None
    return str(value).encode("utf-8", "replace")


def _seconds(value: object) -> Optional[float]:
    return value / 1e6 if isinstance(value, int) and value > 0 else None
