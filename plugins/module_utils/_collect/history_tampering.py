# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs that history is not, or not truly, recorded."""

import os
import stat
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from . import procfs
from .history_files import APPEND_ONLY, IMMUTABLE, SHELLS, Found, History, Places
from .history_formats import Entry
from .homes import Home
from .reading import Content, iso_time, put, text
from .section import SectionBuilder
from .shell_settings import history_places, is_named_by_hand, setting_switches_off
from .startup_files import Switch
from .target import Target

_DAY = 86400
_CLOCK_SLACK = 300  # seconds by which a time may lie ahead without being a sign
# Made with the account, and seldom touched afterwards.
_AS_OLD_AS_THE_ACCOUNT = (".bash_logout", ".bashrc", ".profile", ".cshrc", ".zshrc", ".cache", ".ssh", ".config")
_VARIABLES = (b"HISTFILE", b"HISTSIZE", b"HISTFILESIZE", b"HISTIGNORE", b"SAVEHIST", b"PROMPT_COMMAND", b"fish_history", b"fish_private_mode")
_MOST_PLACES = 50  # history files that environments of a home's owner may name

Sign = Dict[str, Any]


def signs_of(history: History, now: float) -> Iterator[Sign]:
    """What a history file itself shows."""
    found = history.found
    if found.kind == "link":
        yield _sign(found, "linked_away", b"is a link to " + (found.link_target or b"?"))
        return
    if found.kind != "file":
        yield _sign(found, "not_a_file", b"is a %s" % found.kind.encode("ascii"))
        return
    if history.attributes & (IMMUTABLE | APPEND_ONLY):
        yield _sign(found, "immutable", b"immutable (chattr +i)" if history.attributes & IMMUTABLE else b"append-only (chattr +a)")
    status = history.content.stat if history.content else found.status
    if found.home.account and status.st_uid != found.home.uid and not found.relative.startswith(b"/"):
        yield _sign(found, "not_owner", b"belongs to uid %d, not to the account's %d" % (status.st_uid, found.home.account.uid))
    yield from _signs_of_mode(found, status)
    if status.st_size == 0 and found.program in SHELLS:
        born = _account_is_at_least_from(found.home)
        if born is not None and born < now - _DAY:
            yield _sign(found, "empty", b"empty, in a home that is there since %s" % (iso_time(born) or "?").encode("ascii"))
    if history.content and found.program in SHELLS:
        yield from _signs_of_content(history, history.content)
    if history.parsed and found.program in SHELLS:
        yield from _signs_of_times(found, history.parsed.entries, now)
        yield from _signs_of_change(found, history.parsed.entries, status, now)


def _signs_of_mode(found: Found, status: os.stat_result) -> Iterator[Sign]:
    """A shell makes its history file readable and writable for its owner."""
    if status.st_mode & stat.S_IWOTH:
        yield _sign(found, "writable_by_all", b"can be written by every account (mode %04o)" % stat.S_IMODE(status.st_mode))
    elif not status.st_mode & stat.S_IWUSR and status.st_uid and found.program in SHELLS:
        yield _sign(found, "read_only", b"cannot be written by its owner (mode %04o)" % stat.S_IMODE(status.st_mode))


def _signs_of_content(history: History, content: Content) -> Iterator[Sign]:
    """A file that was emptied while a shell had it open, or is none of that shell's, has bytes that no shell writes."""
    nuls = content.data.count(b"\0")
    if nuls and history.found.program != "ksh":
        yield _sign(history.found, "not_text", b"holds %d NUL bytes" % nuls)


def _signs_of_change(found: Found, entries: List[Entry], status: os.stat_result, now: float) -> Iterator[Sign]:
    newest = max((entry.at for entry in entries if entry.at is not None and entry.at <= now), default=0)
    if status.st_mtime < newest - _CLOCK_SLACK:
        detail = "last changed %s, before its newest command of %s" % (iso_time(max(0, status.st_mtime)), iso_time(newest))
        yield _sign(found, "changed_before_content", detail.encode("ascii"))


def _signs_of_times(found: Found, entries: List[Entry], now: float) -> Iterator[Sign]:
    times = [(entry.at, entry.line) for entry in entries if entry.at is not None]
    backwards = [(later, earlier) for earlier, later in zip(times, times[1:]) if later[0] < earlier[0]]
    if backwards:
        later, earlier = backwards[0]
        detail = "%d times go backwards, the first by %d s" % (len(backwards), earlier[0] - later[0])
        yield _sign(found, "time_backwards", detail.encode("ascii"), later[1])
    ahead = [(at, line) for at, line in times if at > now + _CLOCK_SLACK]
    if ahead:
        detail = "%d times lie in the future, the first is %s" % (len(ahead), iso_time(ahead[0][0]) or ahead[0][0])
        yield _sign(found, "time_in_future", detail.encode("ascii"), ahead[0][1])


def _account_is_at_least_from(home: Home) -> Optional[float]:
    times = []
    for name in _AS_OLD_AS_THE_ACCOUNT:
        try:
            times.append(os.lstat(home.found_at + b"/" + name.encode("ascii")).st_ctime)
        except OSError:
            continue
    return min(times) if times else None


def _sign(found: Found, sign: str, detail: bytes, line: Optional[int] = None) -> Sign:
    return _record(found.home, sign, found.path, line, detail, found.status.st_mtime)


def _record(home: Optional[Home], sign: str, path: bytes, line: Optional[int], detail: bytes, modified_at: float) -> Sign:
    record: Sign = {"uid": home.uid if home else None, "sign": sign, "line": line, "pid": None, "at": iso_time(modified_at)}
    put(record, "user", home.account.name if home and home.account else None)
    put(record, "where", path if line is None else path + b":%d" % line)
    put(record, "path", path)
    put(record, "detail", detail, limit=500)
    return record


def sign_of_switch(switch: Switch) -> Sign:
    """A start-up file that switches history off."""
    return _record(switch.home, switch.sign, switch.path, switch.line, switch.text, switch.modified_at)


class Environments(NamedTuple):
    """Of live processes, what their environments say of history: what is switched off, by pid, and the places that are named."""

    off: Dict[int, List[bytes]]
    places: Dict[int, List[Tuple[str, bytes]]]  # by uid of the process: program and absolute path


def read_environments(target: Target, builder: SectionBuilder) -> Environments:
    """Read what processes were started with. What a shell set or unset since then is not seen."""
    found = Environments({}, {})
    for pid, stat_ in target.stats.items():
        if stat_.is_kernel_thread or stat_.state == "Z":
            continue
        try:
            environment = procfs.read_environment(target.proc, pid)
        except OSError as error:
            if not procfs.is_gone(error):
                builder.error("environment of a process", error, "pid %d" % pid)
            continue
        settings = [name + b"=" + value for name, value in environment if name in _VARIABLES and setting_switches_off(name, value)]
        if settings:
            found.off[pid] = settings
        shell = text(stat_.comm) if text(stat_.comm) in SHELLS else "bash"
        named = [place for name, value in environment for place in history_places(name, value, shell) if is_named_by_hand(name)]
        if named:
            _add_places(found, target, pid, [(program, path) for program, path in named if path.startswith(b"/")])
    return found


def _add_places(found: Environments, target: Target, pid: int, named: List[Tuple[str, bytes]]) -> None:
    uid, _user = _owner(target, pid)
    if uid is None:
        return
    places = found.places.setdefault(uid, [])
    for place in named:
        if place not in places and len(places) < _MOST_PLACES:
            places.append(place)


def add_named_places(environments: Environments, homes: List[Home], places: Places) -> None:
    """Add the history files that environments name to ``places``, under the home of the account that the process runs as."""
    for home in homes:
        base = home.path.rstrip(b"/") + b"/"
        for program, path in environments.places.get(-1 if home.uid is None else home.uid, ()):
            named = places.setdefault(home.path, [])
            relative = path[len(base) :] if path.startswith(base) else path
            if b"/../" not in path and relative not in [known for _program, known in named]:
                named.append((program, relative))


def signs_in_environments(target: Target, environments: Environments) -> Iterator[Sign]:
    """Processes started with history switched off; of a process and the children that inherited it, the topmost."""
    for pid, settings in environments.off.items():
        if environments.off.get(target.stats[pid].ppid) != settings:
            yield _environment_sign(target, pid, settings)


def _environment_sign(target: Target, pid: int, settings: List[bytes]) -> Sign:
    uid, user = _owner(target, pid)
    stat = target.stats[pid]
    record: Sign = {"uid": uid, "sign": "switched_off", "path": None, "line": None, "pid": pid, "at": iso_time(target.started_at(stat))}
    put(record, "user", user)
    put(record, "where", b"process %d (%s)" % (pid, stat.comm))
    put(record, "detail", b" ".join(settings), limit=500)
    return record


def _owner(target: Target, pid: int) -> Tuple[Optional[int], Optional[bytes]]:
    try:
        uid = int(procfs.read_status(target.proc, pid)["Uid"].split()[0])
        account = target.accounts.by_uid(uid)
    except (OSError, KeyError, ValueError, IndexError):
        return None, None
    return uid, account.name if account else None
