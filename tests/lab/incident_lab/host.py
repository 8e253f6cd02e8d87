# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host: booted, entered, rebooted, taken down."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from .cgroups import HostGroup, is_systemd_running, is_unified
from .commands import in_namespace, run
from .errors import LabError
from .names import HostPlan, Lab
from .network import host_namespace, make_host, remove
from .rootfs import PLAIN_USER, Disk

_BOOTING = 90.0
_ORDERLY = 15.0
_ENDING = 10.0
# The systemd of these does not need a pure cgroup v2 tree, and on a v1 machine does better without.
_OLD_CGROUPS = ("bullseye", "buster")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Host:
    """A host of a lab; its files are below ``hosts/NAME`` of the lab's folder."""

    def __init__(self, lab: Lab, plan: HostPlan) -> None:
        self.plan = plan
        self.name = plan.name
        self._lab = lab
        self._folder = lab.folder / "hosts" / plan.name
        self._machine = f"{lab.id}-{plan.name}"
        self._disk = Disk(self._folder)

    @property
    def root(self) -> Path:
        """Where its file system is seen from outside. Inside, more is mounted over it."""
        return self._disk.root

    @property
    def console(self) -> Path:
        """What it said while it booted."""
        return self._folder / "console"

    def start(self, base: Path) -> None:
        """Make the host, and boot it."""
        self._disk.mount(base)
        self._personalize()
        make_host(self._lab, self.plan)
        self._boot()

    def _personalize(self) -> None:
        etc = self.root / "etc"
        (etc / "hostname").write_text(self.name + "\n", encoding="ascii")
        (etc / "hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {self.name}\n", encoding="ascii")
        (etc / "machine-id").write_text(uuid.uuid4().hex + "\n", encoding="ascii")
        key = etc / "ssh/ssh_host_ed25519_key"
        if not key.exists():
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.name, "-f", str(key))
        owner = (self.root / "home" / PLAIN_USER).stat()
        self._let_in(self.root / "root", 0, 0)
        self._let_in(self.root / "home" / PLAIN_USER, owner.st_uid, owner.st_gid)

    def _let_in(self, home: Path, uid: int, gid: int) -> None:
        folder = home / ".ssh"
        folder.mkdir(exist_ok=True)
        shutil.copyfile(f"{self._lab.key}.pub", folder / "authorized_keys")
        for path, mode in ((folder, 0o700), (folder / "authorized_keys", 0o600)):
            path.chmod(mode)
            os.chown(path, uid, gid)

    def host_key(self) -> str:
        """Its line for known_hosts."""
        key = (self.root / "etc/ssh/ssh_host_ed25519_key.pub").read_text(encoding="ascii").split()[:2]
        return f"{self.plan.address},{self.plan.second_address},{self.plan.address6} {' '.join(key)}\n"

    def _boot(self) -> None:
        command = [
            *("systemd-nspawn", "--quiet", "--boot", f"--directory={self.root}", f"--machine={self._machine}", f"--hostname={self.name}"),
            *("--register=no", "--keep-unit", "--capability=CAP_NET_ADMIN,CAP_NET_RAW", "--resolv-conf=off", "--timezone=off", "--link-journal=no"),
            f"--network-namespace-path=/run/netns/{host_namespace(self._lab, self.name)}",
        ]
        environment = {"PATH": _PATH, "LC_ALL": "C.UTF-8"}
        if self.plan.release not in _OLD_CGROUPS or is_unified():
            environment["SYSTEMD_NSPAWN_UNIFIED_HIERARCHY"] = "1"
        if is_systemd_running():
            command = ["systemd-run", "--quiet", "--scope", "--collect", "--property=Delegate=yes", f"--unit={self._machine}.scope", *command]
        group = None if is_systemd_running() else HostGroup(self._machine)
        with self.console.open("wb") as console:
            process = subprocess.Popen(  # pylint: disable=consider-using-with,subprocess-popen-preexec-fn
                command,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env=environment,
                cwd="/",
                start_new_session=True,
                preexec_fn=group.enter if group else None,
            )
        self._keep(process.pid)

    def _keep(self, pid: int) -> None:
        record = {"pid": pid, "started": _start_of(pid)}
        (self._folder / "process.json").write_text(json.dumps(record), encoding="ascii")

    def _container(self) -> int | None:
        """The pid of the container's manager while it runs. A pid alone could by now be somebody else's."""
        try:
            record = json.loads((self._folder / "process.json").read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None
        return record["pid"] if record["started"] and _start_of(record["pid"]) == record["started"] else None

    def init(self) -> int | None:
        """The pid, outside, of the host's process 1."""
        container = self._container()
        for entry in Path("/proc").iterdir() if container else ():
            if entry.name.isdigit() and _parent_of(int(entry.name)) == container:
                status = (entry / "status").read_text(encoding="utf-8", errors="backslashreplace")
                if any(line.startswith("NSpid:") and line.split()[-1] == "1" for line in status.splitlines()):
                    return int(entry.name)
        return None

    def wait_ready(self) -> None:
        """Wait until it has booted and lets us in. Raises ``LabError``."""
        deadline = time.monotonic() + _BOOTING
        while not self.is_healthy():
            if self._container() is None or time.monotonic() > deadline:
                last = self.console.read_text(errors="backslashreplace").strip()[-1500:]
                raise LabError(f"{self.name} ({self.plan.release}) did not come up; {self.console} says:\n{last}")
            time.sleep(0.2)
        self.run(["systemctl", "is-system-running", "--wait"], timeout=_BOOTING)

    def is_healthy(self) -> bool:
        """Whether it lets us in by ssh."""
        if self.init() is None:
            return False
        command = ["ssh", *self.ssh_options(), f"root@{self.plan.address}", "true"]
        return run(*in_namespace(self._lab.controller, command), check=False).returncode == 0

    def ssh_options(self) -> list[str]:
        """Options with which ssh on the controller's side gets in."""
        options = (f"UserKnownHostsFile={self._lab.known_hosts}", "StrictHostKeyChecking=yes", "ConnectTimeout=3", "BatchMode=yes", "LogLevel=ERROR")
        return ["-i", str(self._lab.key), *(word for option in options for word in ("-o", option))]

    def inside(self, command: Sequence[str]) -> list[str]:
        """A command as it runs on the host, as root, past its ssh and without a trace in its logs."""
        init = self.init()
        if init is None:
            raise LabError(f"{self.name} does not run")
        environment = ("env", "-i", "-C", "/root", f"PATH={_PATH}", "HOME=/root", "LC_ALL=C.UTF-8", "TERM=dumb")
        entry = ("nsenter", f"--target={init}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd")
        return [*entry, *environment, *command]

    def run(self, command: Sequence[str], text: str | None = None, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command on the host, as root, and return what it said."""
        return run(*self.inside(command), check=False, text=text, timeout=timeout)

    def reboot(self) -> None:
        """Shut it down and boot it again; its disk stays."""
        container = self._container()
        if container is not None:
            os.kill(container, signal.SIGTERM)  # an orderly shutdown (systemd-nspawn(1))
            if not _ended(container, _ORDERLY):
                self._kill()
        self._release_group()
        self._boot()
        self.wait_ready()

    def _kill(self) -> None:
        """End it at once. With its process 1 everything inside ends, and the container's manager cleans up after it."""
        container, init = self._container(), self.init()
        if init is not None:
            os.kill(init, signal.SIGKILL)
        if container is not None and not _ended(container, _ENDING):
            os.kill(container, signal.SIGKILL)
            if not _ended(container, _ENDING):
                raise LabError(f"{self.name} does not end: pid {container}")

    def _release_group(self) -> None:
        if not is_systemd_running():
            HostGroup(self._machine).remove()

    def remove(self) -> None:
        """Take the host down, with its disk and its network."""
        self._kill()
        self._release_group()
        remove(host_namespace(self._lab, self.name))
        if self._folder.exists():
            self._disk.remove()


def _start_of(pid: int) -> int | None:
    """When a process started, in clock ticks; ``None`` for one that is gone or a zombie."""
    fields = _stat(pid)
    return None if fields is None or fields[0] in "ZX" else int(fields[19])


def _parent_of(pid: int) -> int | None:
    fields = _stat(pid)
    return None if fields is None else int(fields[1])


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on (proc(5))."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="backslashreplace").rpartition(")")[2].split()
    except OSError:
        return None


def _ended(pid: int, seconds: float) -> bool:
    """Wait for a process to end."""
    deadline = time.monotonic() + seconds
    while _start_of(pid) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
