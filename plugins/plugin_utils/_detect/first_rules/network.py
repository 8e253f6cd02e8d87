# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about sockets: what is open to other hosts, and shells that somebody else types into."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ansible_collections.incident.response.plugins.plugin_utils._quoting import visible

from ..facts import Facts
from ..finding import Level, rank
from ..reason import Look, Reason
from ..records import Process, Program, Socket
from ..settings import Settings
from .known import RELAYS, USUAL_PORTS, is_interpreter, is_shell, temporary_folder, tool_of
from .subjects import LOOK_AT_PROCESS, image_evidence, own_causes, process_entity, shown_arguments, shown_path, socket_entity, spoken_socket

_PORT_PROTOCOLS = ("tcp", "udp", "udplite", "sctp")
_STDIO = re.compile(r"socket:\[(\d{1,20})\]")
# A pipe, or the path of one with a name.
_PIPE = re.compile(r"pipe:\[\d{1,20}\]|/(?!dev/).*", re.DOTALL)
# What a shell reads from where its parent writes to.
_DRIVEN = re.compile(r"pipe:\[|socket:\[|/dev/pts/\d")
_LISTED = 5
_LISTED_PORTS = 20
# Programs that accept a connection and start another program with it (inetd(8)), or that lend their sockets (systemd.socket(5)).
_SUPERSERVERS = re.compile(r"systemd(?:-socket-activate)?|(?:openbsd-|inetutils-|rlinetd|x)?inetd|tcpserver|tcpsvd|busybox|s6-tcpserver.*")
_SYSTEM_SCRIPTS = ("/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/libexec/", "/usr/share/", "/bin/", "/sbin/")


def exposed_listener(facts: Facts, settings: Settings) -> Iterator[Reason]:
    """It is open to other hosts, on a port that nobody said may be. All such sockets of a process are one reason."""
    opened: dict[int, list[Socket]] = {}
    for socket in facts.sockets:
        if not _is_open(socket) or f"{socket.local_port}/{socket.protocol}" in settings.expected_ports:
            continue
        owner = _owner(facts, socket)
        if owner is not None:
            opened.setdefault(owner.process.pid, []).append(socket)
        elif not any(pid in facts.processes_by_pid for pid in socket.pids):
            yield _ownerless(socket)
    for pid, sockets in opened.items():
        yield _open_reason(facts.programs_by_pid[pid], sockets)


def _is_open(socket: Socket) -> bool:
    return socket.is_listener and socket.protocol in _PORT_PROTOCOLS and socket.scope in ("all", "address")


def _owner(facts: Facts, socket: Socket) -> Program | None:
    """Of the processes that hold a socket, the one that is worst to be found there; of equal ones, the oldest.

    What systemd holds on behalf of a service is that service's.
    """
    holders = [facts.programs_by_pid[pid] for pid in socket.pids if pid in facts.programs_by_pid]
    return max([program for program in holders if program.process.pid != 1] or holders, key=_suspicion, default=None)


def _suspicion(program: Program) -> tuple[int, int]:
    return rank(_judge_listener(program)[0]), -program.process.start_ticks


def _judge_listener(program: Program) -> tuple[Level, str]:
    """What a program means on a port that is not a usual one."""
    if program.origin == "container":
        return "low", "it runs in a container"
    tool = tool_of(program)
    if is_interpreter(tool):
        if program.origin == "package" and _is_system_script(program):
            return "low", f"{visible(tool, 40)} runs a service of the system there"
        return "medium", f"'{visible(tool, 40)}' runs whatever it is given{_work(program)}"
    if program.origin in ("unowned", "changed"):
        return "medium", "the program is not from a package"
    return "low", "the program is from a package" if program.origin == "package" else "whose program it is could not be found out"


def _is_system_script(program: Program) -> bool:
    """Tell whether an interpreter runs, as a service, a script from where packages put them."""
    unit = program.process.unit or ""
    script = next((argument for argument in program.process.argv[1:8] if not argument.startswith("-")), "")
    return script.startswith(_SYSTEM_SCRIPTS) and ".." not in script and unit.endswith(".service") and not unit.startswith(("user@", "session-"))


def _work(program: Program) -> str:
    """What an interpreter was given, and where it works."""
    arguments = " ".join(program.process.argv[1:6])
    folder = temporary_folder(f"{program.process.cwd}/") if program.process.cwd else None
    return (f", here {visible(arguments, 80)}" if arguments else "") + (f", in {folder}" if folder else "")


def _open_reason(program: Program, sockets: list[Socket]) -> Reason:
    judged, remark = _judge_listener(program)
    sockets = sorted(sockets, key=lambda socket: -rank(_adjusted(judged, socket)))
    level = _adjusted(judged, sockets[0])
    return Reason(
        rule="exposed_listener",
        level=level,
        side="network",
        entity=process_entity(program.process),
        title=f"Listens to other hosts: {_listed(sockets[:1])} by {shown_path(program)}",
        clause=f"it listens to other hosts on {_listed(sockets)}, and {remark}{_reach(sockets[0])}",
        attack=("T1571",) if rank(level) > rank("low") else (),
        evidence={"sockets": [spoken(socket) for socket in sockets[:_LISTED_PORTS]], "argv": shown_arguments(program.process), **image_evidence(program)},
        look=_look_at_ports(sockets),
        causes=own_causes(program),
    )


def _adjusted(level: Level, socket: Socket) -> Level:
    """Less for a port that servers are there for, and for one that the packet filter closes."""
    if socket.exposed is False or socket.local_port in USUAL_PORTS:
        return "low" if rank(level) > rank("low") else "info"
    return level


def _reach(socket: Socket) -> str:
    """What stands between a listener and other hosts."""
    why = f" ({visible(socket.exposed_reason, 160)})" if socket.exposed_reason else ""
    if socket.exposed is False:
        return f"; none can reach it{why}"
    return f"; whether they reach it is not known{why}" if socket.exposed is None else ""


def _look_at_ports(sockets: Iterable[Socket]) -> Look:
    ports = dict.fromkeys(str(socket.local_port) for socket in sockets if socket.local_port is not None and 0 < socket.local_port < 65536)
    return Look("port_facts", {"ports": ",".join(list(ports)[:_LISTED_PORTS])} if ports else {})


def spoken(socket: Socket) -> str:
    """A listener in words: protocol, address and port; whom else it reaches; which namespace it is in."""
    also = " (IPv4 as well)" if socket.is_dual_stack else ""
    where = f" in the network namespace {socket.network_namespace}" if socket.network_namespace is not None else ""
    return f"{visible(socket.protocol, 10)} {spoken_socket(socket)}{also}{where}"


def _listed(sockets: list[Socket]) -> str:
    more = f" and {len(sockets) - _LISTED} more" if len(sockets) > _LISTED else ""
    return ", ".join(map(spoken, sockets[:_LISTED])) + more


def _ownerless(socket: Socket) -> Reason:
    """No process is known to hold it: the kernel's own, as of NFS and WireGuard; or we may not see the process."""
    by, why = "a process that could not be seen", "its process could not be seen"
    if socket.owner_state == "kernel":
        by, why = "no process", "no process holds it: the kernel itself may"
    return Reason(
        rule="exposed_listener",
        level="low" if socket.exposed is not False else "info",
        side="network",
        entity=socket_entity(socket.protocol, socket.local_address, socket.local_port),
        title=f"Listens to other hosts: {spoken(socket)} by {by}",
        clause=f"port {spoken(socket)} is open to other hosts, and {why}",
        attack=(),
        evidence={"socket": spoken(socket), "owner_state": visible(socket.owner_state, 40)},
        look=_look_at_ports([socket]),
    )


def shell_with_socket(facts: Facts, _settings: Settings) -> Iterator[Reason]:
    """What a shell reads and writes is a connection to another program, maybe on another host."""
    listeners = _listeners_by_port(facts)
    for program in facts.programs:
        tool = tool_of(program)
        if not is_interpreter(tool):
            continue
        socket = _on_stdio(facts, program)
        if socket is not None:
            level, clause = _judge_stdio(program, tool, socket, listeners.get((socket.protocol, socket.local_port), []))
            yield _connected(program, socket, level, clause)
    connections: dict[int, Socket] = {}
    for socket in facts.sockets:
        holder = _first_holder(facts, socket)
        if holder is None:
            continue
        connections.setdefault(holder.process.pid, socket)
        if is_shell(tool_of(holder)) and _on_stdio(facts, holder) is None:
            yield _connected(holder, socket, "medium", f"the shell {shown_path(holder)} itself holds a connection, {_ends(socket)}")
    yield from _driven_shells(facts, connections)


def _driven_shells(facts: Facts, connections: dict[int, Socket]) -> Iterator[Reason]:
    """Shells with nothing to run but what comes in, that another program puts through to a connection of its own: by pipes, or by a terminal."""
    carriers = [program for program in facts.programs if program.process.pid in connections and _is_carrier(tool_of(program))]
    listening = {pid for socket in facts.sockets if socket.is_listener and socket.protocol in _PORT_PROTOCOLS for pid in socket.pids}
    for shell in facts.programs if carriers else ():
        if not is_shell(tool_of(shell)) or not _waits_for_input(shell.process) or _on_stdio(facts, shell) is not None:
            continue
        carrier = next((carrier for carrier in carriers if _drives(carrier.process, shell.process)), None)
        if carrier is None:
            continue
        socket = connections[carrier.process.pid]
        level: Level = "medium" if carrier.process.pid in listening and not RELAYS.fullmatch(tool_of(carrier)) else "high"
        clause = f"the shell {shown_path(shell)} is put through to a connection by {shown_path(carrier)} (pid {carrier.process.pid}), {_ends(socket)}"
        yield _connected(shell, socket, level, clause)


def _is_carrier(tool: str) -> bool:
    """Tell whether a tool can put a shell through to a connection; what packages have for that, such as sshd, is none."""
    return tool == "openssl" or (is_interpreter(tool) and not is_shell(tool))


def _waits_for_input(process: Process) -> bool:
    """Tell whether a shell has neither a script nor a command to run."""
    return bool(process.argv) and all(argument.startswith("-") and argument != "-c" for argument in process.argv[1:] if argument)


def _drives(carrier: Process, shell: Process) -> bool:
    """Tell whether a process is at the other end of what a shell reads or writes; its own terminal a shell has from who started it."""
    ours, theirs = (shell.stdio or [])[:3], (carrier.stdio or [])[:3]
    if len(ours) < 3 or len(theirs) < 3:
        return False
    if any(_PIPE.fullmatch(end) for end in {theirs[0]} & set(ours[1:]) | {theirs[1]} & {ours[0]}):
        return True
    return shell.ppid == carrier.pid and ours[0] not in theirs and _DRIVEN.match(ours[0]) is not None


def _connected(program: Program, socket: Socket, level: Level, clause: str) -> Reason:
    return Reason(
        rule="shell_with_socket",
        level=level,
        side="network",
        entity=process_entity(program.process),
        title=f"Shell on a network connection: {shown_path(program)}",
        clause=clause,
        attack=("T1059.004",),
        evidence={
            "local": spoken_socket(socket),
            "remote": spoken_socket(socket, local=False) if socket.remote_address else None,
            "state": visible(socket.state, 20),
            "stdio": [visible(text, 80) for text in (program.process.stdio or [])[:3]],
            "argv": shown_arguments(program.process),
            **image_evidence(program),
        },
        look=LOOK_AT_PROCESS,
        causes=(("socket", socket.inode),) if socket.inode else (),
    )


def _on_stdio(facts: Facts, program: Program) -> Socket | None:
    """The socket of IP that a process has as standard input, output or error."""
    for text in (program.process.stdio or [])[:3]:
        match = _STDIO.fullmatch(text)
        socket = facts.sockets_by_inode.get(int(match[1])) if match else None
        if socket is not None and socket.protocol in _PORT_PROTOCOLS:
            return socket
    return None


def _listeners_by_port(facts: Facts) -> dict[tuple[str, int | None], list[Program]]:
    """The programs that accept connections, by protocol and port."""
    found: dict[tuple[str, int | None], list[Program]] = {}
    for socket in facts.sockets:
        if socket.is_listener and socket.protocol in _PORT_PROTOCOLS:
            found.setdefault((socket.protocol, socket.local_port), []).extend(facts.programs_by_pid[pid] for pid in socket.pids if pid in facts.programs_by_pid)
    return found


def _judge_stdio(program: Program, tool: str, socket: Socket, acceptors: list[Program]) -> tuple[Level, str]:
    """A shell that nobody but the other end types into. Super-servers start programs so; they have a script to run."""
    what = f"the {'shell' if is_shell(tool) else 'interpreter'} {shown_path(program)} reads from and writes to a socket"
    script = next((argument for argument in program.process.argv[1:4] if argument and not argument.startswith("-")), None)
    if script and "-c" not in program.process.argv[1:4] and any(_is_superserver(acceptor) for acceptor in acceptors):
        return "low", f"{what}, {_ends(socket)}; it serves '{visible(script, 80)}' to whoever connects, as super-servers start programs"
    if socket.is_listener or socket.remote_address is None:
        return "medium", f"{what} that waits at {spoken(socket)}"
    who = "somebody connected to it, and controls it" if acceptors else "it connected to there, and is controlled"
    return "high", f"{what}, {_ends(socket)}: {who} from there"


def _is_superserver(program: Program) -> bool:
    return program.origin != "unowned" and _SUPERSERVERS.fullmatch(tool_of(program)) is not None


def _ends(socket: Socket) -> str:
    """Both ends of a connection in words."""
    if socket.remote_address is None:
        return f"{visible(socket.protocol, 10)} {spoken_socket(socket)}"
    return f"{visible(socket.protocol, 10)} from {spoken_socket(socket)} to {spoken_socket(socket, local=False)}"


def _first_holder(facts: Facts, socket: Socket) -> Program | None:
    """The oldest of the processes that hold a connection: the others inherited it."""
    if socket.is_listener or socket.remote_address is None or socket.protocol not in _PORT_PROTOCOLS:
        return None
    holders = [facts.processes_by_pid[pid] for pid in socket.pids if pid in facts.processes_by_pid]
    oldest = min(holders, key=lambda process: process.start_ticks, default=None)
    return facts.programs_by_pid.get(oldest.pid) if oldest is not None else None
