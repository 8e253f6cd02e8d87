# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What sshd, login, su and sudo logged of people who came in, and of those who did not.

The name that is tried is chosen by whoever tries: it may hold what looks like the rest of a line. An account that exists has a name
without blanks, so there the first address is right; of any other name the last one is, since sshd writes the address after it.
Source: auth.c and packet.c of OpenSSH 8.4 to 10.0, pam_unix(8), login of shadow and util-linux, and lines recorded from them.
"""

import re
from typing import Dict, List, NamedTuple, Optional, Tuple

from .log_line import LogLine

_ADDRESS = rb"(?P<address>[0-9A-Za-z.:%_-]{1,255})"
_PORT = rb" port (?P<port>\d{1,5})"
_FROM = rb" from " + _ADDRESS + _PORT + rb"(?: ssh2?)?"
_PLACE = _ADDRESS + _PORT
_DIGEST = rb"(?:SHA256|SHA1|SHA512|MD5):[A-Za-z0-9+/=:]+"
_KEY = rb"(?P<type>[A-Za-z0-9-]+) (?P<key>" + _DIGEST + rb")(?P<detail>,? .*)?"
_KEY_THAT_FAILED = rb"(?P<key>[A-Za-z0-9-]+ " + _DIGEST + rb"(?: ID .* \(serial \d+\) CA \S+ \S+)?)"


def _pattern(text: bytes) -> "re.Pattern[bytes]":
    return re.compile(text + rb"(?: \[preauth\])?\Z", re.DOTALL)


_ACCEPTED = _pattern(rb"Accepted (?P<method>\S+) for (?P<user>.{1,256}?)" + _FROM + rb"(?:: (?:" + _KEY + rb"|.*))?")
_FAILED = _pattern(rb"Failed (?P<method>\S+) for (?P<user>.{1,256}?)" + _FROM + rb"(?:: .*)?")
_FAILED_UNKNOWN = _pattern(rb"Failed (?P<method>\S+) for invalid user (?P<user>.*)" + _FROM + rb"(?:: " + _KEY_THAT_FAILED + rb")?")
_INVALID = _pattern(rb"(?:Invalid|Illegal) user (?P<user>.*) from " + _ADDRESS + rb"(?:" + _PORT + rb")?")
_ENDED = rb"(?:Connection (?:closed|reset) by|Disconnected from) "
_GAVE_UP = _pattern(_ENDED + rb"authenticating user (?P<user>.*) " + _PLACE)
_GAVE_UP_UNKNOWN = _pattern(_ENDED + rb"invalid user (?P<user>.*) " + _PLACE)
_TOO_MANY = _pattern(rb"(?:error: )?maximum authentication attempts exceeded for (?P<unknown>invalid user )?(?P<user>.*)" + _FROM)
_THROWN_OUT = _pattern(rb"Disconnecting (?P<unknown>invalid|authenticating) user (?P<user>.*) " + _PLACE + rb": Too many authentication failures")
_NOT_ALLOWED = _pattern(rb"User (?P<user>.{1,256}?) from " + _ADDRESS + rb" not allowed because (?P<reason>.*)")
_ROOT_REFUSED = _pattern(rb"ROOT LOGIN REFUSED FROM " + _ADDRESS + rb"(?:" + _PORT + rb")?")
_DENIED_BY_PAM = _pattern(rb"(?:fatal: )?Access denied for user (?P<user>.*) by PAM account configuration")
_CLOSED = _pattern(
    rb"pam_\w+\(\w+:session\): session closed for user .*|Disconnected from user .*|"
    rb"Connection closed by (?:user .* )?" + _PLACE + rb"|Timeout, client not responding from .*"
)
_PAM = _pattern(
    rb"pam_\w+\((?P<service>[^:)]{1,64}):auth\): authentication failure; logname=\S* uid=\d+ euid=\d+ tty=(?P<terminal>\S*) "
    rb"ruser=(?P<by>\S*) rhost=(?P<address>\S*) *(?:user=(?P<user>.*))?"
)
_PAM_MORE = _pattern(
    rb"PAM (?P<count>\d{1,4}) more authentication failures?; .* tty=(?P<terminal>\S*) ruser=\S* rhost=(?P<address>\S*) *(?:user=(?P<user>.*))?"
)
_FAILED_LOGIN = _pattern(
    rb"(?:FAILED LOGIN|TOO MANY LOGIN TRIES) (?:SESSION|\(?\d+\)?)(?: on '(?P<terminal>[^']{0,64})')?(?: from '(?P<host>[^']{0,256})')?"
    rb"(?: FROM (?P<address>\S{1,256}))? FOR '?(?P<user>.*?)'?(?:, .*)?"
)
_FAILED_SU = _pattern(rb"FAILED SU \(to (?P<user>[^)]*)\) (?P<by>[^)]*) on (?P<terminal>\S+)")
_OPENED = _pattern(rb"pam_\w+\((?P<service>login|remote):session\): session opened for user (?P<user>[^(]{1,256}?)(?:\(uid=\d+\))? by .*")
_REPEATED = _pattern(rb"message repeated (?P<count>\d{1,6}) times: \[ ?(?P<message>.*)\]")
_MOST = 1100  # bytes of a line that are looked at: sshd writes at most a kilobyte
_MOST_COMPARED = 20
_LONGEST = 3600.0  # seconds that one connection takes to log in, at the very most
_SSH = ("sshd", "sshd-session", "sshd-auth")
_TERMINAL_OF_SSH = b"ssh"


class Attempt(NamedTuple):
    """An attempt that failed. ``began`` and ``line.at``: no later record of it lies outside of these. ``times``: how often it was made."""

    line: LogLine
    began: float
    user: Optional[bytes]
    address: Optional[bytes]
    port: Optional[int]
    terminal: Optional[bytes]
    by: Optional[bytes]
    service: str
    method: Optional[bytes]
    reason: Optional[str]
    times: int
    is_ambiguous: bool


class Accepted(NamedTuple):
    """Somebody who came in; ``ended_at`` in seconds since 1970 where the end was logged."""

    line: LogLine
    user: bytes
    address: Optional[bytes]
    port: Optional[int]
    service: str
    method: Optional[bytes]
    key_type: Optional[bytes]
    key: Optional[bytes]
    detail: Optional[bytes]
    ended_at: Optional[float]


class _Connection:
    """What was logged of one connection of sshd."""

    def __init__(self, line: LogLine) -> None:
        self.began = self.latest = line.at or 0.0
        self.address: Optional[bytes] = None
        self.port: Optional[int] = None
        self.reason: Optional[str] = None
        self.failures: List[Attempt] = []
        self.hints: List[Attempt] = []
        self.accepted: List[int] = []


class LoginLog:
    """Reads lines, the oldest first; ``attempts`` and ``accepted`` are what they say, the oldest first."""

    def __init__(self, lines: List[LogLine]) -> None:
        self.attempts: List[Attempt] = []
        self.accepted: List[Accepted] = []
        self._open: Dict[Tuple[str, int, Optional[int]], _Connection] = {}
        for line in lines:
            self._read(line)
        for connection in self._open.values():
            self._finish(connection)
        self.attempts.sort(key=lambda attempt: attempt.line.at or 0.0)

    def _read(self, line: LogLine) -> None:
        message, count = line.message.strip()[:_MOST], 1
        repeated = _REPEATED.match(message)
        if repeated:
            message, count = repeated.group("message"), int(repeated.group("count"))
        if line.program in _SSH:
            self._read_of_sshd(line, message, count)
        else:
            self._read_of_others(line, message, count)

    def _read_of_others(self, line: LogLine, message: bytes, count: int) -> None:
        match = _PAM.match(message) or _FAILED_LOGIN.match(message) or _FAILED_SU.match(message)
        if match:
            fields = match.groupdict()
            address, terminal = fields.get("address") or fields.get("host") or None, fields.get("terminal")
            if address and address.startswith(b"/dev/"):
                address, terminal = None, address
            attempt = Attempt(
                line=line,
                began=line.at or 0.0,
                user=fields.get("user"),
                address=address,
                port=None,
                terminal=_terminal(terminal),
                by=fields.get("by") or None,
                service=_text(fields.get("service")) or line.program,
                method=b"password",
                reason="wrong password",
                times=count,
                is_ambiguous=False,
            )
            # They say it twice: through PAM and themselves. Only the first knows that it was the password.
            if match.re is not _PAM:
                attempt = attempt._replace(method=None, reason=None)
            if not any(_is_same(other, attempt) for other in self.attempts[-_MOST_COMPARED:]):
                self.attempts.append(attempt)
        opened = _OPENED.match(message) if line.program == "login" else None
        if opened:
            self.accepted.append(Accepted(line, opened.group("user"), None, None, "login", None, None, None, None, None))

    def _read_of_sshd(self, line: LogLine, message: bytes, count: int) -> None:
        accepted = _ACCEPTED.match(message)
        if accepted:
            connection = self._connection(line, accepted.group("address"), accepted.group("port"))
            connection.accepted.append(len(self.accepted))
            # What it tried before it came in is no attempt that failed, unless sshd says so.
            connection.hints = []
            fields = accepted.groupdict()
            detail = (fields["detail"] or b"").lstrip(b", ") or None
            self.accepted.append(
                Accepted(line, fields["user"], fields["address"], int(fields["port"]), "sshd", fields["method"], fields["type"], fields["key"], detail, None)
            )
        elif _CLOSED.match(message):
            self._end(line)
        else:
            self._read_failure(line, message, count)

    def _read_failure(self, line: LogLine, message: bytes, count: int) -> None:
        match = _FAILED_UNKNOWN.match(message)
        if match:
            is_ambiguous = b" ID " in (match.group("key") or b"") and b" from " in match.group("user") + match.group("key")
            self._add(line, match.groupdict(), "no such account", count, is_ambiguous)
            return
        match = None if message.startswith(b"Failed ") and b" for invalid user " in message else _FAILED.match(message)
        if match:
            self._add(line, match.groupdict(), None, count)
            return
        for pattern, reason in _HINTS:
            match = pattern.match(message)
            if match:
                fields = match.groupdict()
                unknown = (fields.get("unknown") or b"").startswith(b"invalid")
                told = _text(fields.get("reason"))
                self._hint(line, fields, "no such account" if unknown else (told or reason), count)
                return

    def _add(self, line: LogLine, fields: Dict[str, Optional[bytes]], reason: Optional[str], count: int, is_ambiguous: bool = False) -> None:
        connection = self._connection(line, fields["address"], fields["port"])
        attempt = self._attempt(connection, line, fields, reason, count, is_ambiguous)
        # Asking which methods there are is none.
        (connection.hints if fields["method"] == b"none" else connection.failures).append(attempt)

    def _hint(self, line: LogLine, fields: Dict[str, Optional[bytes]], reason: Optional[str], count: int) -> None:
        connection = self._connection(line, fields.get("address"), fields.get("port"))
        connection.reason = connection.reason or reason
        count = int(fields["count"] or 1) if fields.get("count") else count
        connection.hints.append(self._attempt(connection, line, fields, reason, count, False))

    @staticmethod
    def _attempt(connection: _Connection, line: LogLine, fields: Dict[str, Optional[bytes]], reason: Optional[str], count: int, is_ambiguous: bool) -> Attempt:
        began = connection.failures[-1].line.at if connection.failures else connection.began
        terminal, method = fields.get("terminal"), fields.get("method")
        return Attempt(
            line=line,
            began=began or 0.0,
            user=fields.get("user", b"root"),
            address=fields.get("address") or connection.address,
            port=int(fields["port"] or 0) if fields.get("port") else connection.port,
            terminal=_terminal(terminal) if terminal != _TERMINAL_OF_SSH else None,
            by=None,
            service="sshd",
            method=method,
            reason=reason,
            times=count,
            is_ambiguous=is_ambiguous,
        )

    def _connection(self, line: LogLine, address: Optional[bytes], port: Optional[bytes]) -> _Connection:
        """The connection that a line is of: by the process, which serves one, else by the port."""
        number = int(port) if port else None
        key = ("pid", line.pid, line.uid) if line.pid is not None else (_text(address) or "", number or 0, line.uid)
        connection = self._open.get(key)
        if connection and (
            (line.at or 0.0) - connection.latest > _LONGEST or (number is not None and connection.port is not None and number != connection.port)
        ):
            self._finish(connection)
            connection = None
        if connection is None:
            connection = self._open[key] = _Connection(line)
        connection.latest = max(connection.latest, line.at or 0.0)
        connection.address = connection.address or address
        connection.port = connection.port if number is None else number
        return connection

    def _end(self, line: LogLine) -> None:
        connection = self._open.get(("pid", line.pid, line.uid)) if line.pid is not None else None
        for index in connection.accepted if connection else ():
            if self.accepted[index].ended_at is None:
                self.accepted[index] = self.accepted[index]._replace(ended_at=line.at)

    def _finish(self, connection: _Connection) -> None:
        """A connection whose failures were logged one by one has these; of any other all we know is that it failed."""
        reason = connection.reason
        if connection.failures:
            self.attempts.extend(attempt._replace(reason=attempt.reason or reason or "wrong %s" % _what(attempt.method)) for attempt in connection.failures)
        elif connection.hints:
            named = [hint for hint in connection.hints if hint.user] or connection.hints
            last = named[-1]
            count = max(hint.times for hint in connection.hints)
            self.attempts.append(
                last._replace(began=connection.began, address=last.address or connection.address, port=last.port or connection.port, reason=reason, times=count)
            )


# In the order in which a line is compared with them. None of these tells of one try alone.
_HINTS = (
    (_INVALID, "no such account"),
    (_GAVE_UP_UNKNOWN, "no such account"),
    (_GAVE_UP, None),
    (_TOO_MANY, "too many attempts"),
    (_THROWN_OUT, "too many attempts"),
    (_NOT_ALLOWED, None),
    (_ROOT_REFUSED, "root may not log in"),
    (_DENIED_BY_PAM, "denied by PAM"),
    (_PAM, "wrong password"),
    (_PAM_MORE, "wrong password"),
)


def _what(method: Optional[bytes]) -> str:
    return "key" if method in (b"publickey", b"hostbased") else "password"


def _is_same(one: Attempt, other: Attempt) -> bool:
    """Whether two lines of a process tell of one attempt: the first is PAM's, the second the program's own."""
    return (
        one.line.pid is not None
        and (one.line.pid, one.line.program, one.user) == (other.line.pid, other.line.program, other.user)
        and one.method is not None
        and other.method is None
        and abs((one.line.at or 0.0) - (other.line.at or 0.0)) < 10
    )


def _terminal(name: Optional[bytes]) -> Optional[bytes]:
    if not name or name == b"none":
        return None
    return name[len(b"/dev/") :] if name.startswith(b"/dev/") else name


def _text(data: Optional[bytes]) -> Optional[str]:
    return data.decode("utf-8", "backslashreplace") if data else None
