# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""psutil as oracle: on live hosts, its records and ours are the same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness.ansible import Ansible
from harness.rounds import Observed
from incident_lab.fleet import Fleet
from incident_lab.host import Host

pytestmark = pytest.mark.host_only

# Prints JSON of what psutil sees: processes by pid, and sockets.
_ORACLE = r"""
import json, psutil
kinds = {1: "tcp", 2: "udp"}
processes = {}
for process in psutil.process_iter():
    try:
        with process.oneshot():
            uids, gids = process.uids(), process.gids()
            try:
                exe, cwd = process.exe() or None, process.cwd() or None
            except psutil.AccessDenied:
                exe = cwd = None
            processes[process.pid] = {
                "ppid": process.ppid(), "name": process.name(), "argv": process.cmdline(), "exe": exe, "cwd": cwd,
                "uid": uids.real, "euid": uids.effective, "suid": uids.saved, "gid": gids.real, "egid": gids.effective, "sgid": gids.saved,
                "nice": process.nice(), "terminal": (process.terminal() or "")[5:] or None, "started": process.create_time(),
                "threads": process.num_threads(),
            }
    except psutil.NoSuchProcess:
        continue
sockets = [
    [kinds[int(c.type)], list(c.laddr) or None, list(c.raddr) or None, c.status, c.pid] for c in psutil.net_connections("inet")
]
print(json.dumps({"processes": processes, "sockets": sockets}))
"""
_TCP_STATES = {"listen": "LISTEN", "established": "ESTABLISHED", "unconnected": "NONE"}
_STABLE = ("ppid", "argv", "uid", "euid", "suid", "gid", "egid", "sgid", "nice", "terminal", "cwd")
_FEW = 5
Look = Callable[[], Any]


def processes_agree(look: Look, facts: Any) -> int:
    """Compare every process that psutil saw before and after, unchanged. Return how many there were."""
    before, ours, after = look(), facts(), look()
    stable = {pid: seen for pid, seen in before["processes"].items() if after["processes"].get(pid) == seen}
    records = {str(record["pid"]): record for record in ours["incident_processes"]["items"]}
    assert set(stable) <= set(records)
    differing = {}
    for pid, seen in stable.items():
        record = records[pid]
        if "raw" in record or "clipped" in record:
            continue
        if record["is_kernel_thread"]:
            seen = {**seen, "cwd": None}
        # psutil looks terminals up in this machine's /dev, which has not those of containers.
        if seen["terminal"] is None and record["terminal"] is not None:
            seen = {**seen, "terminal": record["terminal"]}
        # A process that wrote over its arguments has one; psutil takes it apart at its blanks.
        argv = record["argv"] + [""] * record["argv_padding"]
        argv = argv[0].split(" ") if len(argv) == 1 and len(seen["argv"]) > 1 else argv
        # psutil takes the kernel's mark off a directory that was removed.
        cwd = record["cwd"].replace(" (deleted)", "") if record["cwd"] else None
        ours_plain = {**record, "argv": argv, "cwd": cwd}
        differing.update({(pid, name): (seen[name], ours_plain[name]) for name in _STABLE if seen[name] != ours_plain[name]})
        # psutil completes names from the command line, and leaves the kernel's mark on executables. Workers of the kernel are renamed with their work.
        if not record["is_kernel_thread"] and not seen["name"].startswith(record["name"]):
            differing[pid, "name"] = (seen["name"], record["name"])
        if record["exe_state"] in ("present", "deleted", "replaced") and (seen["exe"] or "").replace(" (deleted)", "") != record["exe"]:
            differing[pid, "exe"] = (seen["exe"], record["exe"])
    assert not differing
    return len(stable)


def sockets_agree(look: Look, facts: Any) -> int:
    """Compare every socket that psutil saw before and after. Return how many there were."""
    before, ours, after = look(), facts(), look()
    stable = {json.dumps(socket) for socket in before["sockets"]} & {json.dumps(socket) for socket in after["sockets"]}
    known = {
        json.dumps([record["protocol"], _end(record, "local"), _end(record, "remote"), _TCP_STATES.get(record["state"], record["state"]), pid])
        for record in ours["incident_ports"]["items"]
        if record["protocol"] in ("tcp", "udp") and record["network_namespace"] is None
        for pid in record["pids"] or [None]
    }
    wanted = {socket for socket in stable if json.loads(socket)[3] in ("LISTEN", "ESTABLISHED", "NONE")}
    assert not {_plain(socket) for socket in wanted} - {_plain(socket) for socket in known}
    return len(wanted)


def _plain(socket: str) -> str:
    """To psutil, UDP has no state, connected or not."""
    kind, local, remote, state, pid = json.loads(socket)
    return json.dumps([kind, local, remote, state if kind == "tcp" else None, pid])


def _end(record: Any, side: str) -> list[Any] | None:
    return [record[f"{side}_address"], record[f"{side}_port"]] if record[f"{side}_address"] is not None else None


def oracle_of(host: Host) -> Look:
    """Ask psutil on a host of the lab."""
    return lambda: json.loads(host.run(["/usr/bin/python3", "-I", "-c", _ORACLE]).stdout)


def _facts(ansible: Ansible, host: str, module: str, arguments: dict[str, Any]) -> Look:
    return lambda: ansible.facts(host, module, arguments)[host]


def test_this_machine(tmp_path: Path) -> None:
    """This machine is busy, has kernel threads, and the psutil that the controller requires."""
    ansible = Ansible(tmp_path)

    def look() -> Any:
        return json.loads(subprocess.run([sys.executable, "-c", _ORACLE], capture_output=True, text=True, check=True).stdout)

    assert processes_agree(look, _facts(ansible, "localhost", "process_facts", {"sample_seconds": 0})) > _FEW
    sockets_agree(look, _facts(ansible, "localhost", "port_facts", {}))


def test_host_with_psutil(fleet: Fleet, ansible: Ansible) -> None:
    """A host of the lab that has psutil from its distribution."""
    look = oracle_of(fleet.host("d12"))
    assert processes_agree(look, _facts(ansible, "d12", "process_facts", {"sample_seconds": 0})) > _FEW
    assert sockets_agree(look, _facts(ansible, "d12", "port_facts", {})) > 1


def test_cross_check(observed: Callable[[str], Observed]) -> None:
    """Where a host has psutil, a triage compares both views; where it has none, it says so."""
    seen = observed("attacks").case
    checks = {host: seen.facts(host)["sections"]["processes"]["cross_check"] for host in ("d11", "d12", "d13")}
    assert checks["d12"]["available"] is True
    assert checks["d12"]["compared"] > _FEW
    assert checks["d12"]["disagreements"] == []
    assert all(checks[host]["available"] is False and checks[host]["reason"] for host in ("d11", "d13"))
