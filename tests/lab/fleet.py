# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab on the command line.

python tests/lab/fleet.py check                   whether this machine can run the lab; status 3 when it cannot
python tests/lab/fleet.py up [NAME:RELEASE ...]   d11:bullseye d12:bookworm d13:trixie (Python 3.9, 3.11, 3.13) unless told otherwise
python tests/lab/fleet.py status                  the hosts and how they are
python tests/lab/fleet.py run COMMAND ...         a command on the controller's side: ansible, ssh, a connection
python tests/lab/fleet.py sh NAME COMMAND         a shell command on a host, as root
python tests/lab/fleet.py ssh NAME [COMMAND ...]  a login on a host, as root, by ssh
python tests/lab/fleet.py reboot NAME             shut a host down and boot it; its disk stays
python tests/lab/fleet.py down                    stop and remove what 'up' made

LAB names the folder of the lab; labs in different folders run side by side. LAB_MIRROR names the mirror for debootstrap.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from incident_lab.errors import CannotRun, LabError
from incident_lab.fleet import Fleet
from incident_lab.names import DEFAULT_HOSTS, Lab
from incident_lab.needs import check

_CANNOT_RUN = 3
_WRONG_USE = 2


def _check(fleet: Fleet, _words: list[str]) -> int:
    check(fleet.lab)
    print("This machine can run the lab.")
    return 0


def _up(fleet: Fleet, words: list[str]) -> int:
    fleet.up(words or DEFAULT_HOSTS)
    print(f"{len(fleet.hosts)} hosts are up: {', '.join(host.name for host in fleet.hosts)}. Inventory: {fleet.lab.inventory}")
    return 0


def _status(fleet: Fleet, _words: list[str]) -> int:
    health = fleet.each(lambda host: host.is_healthy())
    for host, healthy in zip(fleet.hosts, health, strict=True):
        print(f"{host.name:<12} {host.plan.release:<10} {host.plan.address:<12} {'up' if healthy else 'DOWN'}")
    return 0 if fleet.hosts and all(health) else 1


def _run(fleet: Fleet, words: list[str]) -> int:
    return _become(fleet.command(words))


def _sh(fleet: Fleet, words: list[str]) -> int:
    return _become(fleet.host(words[0]).inside(["bash", "-c", " ".join(words[1:])]))


def _ssh(fleet: Fleet, words: list[str]) -> int:
    host = fleet.host(words[0])
    return _become(fleet.command(["ssh", *host.ssh_options(), f"root@{host.plan.address}", *words[1:]]))


def _become(command: list[str]) -> int:
    sys.stdout.flush()
    os.execvp(command[0], command)


def _reboot(fleet: Fleet, words: list[str]) -> int:
    fleet.host(words[0]).reboot()
    return 0


def _down(fleet: Fleet, _words: list[str]) -> int:
    fleet.down()
    return 0


# Command → what it does, and the fewest words it takes.
_COMMANDS: dict[str, tuple[Callable[[Fleet, list[str]], int], int]] = {
    "check": (_check, 0),
    "up": (_up, 0),
    "status": (_status, 0),
    "run": (_run, 1),
    "sh": (_sh, 2),
    "ssh": (_ssh, 1),
    "reboot": (_reboot, 1),
    "down": (_down, 0),
}


def main(words: list[str]) -> int:
    """Do what the words say, and return the exit status."""
    command, fewest = _COMMANDS.get(words[0] if words else "", (None, 0))
    if command is None or len(words) - 1 < fewest:
        print(__doc__.strip(), file=sys.stderr)
        return _WRONG_USE
    try:
        return command(Fleet(Lab.from_environment()), words[1:])
    except CannotRun as problem:
        print(f"This machine cannot run the lab:\n{problem}", file=sys.stderr)
        return _CANNOT_RUN
    except LabError as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
