# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions as systemd-logind keeps them: ``/run/systemd/sessions``, one file of ``NAME=value`` lines for each."""

import os
import re
from typing import Callable, Dict, List, Match, NamedTuple, Optional

from .reading import read_file, text

FOLDER = "/run/systemd/sessions"
_LIMIT = 1 << 16
_SESSIONS = 10000
# Beside each file stands a FIFO, ``<id>.ref``, whose ends logind and the session hold: not ours to open.
_ID = re.compile(r"[A-Za-z0-9]+\Z")
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v", b"s": b" "}


class LoginSession(NamedTuple):
    """A session of logind. ``started_at`` is seconds since 1970; ``kind`` is its class (``user``, ``background``, ``manager`` …)."""

    id: str
    kind: str
    leader: Optional[int]
    uid: Optional[int]
    user: Optional[bytes]
    terminal: Optional[bytes]
    remote_host: Optional[bytes]
    service: Optional[str]
    type: Optional[str]
    state: Optional[str]
    started_at: Optional[float]

    @property
    def is_manager(self) -> bool:
        """Whether it is only the service manager of an account: nobody came in through it."""
        return self.kind.startswith("manager")


def read_sessions(folder: str, failed: Callable[[str, OSError], None]) -> List[LoginSession]:
    """Every session; what cannot be read goes to ``failed`` with its path. Raises ``FileNotFoundError`` where logind keeps none."""
    sessions = []
    for name in sorted(filter(_ID.match, os.listdir(folder)))[:_SESSIONS]:
        path = "%s/%s" % (folder, name)
        try:
            sessions.append(parse(name, read_file(path, _LIMIT).data))
        except FileNotFoundError:
            continue  # ended meanwhile
        except OSError as error:
            failed(path, error)
    return sessions


def parse_fields(data: bytes) -> Dict[str, bytes]:
    """Parse a file of logind."""
    fields: Dict[str, bytes] = {}
    for line in data.split(b"\n"):
        key, equals, value = line.partition(b"=")
        if equals and not key.startswith(b"#"):
            fields[key.decode("ascii", "replace")] = _unquoted(value)
    return fields


def parse(name: str, data: bytes) -> LoginSession:
    """Parse the file of session ``name``."""
    fields = parse_fields(data)
    realtime = number(fields.get("REALTIME"))
    return LoginSession(
        id=name,
        kind=text(fields.get("CLASS", b"")),
        leader=number(fields.get("LEADER")),
        uid=number(fields.get("UID")),
        user=fields.get("USER") or None,
        terminal=fields.get("TTY") or fields.get("DISPLAY") or None,
        remote_host=fields.get("REMOTE_HOST") or None,
        service=_word(fields.get("SERVICE")),
        type=_word(fields.get("TYPE")),
        state=_word(fields.get("STATE")),
        started_at=realtime / 1e6 if realtime else None,
    )


def _unquoted(value: bytes) -> bytes:
    """A value without its quotes; the escapes are those of C."""
    if len(value) > 1 and value[:1] in (b'"', b"'") and value[-1:] == value[:1]:
        value = value[1:-1]
    return _ESCAPE.sub(_unescape, value)


def _unescape(match: Match[bytes]) -> bytes:
    escape: bytes = match.group(1)
    return bytes([int(escape[1:], 16)]) if len(escape) == 3 else _ESCAPED.get(escape, escape)


def number(value: Optional[bytes]) -> Optional[int]:
    """A number of logind, ``None`` for what is none."""
    return int(value) if value and value.isdigit() and len(value) < 20 else None


def _word(value: Optional[bytes]) -> Optional[str]:
    return text(value[:256]) if value else None
