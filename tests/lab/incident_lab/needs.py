# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether this machine can run a lab, found out by trying."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from pathlib import Path

from .cgroups import is_systemd_running, own_hierarchies
from .commands import run
from .errors import CannotRun
from .names import Lab

# Program → the Debian package that has it.
_PROGRAMS = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "nsenter": "util-linux",
    "mount": "mount",
}
_CLONE_NEWNET = 0x40000000


def check(lab: Lab) -> None:
    """Raise ``CannotRun`` that names everything that is missing, and how to get it."""
    if os.geteuid() != 0:
        raise CannotRun("it takes root: containers, network namespaces and mounts are made. Run it with sudo.")
    missing = _missing_programs()
    if not missing:
        missing = [problem for problem in (_namespace_problem(), _bridge_problem(lab), _overlay_problem(lab), _cgroup_problem()) if problem]
    if missing:
        raise CannotRun("\n".join(missing))


def _missing_programs() -> list[str]:
    packages = sorted({package for program, package in _PROGRAMS.items() if shutil.which(program) is None})
    return [f"programs are missing: apt-get install {' '.join(packages)}"] if packages else []


def _namespace_problem() -> str | None:
    child = os.fork()
    if child == 0:
        os._exit(0 if ctypes.CDLL(None).unshare(_CLONE_NEWNET) == 0 else 1)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        return None
    return "network namespaces cannot be made: inside a container it has to be a privileged one."


def _bridge_problem(lab: Lab) -> str | None:
    probe = f"{lab.id}-try"
    run("ip", "netns", "del", probe, check=False)
    if run("ip", "netns", "add", probe, check=False).returncode != 0:
        return "ip netns add fails: mounts cannot be made; inside a container it has to be a privileged one."
    try:
        bridge = run("ip", "-n", probe, "link", "add", "br0", "type", "bridge", check=False)
        pair = run("ip", "-n", probe, "link", "add", "v0", "type", "veth", "peer", "name", "v1", check=False)
    finally:
        run("ip", "netns", "del", probe, check=False)
    failed = [name for name, done in (("bridge", bridge), ("veth", pair)) if done.returncode != 0]
    return f"the kernel has no {' and no '.join(failed)} interfaces: load them with modprobe {' '.join(failed)}" if failed else None


def _overlay_problem(lab: Lab) -> str | None:
    lab.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=lab.folder, prefix=".try-") as name:
        folder = Path(name)
        for part in ("lower", "upper", "work", "root"):
            (folder / part).mkdir()
        layers = f"lowerdir={folder}/lower,upperdir={folder}/upper,workdir={folder}/work"
        done = run("mount", "-t", "overlay", "lab", "-o", layers, str(folder / "root"), check=False)
        if done.returncode == 0:
            run("umount", str(folder / "root"))
            return None
    return f"overlayfs cannot be mounted in {lab.folder} ({done.stderr.strip()}): set LAB to a folder on ext4, xfs, btrfs or tmpfs with 4 GB free."


def _cgroup_problem() -> str | None:
    if is_systemd_running() or own_hierarchies():
        return None
    return "no control group hierarchy can be written, and systemd does not run here: hosts could not be told apart."
