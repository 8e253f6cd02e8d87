# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network: a namespace for the controller with a bridge, and one for each host with a cable to it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from .commands import run
from .names import CONTROLLER_ADDRESS, NETWORK6, HostPlan, Lab

_ENDING = 5.0


def host_namespace(lab: Lab, host: str) -> str:
    """The network namespace of a host."""
    return f"{lab.id}-{host}"


def exists(namespace: str) -> bool:
    """Whether there is a namespace of that name."""
    return Path("/run/netns", namespace).exists()


def make_controller(lab: Lab) -> None:
    """Make the controller's side."""
    if not exists(lab.controller):
        run("ip", "netns", "add", lab.controller)
    _batch(
        lab.controller,
        "link set lo up",
        "link add br0 type bridge",
        f"addr replace {CONTROLLER_ADDRESS}/24 dev br0",
        f"addr replace {NETWORK6}:1/64 dev br0 nodad",
        "link set br0 up",
    )


def make_host(lab: Lab, plan: HostPlan) -> None:
    """Make a host's namespace, and its cable. Both ends are made where they belong, never in the machine's own namespace."""
    namespace = host_namespace(lab, plan.name)
    if not exists(namespace):
        run("ip", "netns", "add", namespace)
    run("ip", "-n", lab.controller, "link", "add", f"v-{plan.name}", "type", "veth", "peer", "name", "eth0", "netns", namespace, check=False)
    _batch(lab.controller, f"link set v-{plan.name} master br0 up")
    _batch(
        namespace,
        "link set lo up",
        "link set eth0 up",
        f"addr replace {plan.address}/24 dev eth0",
        f"addr replace {plan.second_address}/24 dev eth0",
        f"addr replace {plan.address6}/64 dev eth0 nodad",
    )


def _batch(namespace: str, *lines: str) -> None:
    """Run lines of ip(8). What is there already is no error."""
    done = run("ip", "-n", namespace, "-force", "-batch", "-", text="\n".join(lines), check=False)
    problems = [line for line in done.stderr.splitlines() if "Error" in line or "answers" in line or "Cannot" in line]
    for problem in problems:
        if "File exists" not in problem:
            run("ip", "-n", namespace, "-batch", "-", text="\n".join(lines))


def remove(namespace: str) -> None:
    """Take a namespace away, with the processes that live in it."""
    if not exists(namespace):
        return
    deadline = time.monotonic() + _ENDING
    while (pids := run("ip", "netns", "pids", namespace).stdout.split()) and time.monotonic() < deadline:
        for pid in pids:
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.05)
    run("ip", "netns", "del", namespace)
