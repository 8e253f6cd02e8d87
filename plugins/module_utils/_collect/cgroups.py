# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a control group path says about a process: its systemd unit and its container."""

import re
from typing import NamedTuple, Optional, Tuple

# The engines' own naming of control groups; an id is 64 hexadecimal digits, or a name where the engine uses names.
_CONTAINERS = (
    ("docker", re.compile(r"/docker[-/]([0-9a-f]{64})(?:\.scope)?(?:/|$)")),
    ("podman", re.compile(r"/libpod-(?:payload-|conmon-)?([0-9a-f]{64})(?:\.scope)?(?:/|$)")),
    ("cri-o", re.compile(r"/crio-(?:conmon-)?([0-9a-f]{64})(?:\.scope)?(?:/|$)")),
    ("containerd", re.compile(r"/cri-containerd[-:]([0-9a-f]{64})(?:\.scope)?(?:/|$)")),
    ("kubernetes", re.compile(r"/kubepods[^ ]*/([0-9a-f]{64})(?:/|$)")),
    ("lxc", re.compile(r"/lxc(?:\.payload\.|/)([^/]+)(?:/|$)")),
    ("systemd-nspawn", re.compile(r"/machine\.slice/(?:systemd-nspawn@|machine-)([^/]+)\.(?:service|scope)(?:/|$)")),
)
_UNIT = re.compile(r"^(.+\.(?:service|scope|socket|mount|swap|slice))$")


class ControlGroup(NamedTuple):
    """A control group path, and what its name says."""

    path: str
    unit: Optional[str]
    container_id: Optional[str]
    container_engine: Optional[str]


def parse_cgroup(data: str) -> Optional[ControlGroup]:
    """Parse ``/proc/PID/cgroup`` (cgroups(7)): the v2 hierarchy, or systemd's own on v1; ``None`` where there is neither."""
    paths = {}
    for line in data.split("\n"):  # the only character that the kernel forbids in the name of a group
        hierarchy, _colon, rest = line.partition(":")
        controllers, _colon, path = rest.partition(":")
        if controllers == "name=systemd":
            paths["systemd"] = path
        elif hierarchy == "0":
            paths["unified"] = path
    path = paths.get("unified") or ""
    # On a hybrid tree the v2 path may be "/" while systemd keeps its units on v1.
    if path in ("", "/") and "systemd" in paths:
        path = paths["systemd"]
    if not path:
        return None
    engine, container = container_of(path)
    return ControlGroup(path, unit_of(path), container, engine)


def unit_of(path: str) -> Optional[str]:
    """The innermost systemd unit of a control group path; a slice only when there is nothing nearer."""
    units = [part for part in path.split("/") if _UNIT.match(part)]
    nearest = [unit for unit in units if not unit.endswith(".slice")]
    found = nearest or units
    return found[-1] if found else None


def container_of(path: str) -> Tuple[Optional[str], Optional[str]]:
    """The container engine and the container's id, by the engines' naming."""
    for engine, pattern in _CONTAINERS:
        match = pattern.search(path)
        if match:
            return engine, match.group(1)
    return None, None
