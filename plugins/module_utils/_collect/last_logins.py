# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last login of each account: lastlog (lastlog(8)), a sparse file with a record for each uid, and lastlog2. Who wipes wtmp forgets them."""

import os
import re
import struct
import time
from typing import Any, Callable, Dict, List, Tuple

from . import wtmpdb
from .reading import iso_time, open_file, put
from .section import SectionBuilder
from .target import Target

_LASTLOG = "/var/log/lastlog"
_LASTLOG2 = "/var/lib/lastlog/lastlog2.db"
_QUERY = "SELECT Name, Time, TTY, RemoteHost, Service FROM Lastlog2 NOT INDEXED ORDER BY Time DESC LIMIT ?"
_DAY = 86400
# struct lastlog of bits/utmp.h: as wide as there (utmp.py).
_RECORD = struct.Struct("=q32s256s" if os.uname().machine in ("aarch64", "alpha", "ia64") else "=i32s256s")
_MOST_BYTES = 8 << 20
_MOST_ACCOUNTS = 20000
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


def read_last_logins(target: Target, builder: SectionBuilder, wanted: Callable[[Dict[str, Any]], bool]) -> None:
    """Add the last logins to the section's ``last_logins``, the newest first. Most hosts have one of the two, or none."""
    builder.declare("last_logins")
    found = _read_lastlog(target, builder) + _read_lastlog2(target, builder)
    for _at, record in sorted(found, key=lambda timed: timed[0], reverse=True):
        if wanted(record):
            builder.add(record, to="last_logins")


def _read_lastlog(target: Target, builder: SectionBuilder) -> List[Tuple[float, Dict[str, Any]]]:
    try:
        descriptor = open_file(target.path(_LASTLOG))
    except FileNotFoundError:
        return []
    except OSError as error:
        builder.error("lastlog", error, _LASTLOG)
        return []
    try:
        return [_record(target, uid, data) for uid, data in sorted(_records(target, builder, descriptor).items()) if data.strip(b"\0")]
    except OSError as error:
        builder.error("lastlog", error, _LASTLOG)
        return []
    finally:
        os.close(descriptor)


def _records(target: Target, builder: SectionBuilder, descriptor: int) -> Dict[int, bytes]:
    """By uid: those of every account, and those where the file has data, as accounts may have been deleted. Holes cost nothing."""
    found: Dict[int, bytes] = {}
    size, position, left = os.fstat(descriptor).st_size, 0, _MOST_BYTES
    while position < size and left > 0:
        try:
            begin = os.lseek(descriptor, position, os.SEEK_DATA)
        except OSError:
            break  # ENXIO: a hole up to the end
        end = os.lseek(descriptor, begin, os.SEEK_HOLE)
        begin -= begin % _RECORD.size
        data = os.pread(descriptor, min(end - begin, left, 1 << 20), begin)
        if not data:
            break
        for place in range(0, len(data) - _RECORD.size + 1, _RECORD.size):
            found[(begin + place) // _RECORD.size] = data[place : place + _RECORD.size]
        left -= len(data)
        whole = len(data) - len(data) % _RECORD.size
        position = begin + whole if whole and begin + len(data) < end else max(end, begin + len(data))
    if left <= 0:
        builder.reached("%s (bytes read)" % _LASTLOG, _MOST_BYTES, size)
    for account in target.accounts.all[:_MOST_ACCOUNTS]:
        if 0 <= account.uid < 1 << 32 and account.uid not in found:
            data = os.pread(descriptor, _RECORD.size, account.uid * _RECORD.size)
            if len(data) == _RECORD.size:
                found[account.uid] = data
    return {uid: data for uid, data in found.items() if data.strip(b"\0")}


def _record(target: Target, uid: int, data: bytes) -> Tuple[float, Dict[str, Any]]:
    at, terminal, host = _RECORD.unpack(data)
    texts = [field.split(b"\0", 1)[0] for field in (terminal, host)]
    record: Dict[str, Any] = {
        "uid": uid,
        "at": iso_time(at),
        "service": None,
        "source": "lastlog",
        "is_damaged": not 0 < at <= time.time() + _DAY or any(_CONTROL.search(part) for part in texts),
    }
    account = target.accounts.by_uid(uid)
    put(record, "user", account.name if account else None)
    put(record, "terminal", texts[0] or None)
    put(record, "from", texts[1] or None)
    return float(at), record


def _read_lastlog2(target: Target, builder: SectionBuilder) -> List[Tuple[float, Dict[str, Any]]]:
    try:
        rows = wtmpdb.query(target.path(_LASTLOG2), "Lastlog2", _QUERY, builder.limit + 1)
    except FileNotFoundError:
        return []
    except (OSError, wtmpdb.Unreadable) as error:
        builder.error("lastlog2", error if isinstance(error, OSError) else str(error), _LASTLOG2)
        return []
    if len(rows) > builder.limit:
        builder.reached("%s (records read)" % _LASTLOG2, builder.limit)
    return [_record_of_row(target, row) for row in rows[: builder.limit]]


def _record_of_row(target: Target, row: Tuple[Any, ...]) -> Tuple[float, Dict[str, Any]]:
    name, at, terminal, host, service = row
    at = at if isinstance(at, int) else 0
    user = wtmpdb.as_bytes(name)
    account = target.accounts.by_name(user) if user else None
    record: Dict[str, Any] = {"uid": account.uid if account else None, "at": iso_time(at or None), "source": "lastlog2", "is_damaged": at <= 0 or user is None}
    for field, value in (("user", user), ("terminal", wtmpdb.as_bytes(terminal)), ("from", wtmpdb.as_bytes(host)), ("service", wtmpdb.as_bytes(service))):
        put(record, field, value)
    return float(min(max(at, 0), 1 << 62)), record
