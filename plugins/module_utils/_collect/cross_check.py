# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second pair of eyes: psutil's view of processes and listeners, where the target has psutil."""

from typing import Any, Callable, Dict, List, Optional, Set, Tuple, TypeVar

from . import procfs
from .target import Target

Socket = Tuple[str, int]  # protocol and local port
Seen = TypeVar("Seen")
_MOST_DESCRIPTORS = 200000


class SecondView:
    """What psutil saw, as plain sets; ``reason`` says why there is none."""

    def __init__(self) -> None:
        self.version: Optional[str] = None
        self.reason: Optional[str] = None
        self.pids: Set[int] = set()
        self.listeners: Set[Socket] = set()

    @classmethod
    def take(cls) -> "SecondView":
        """Look at the host through psutil. Whatever the target calls psutil may raise anything."""
        view = cls()
        try:
            import psutil  # pylint: disable=import-outside-toplevel

            view.version = str(psutil.__version__)
            view.pids = {int(pid) for pid in psutil.pids()}
            view.listeners = set(_listeners(psutil))
        except ImportError:
            view.reason = "psutil is not installed on the target"
        except (Exception, SystemExit) as error:  # noqa: BLE001
            view.reason = "psutil of the target failed: %s" % type(error).__name__
        return view


def _listeners(psutil: Any) -> List[Socket]:
    found = []
    for connection in psutil.net_connections("inet"):
        protocol = "tcp" if connection.type == 1 else "udp"
        # psutil has no address for port 0.
        if connection.laddr and (connection.status == "LISTEN" or (protocol == "udp" and not connection.raddr)):
            found.append((protocol, int(connection.laddr.port)))
    return found


def compare(target: Target, read_listeners: Callable[[], Set[Socket]]) -> Dict[str, Any]:
    """Record ``cross_check``. ``read_listeners`` gives our own view of the listeners of our network namespace.

    Where the views differ both are taken again: what came or went between two looks is a race, not a disagreement.
    """
    if procfs.count_descriptors(target.proc, procfs.list_pids(target.proc), _MOST_DESCRIPTORS) == _MOST_DESCRIPTORS:
        return _no_view("the processes of this host hold more than %d descriptors, which psutil would read one by one" % _MOST_DESCRIPTORS)
    view = SecondView.take()
    if view.reason is not None:
        return _no_view(view.reason, view.version)
    pids, listeners = set(procfs.list_pids(target.proc)), read_listeners()
    compared = len(view.pids | pids) + len(view.listeners | listeners)
    disagreements: List[Dict[str, Any]] = []
    if pids != view.pids or listeners != view.listeners:
        again = SecondView.take()
        if again.reason is not None:
            return _no_view(again.reason, again.version)
        pids_again, listeners_again = set(procfs.list_pids(target.proc)), read_listeners()
        disagreements += [_process(pid, "kernel", "psutil") for pid in sorted(_lacked(pids, pids_again, view.pids, again.pids))]
        disagreements += [_process(pid, "psutil", "kernel") for pid in sorted(_lacked(view.pids, again.pids, pids, pids_again))]
        ours, theirs = (listeners, listeners_again), (view.listeners, again.listeners)
        disagreements += [_socket(socket, "kernel", "psutil") for socket in sorted(_lacked(ours[0], ours[1], theirs[0], theirs[1]))]
        disagreements += [_socket(socket, "psutil", "kernel") for socket in sorted(_lacked(theirs[0], theirs[1], ours[0], ours[1]))]
    return {"available": True, "version": view.version, "reason": None, "compared": compared, "disagreements": disagreements}


def _no_view(reason: str, version: Optional[str] = None) -> Dict[str, Any]:
    return {"available": False, "version": version, "reason": reason, "compared": 0, "disagreements": []}


def _lacked(seen: Set[Seen], seen_again: Set[Seen], other: Set[Seen], other_again: Set[Seen]) -> Set[Seen]:
    """What one view had both times and the other had neither time."""
    return (seen & seen_again) - (other | other_again)


def _process(pid: int, seen_by: str, missing_from: str) -> Dict[str, Any]:
    return {"kind": "process", "pid": pid, "entity": "pid %d" % pid, "seen_by": seen_by, "missing_from": missing_from}


def _socket(socket: Socket, seen_by: str, missing_from: str) -> Dict[str, Any]:
    return {"kind": "socket", "pid": None, "entity": "%s port %d" % socket, "seen_by": seen_by, "missing_from": missing_from}
