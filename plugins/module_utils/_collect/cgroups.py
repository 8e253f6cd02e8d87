# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a control group path says about a process: its systemd unit and its container."""

import re
from typing import List, NamedTuple, Optional, Tuple

# The engines' own naming of control groups; an id is 64 hexadecimal digits, or a name where the engine uses names.
_ID = r"([0-9a-f]{64})(?:\.scope)?(?:/|$)"
_CONTAINERS = (
    ("docker", re.compile(r"/docker[-/]" + _ID)),
    ("podman", re.compile(r"/libpod-(?:payload-|conmon-)?" + _ID)),
    ("cri-o", re.compile(r"/crio-(?:conmon-)?" + _ID)),
    ("containerd", re.compile(r"/(?:[^/:]+:)?(?:cri-containerd|nerdctl)[-:/]" + _ID)),
    ("kubernetes", re.compile(r"/kubepods[^ ]*/" + _ID)),
    ("ecs", re.compile(r"/ecs/(?:[^/]+/)?([0-9a-f]{64}|[0-9a-f]{32}-[0-9]+)(?:/|$)")),
    ("lxc", re.compile(r"/lxc(?:\.payload\.|/)([^/]+)(?:/|$)")),
    ("systemd-nspawn", re.compile(r"/machine\.slice/(?:systemd-nspawn@|machine-)([^/]+)\.(?:service|scope)(?:/|$)")),
)
_USER_MANAGER = re.compile(r"^user@[0-9]+\.service$")
_UNIT = re.compile(r"^(.+\.(?:service|scope|socket|mount|swap|slice))$")


class ControlGroup(NamedTuple):
    """A control group path, and what its name says. Who may make groups below one of his own is free in what he calls them."""

    path: str
    unit: Optional[str]
    user_unit: Optional[str]
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
    unit, user_unit = units_of(path)
    return ControlGroup(path, unit, user_unit, container, engine)


def units_of(path: str) -> Tuple[Optional[str], Optional[str]]:
    """The unit of the system's manager that a control group path lies in, and that of a user's manager below it.

    Below ``user@UID.service`` a user's own manager names its units: one may be called ``ssh.service``. The first unit is the one
    that systemd started, deeper ones are what it delegated; a slice counts only when there is nothing else.
    """
    parts = path.split("/")
    manager = next((number for number, part in enumerate(parts) if _USER_MANAGER.match(part)), None)
    if manager is None:
        return _unit_among(parts), None
    return parts[manager], _unit_among(parts[manager + 1 :])


def _unit_among(parts: List[str]) -> Optional[str]:
    units = [part for part in parts if _UNIT.match(part)]
    return next((unit for unit in units if not unit.endswith(".slice")), units[-1] if units else None)


def container_of(path: str) -> Tuple[Optional[str], Optional[str]]:
    """The container engine and the container's id, by the engines' naming."""
    for engine, pattern in _CONTAINERS:
        match = pattern.search(path)
        if match:
            return engine, match.group(1)
    return None, None
