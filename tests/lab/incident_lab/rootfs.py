# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Root file systems: one base a release, made once, and a layer over it for each host."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from .commands import run
from .errors import LabError
from .names import Lab

# Beside what debootstrap calls minimal: what a server has, and what the operators' commands need.
_PACKAGES = (
    "systemd,systemd-sysv,dbus,libpam-systemd,openssh-server,python3,python3-apt,iptables,iproute2,sudo,cron,procps,lsof,util-linux,login,passwd,less,adduser"
)
# What differs between real hosts of these releases, or has to be tested with and without.
_MORE_PACKAGES = {"bullseye": "rsyslog", "bookworm": "python3-psutil", "trixie": "libpam-wtmpdb,wtmpdb"}
PLAIN_USER = "deploy"
# Raised when a base is prepared in another way.
_RECIPE = 1
_PARALLEL = 2


def ensure_bases(lab: Lab, releases: set[str]) -> dict[str, Path]:
    """The base of each release, made where it is not there yet. Raises ``LabError``."""
    folder = lab.folder / "base"
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder), ThreadPoolExecutor(_PARALLEL) as pool:
        return dict(zip(sorted(releases), pool.map(lambda release: _ensure(folder, release), sorted(releases)), strict=True))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _packages(release: str) -> str:
    return ",".join(filter(None, (_PACKAGES, _MORE_PACKAGES.get(release))))


def _ensure(folder: Path, release: str) -> Path:
    recipe = hashlib.sha256(json.dumps([_RECIPE, _packages(release)]).encode()).hexdigest()[:8]
    base = folder / f"{release}-{recipe}"
    if not base.is_dir():
        # A base is renamed to its name when it is whole: what bears another one was never finished, or is outdated.
        for old in folder.glob(f"*{release}-*"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        unfinished = folder / f"new-{release}-{recipe}"
        _bootstrap(release, unfinished, folder / f"{release}.log")
        _prepare(unfinished)
        unfinished.rename(base)
    return base


def _bootstrap(release: str, target: Path, log: Path) -> None:
    print(f"making the root file system of {release} (once, some minutes) …", flush=True)
    mirror = [os.environ["LAB_MIRROR"]] if os.environ.get("LAB_MIRROR") else []
    command = ["debootstrap", "--variant=minbase", f"--include={_packages(release)}", release, str(target), *mirror]
    with log.open("wb") as stream:
        status = subprocess.run(command, stdout=stream, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False).returncode
    if status == 0:
        return
    last = log.read_text(errors="backslashreplace").strip().splitlines()[-5:]
    raise LabError(
        "\n".join((f"debootstrap {release} failed with status {status}; {log} has all it said, the last of it:", *last))
        + "\nIs the mirror reachable? A release that is no longer supported moves from Debian's mirrors to its archive: then set LAB_MIRROR to the archive."
    )


def _prepare(base: Path) -> None:
    """What every host has: nothing secret or unique, since hosts share it."""
    run("chroot", str(base), "apt-get", "clean")
    run("chroot", str(base), "useradd", "--create-home", "--shell", "/bin/bash", PLAIN_USER)
    sudoers = base / "etc/sudoers.d" / PLAIN_USER
    sudoers.write_text(f"{PLAIN_USER} ALL=(ALL) NOPASSWD: ALL\n", encoding="ascii")
    sudoers.chmod(0o440)
    for key in (base / "etc/ssh").glob("ssh_host_*"):
        key.unlink()


class Disk:
    """The disk of a host: a layer over a base, below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self._folder = folder

    def mount(self, base: Path) -> None:
        """Lay the host's layer over a base."""
        for part in ("up", "work", "root"):
            (self._folder / part).mkdir(parents=True, exist_ok=True)
        if not self.root.is_mount():
            layers = f"lowerdir={base},upperdir={self._folder}/up,workdir={self._folder}/work"
            run("mount", "-t", "overlay", "lab", "-o", layers, str(self.root))

    def remove(self) -> None:
        """Take the disk away, with all that was written to it."""
        if self.root.is_mount():
            run("umount", str(self.root))
        shutil.rmtree(self._folder)
