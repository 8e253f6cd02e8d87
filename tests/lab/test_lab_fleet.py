# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab itself: it runs beside another one, survives a reboot, and leaves nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from incident_lab.cgroups import own_hierarchies
from incident_lab.errors import LabError
from incident_lab.fleet import Fleet
from incident_lab.names import HostPlan, Lab

pytestmark = pytest.mark.host_only


def _traces(lab: Lab) -> list[str]:
    """Whatever of a lab is on the machine beside its folder."""
    found = [name for name in Path("/run/netns").iterdir() if name.name.startswith(lab.id)]
    found += [group for hierarchy in own_hierarchies() for group in hierarchy.rglob(f"{lab.id}-*")]
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    commands = subprocess.run(["ps", "axww", "-o", "args="], capture_output=True, text=True, check=True).stdout.splitlines()
    return [*map(str, found), *(line for line in mounts if f"{lab.folder}/" in line), *(line for line in commands if f"{lab.folder}/" in line)]


def test_two_labs_side_by_side(fleet: Fleet) -> None:
    """The same names and addresses in two labs are different hosts; one that goes down takes nothing of the other along."""
    lab = Lab(fleet.lab.folder / "second")
    lab.folder.mkdir(exist_ok=True)
    if not (lab.folder / "base").exists():
        (lab.folder / "base").symlink_to(fleet.lab.folder / "base")
    second = Fleet(lab)
    try:
        second.up(["d12:bookworm"])
        assert _traces(lab)
        second.host("d12").run(["touch", "/root/second"])
        assert second.host("d12").plan.address == fleet.hosts[0].plan.address
        assert second.host("d12").run(["hostname"]).stdout == "d12\n"
        assert fleet.host("d12").run(["test", "-e", "/root/second"]).returncode == 1
        second.host("d12").reboot()
        assert second.host("d12").run(["test", "-e", "/root/second"]).returncode == 0
    finally:
        second.down()
        shutil.rmtree(lab.folder)
    assert not _traces(lab)
    assert fleet.is_healthy()


def test_command_line(fleet: Fleet) -> None:
    """The commands that people type."""
    program = [sys.executable, str(Path(__file__).with_name("fleet.py"))]
    status = subprocess.run([*program, "status"], capture_output=True, text=True, check=True).stdout
    assert [line.split()[0] for line in status.splitlines()] == [host.name for host in fleet.hosts]
    said = subprocess.run([*program, "sh", "d13", "id -un; hostname"], capture_output=True, text=True, check=True).stdout
    assert said == "root\nd13\n"
    inside = subprocess.run([*program, "run", "ip", "-br", "addr", "show", "br0"], capture_output=True, text=True, check=True).stdout
    assert "192.0.2.1/24" in inside
    assert subprocess.run([*program, "frobnicate"], capture_output=True, check=False).returncode == 2


@pytest.mark.parametrize("text", ["d12", "D12:bookworm", "a:b:c", "../x:bookworm", "much-too-long-a-name:bookworm"])
def test_wrong_host_is_refused(text: str) -> None:
    """What cannot be a name of a host, a namespace and an interface is refused before anything is made."""
    with pytest.raises(LabError, match="NAME:RELEASE"):
        HostPlan.parse([text])
