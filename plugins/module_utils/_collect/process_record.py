# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One process as a record ``process``."""

import base64
import os
from collections import Counter
from contextlib import suppress
from typing import Any, Dict, List, Optional, Set, Tuple

from . import procfs
from .cgroups import parse_cgroup
from .reading import is_text, iso_time, put, put_list, read_kernel, text
from .running_images import read_image
from .section import SectionBuilder
from .target import Target

_NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")
# Variables that change what a program loads, what an interpreter runs, or what a shell records; and where a login came from.
_TELLING = (b"LD_", b"PYTHON", b"PERL5", b"RUBY", b"NODE_", b"JAVA_TOOL_", b"SUDO_")
_TELLING_NAMES = (b"BASH_ENV", b"ENV", b"GCONV_PATH", b"PROMPT_COMMAND", b"SSH_CLIENT", b"SSH_CONNECTION")
# An empty argument at the end may be one; more are what is left of longer ones.
_PADDING = 1
# include/uapi/linux/capability.h, in the order of their bits.
_CAPABILITIES = (
    *("chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap", "linux_immutable", "net_bind_service"),
    *("net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin"),
    *("sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap", "mac_override"),
    *("mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore"),
)
# Arguments and environment of one process, in bytes. Where thousands are that long, the later ones are cut shorter.
_LONGEST = 65536
_LONGEST_OF_MANY = 4096
_MANY = 1 << 23


class ProcessReader:
    """Reads processes; what it may not read goes to the section's errors."""

    def __init__(self, target: Target, builder: SectionBuilder, whole_environment: bool) -> None:
        self._target = target
        self._builder = builder
        self._whole_environment = whole_environment
        self._own = target.own_pids()
        self._room = _MANY
        # Where process 1 is closed to us, our own namespaces stand for it.
        self._first = self._namespaces(1) or self._namespaces("self")
        self._all_capabilities = _all_capabilities(target)

    def read(self, stat: procfs.Stat) -> Optional[Dict[str, Any]]:
        """The record of a process without its rates; ``None`` when it has ended meanwhile."""
        place = self._target.place(stat.pid)
        try:
            status = procfs.read_status(self._target.proc, place)
        except OSError as error:
            if not procfs.is_gone(error):
                self._builder.error("process", error, "pid %d" % stat.pid)
            return None
        record = self._identity(stat)
        self._credentials(record, stat, status)
        self._image(record, stat, place)
        self._surroundings(record, stat, place)
        now = self._again(stat)
        if now is None:
            return None
        record["state"] = now.state
        return record

    def _again(self, stat: procfs.Stat) -> Optional[procfs.Stat]:
        """The same process, after all was read; ``None`` when it ended, or its pid is another's by now."""
        try:
            now = procfs.read_stat(self._target.proc, stat.pid)
        except (OSError, ValueError, IndexError):
            return None
        return now if (now.pid, now.starttime) == (stat.pid, stat.starttime) else None

    def _identity(self, stat: procfs.Stat) -> Dict[str, Any]:
        record: Dict[str, Any] = {
            "pid": stat.pid,
            "ppid": stat.ppid,
            "start_ticks": stat.starttime,
            "started_at": iso_time(self._target.started_at(stat)),
            "is_kernel_thread": stat.is_kernel_thread,
            "terminal": procfs.terminal_name(stat.tty_nr),
            "state": stat.state,
            "is_headless": stat.is_headless,
            "session_id": stat.session,
            "process_group": stat.pgrp,
            "nice": stat.nice,
            "threads": stat.num_threads,
            "rss": stat.rss * procfs.PAGE,
            "cpu_seconds": round((stat.utime + stat.stime) / procfs.TICKS, 2),
            "cpu_percent": None,
            "read_rate": None,
            "write_rate": None,
            "connections": None,
            "is_own": stat.pid in self._own or stat.ppid == os.getpid(),
        }
        put(record, "name", stat.comm)
        return record

    def _credentials(self, record: Dict[str, Any], stat: procfs.Stat, status: Dict[str, bytes]) -> None:
        for field, names in (("Uid", ("uid", "euid", "suid", "fsuid")), ("Gid", ("gid", "egid", "sgid", "fsgid"))):
            values = status.get(field, b"").split()
            for index, name in enumerate(names):
                record[name] = int(values[index]) if index < len(values) else None
        record["user"] = self._user(record["uid"])
        record["loginuid"] = self._try(stat, "login uid", lambda: procfs.read_loginuid(self._target.proc, stat.pid))
        record["capabilities"] = text(status["CapEff"]) if "CapEff" in status else None
        record["capability_names"] = self._capability_names(record["capabilities"])
        record["seccomp"] = int(status["Seccomp"]) if "Seccomp" in status else None
        record["no_new_privileges"] = status["NoNewPrivs"] == b"1" if "NoNewPrivs" in status else None
        record["tracer_pid"] = int(status.get("TracerPid", b"0")) or None

    def _capability_names(self, mask: Optional[str]) -> Optional[List[str]]:
        if mask is None:
            return None
        bits = int(mask, 16)
        return ["all"] if bits and bits & self._all_capabilities == self._all_capabilities else names_of_capabilities(bits)

    def _user(self, uid: Optional[int]) -> Optional[str]:
        try:
            return self._target.accounts.name_of(uid)
        except OSError as error:
            self._builder.error("accounts", error, "/etc/passwd")
            return None

    def _image(self, record: Dict[str, Any], stat: procfs.Stat, place: procfs.Place) -> None:
        image = read_image(self._target, stat)
        put(record, "exe", image.path)
        record["exe_state"] = image.state
        record["exe_inode"] = image.inode
        record["exe_device"] = image.device
        if image.state == "unreadable":
            self._builder.error("process executable", image.reason, "pid %d" % stat.pid)
        argv = self._try(stat, "command line", lambda: procfs.read_argv(self._target.proc, place)) or []
        kept = without_padding(argv)
        put_list(record, "argv", kept, self._longest())
        record["argv_padding"] = len(argv) - len(kept)
        self._room -= sum(map(len, record["argv"]))

    def _surroundings(self, record: Dict[str, Any], stat: procfs.Stat, place: procfs.Place) -> None:
        proc = self._target.proc
        nothing = stat.is_kernel_thread or (stat.state == "Z" and not stat.is_headless)
        for name in ("cwd", "root"):
            link = None if nothing else self._try(stat, "process directories", lambda name=name: procfs.read_link(proc, place, name))  # type: ignore[misc]
            put(record, name, link)
        group = None if stat.is_kernel_thread else self._try(stat, "control group", lambda: parse_cgroup(text(read_kernel("%s/%s/cgroup" % (proc, place)))))
        record["cgroup"] = group.path if group else None
        record["unit"] = group.unit if group else None
        record["user_unit"] = group.user_unit if group else None
        record["container_id"] = group.container_id if group else None
        record["container_engine"] = group.container_engine if group else None
        record["foreign_namespaces"] = None if nothing else self._foreign(place)
        entries = None if nothing else self._try(stat, "environment", lambda: procfs.read_environment(proc, place))
        self._environment(record, entries)
        record["stdio"] = None if nothing else self._try(stat, "standard descriptors", lambda: self._stdio(place))

    def _try(self, stat: procfs.Stat, what: str, read: Any) -> Any:
        """Read something of a process: what we may not see is counted, what is gone is nothing."""
        try:
            return read()
        except OSError as error:
            # ESRCH is also what the kernel says for a zombie's and a kernel thread's address space.
            if not procfs.is_gone(error):
                self._builder.error(what, error, "pid %d" % stat.pid)
            return None

    def _environment(self, record: Dict[str, Any], entries: Optional[List[Tuple[bytes, bytes]]]) -> None:
        """A name that stands there twice is kept twice: getenv(3) takes the first, ld.so(8) the last."""
        if entries is None:
            record["environment"] = None
            return
        wanted = [(name, value) for name, value in entries if self._whole_environment or _is_telling(name)]
        names: Counter[str] = Counter()
        record["environment"] = {}
        left = self._longest()
        for name, value in wanted:
            left -= len(name) + len(value)
            if left < 0:
                record.setdefault("clipped", []).append("environment")
                break
            key = text(name)
            names[key] += 1
            record["environment"][key if names[key] == 1 else "%s#%d" % (key, names[key])] = text(value)
            self._room -= len(name) + len(value)
            if not is_text(name + value):
                record.setdefault("raw", {})["environment"] = base64.b64encode(b"\0".join(b"=".join(entry) for entry in wanted)[:_LONGEST]).decode("ascii")

    def _longest(self) -> int:
        return _LONGEST if self._room > 0 else _LONGEST_OF_MANY

    def _stdio(self, place: procfs.Place) -> Any:
        links = []
        for number in range(3):
            try:
                links.append(text(procfs.read_link(self._target.proc, place, "fd/%d" % number)[:4096]))
            except FileNotFoundError:
                links.append("")
        return links

    def _namespaces(self, place: procfs.Place) -> Dict[str, int]:
        found = {}
        for kind in _NAMESPACES:
            try:
                found[kind] = procfs.namespace(self._target.proc, place, kind)
            except OSError:
                continue
        return found

    def _foreign(self, place: procfs.Place) -> Optional[Any]:
        if not self._first:
            return None
        own = self._namespaces(place)
        if not own:
            return None
        return [kind for kind in _NAMESPACES if kind in own and own[kind] != self._first.get(kind)]


def names_of_capabilities(mask: int) -> List[str]:
    """The names of capabilities(7) in a mask; one that is newer than this list by its number."""
    return [_CAPABILITIES[bit] if bit < len(_CAPABILITIES) else "cap_%d" % bit for bit in range(mask.bit_length()) if mask >> bit & 1]


def _all_capabilities(target: Target) -> int:
    """What process 1 has: on a host all that the kernel knows, in a container all that there is to have."""
    with suppress(OSError, ValueError, KeyError):
        first = int(procfs.read_status(target.proc, 1)["CapEff"], 16)
        if first:
            return first
    return (1 << len(_CAPABILITIES)) - 1


def without_padding(argv: List[bytes]) -> List[bytes]:
    """The arguments without a row of empty ones at their end, which who writes a title over them leaves (setproctitle(3))."""
    last = next((index for index in range(len(argv) - 1, -1, -1) if argv[index]), 0)
    return argv[: last + 1] if len(argv) - last - 1 > _PADDING else argv


def _is_telling(name: bytes) -> bool:
    return name.startswith(_TELLING) or name in _TELLING_NAMES or b"HIST" in name


def belongs_to(record: Dict[str, Any], uids: Set[int]) -> bool:
    """Tell whether one of the process's uids, or the login it descends from, is among ``uids``."""
    return any(record[field] in uids for field in ("uid", "euid", "suid", "fsuid", "loginuid"))
