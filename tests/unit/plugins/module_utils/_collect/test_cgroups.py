# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units and containers from control group paths."""

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect.cgroups import parse_cgroup

HEX = "0123456789abcdef" * 4


USER = "/user.slice/user-1000.slice"


@pytest.mark.parametrize(
    "data, unit, user_unit",
    [
        ("0::/system.slice/cron.service\n", "cron.service", None),
        ("0::/system.slice/system-getty.slice/getty@tty1.service\n", "getty@tty1.service", None),
        ("0::%s/session-3.scope\n" % USER, "session-3.scope", None),
        ("0::%s/user@1000.service/app.slice/evil.service\n" % USER, "user@1000.service", "evil.service"),
        ("0::%s/user@1000.service/app.slice/ssh.service\n" % USER, "user@1000.service", "ssh.service"),
        ("0::%s/user@1000.service/init.scope\n" % USER, "user@1000.service", "init.scope"),
        ("0::%s/user@1000.service\n" % USER, "user@1000.service", None),
        ("0::/system.slice/own.service/made/ssh.service\n", "own.service", None),
        ("0::/machine.slice/systemd-nspawn@web.service/payload/system.slice/ssh.service\n", "systemd-nspawn@web.service", None),
        ("0::/user.slice\n", "user.slice", None),
        ("0::/\n", None, None),
        ("0::/\n1:name=systemd:/system.slice/ssh.service\n", "ssh.service", None),
        ("0::/../../system.slice/ssh.service\n", "ssh.service", None),
    ],
)
def test_units(data, unit, user_unit):
    group = parse_cgroup(data)
    assert (group.unit, group.user_unit, group.container_id) == (unit, user_unit, "web" if "nspawn" in data else None)


@pytest.mark.parametrize(
    "path, engine, container",
    [
        ("/system.slice/docker-%s.scope", "docker", HEX),
        ("/docker/%s", "docker", HEX),
        ("/docker/%s/system.slice/ssh.service", "docker", HEX),
        ("/machine.slice/libpod-%s.scope/container", "podman", HEX),
        (USER + "/user@1000.service/user.slice/libpod-%s.scope/container", "podman", HEX),
        ("/kubepods.slice/kubepods-pod1.slice/cri-containerd-%s.scope", "containerd", HEX),
        ("/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice:cri-containerd:%s", "containerd", HEX),
        ("/system.slice/nerdctl-%s.scope", "containerd", HEX),
        ("/kubepods/besteffort/pod12345678-1234/%s", "kubernetes", HEX),
        ("/kubepods.slice/kubepods-pod1.slice/crio-%s.scope", "cri-o", HEX),
        ("/ecs/0a1b/%s", "ecs", HEX),
        ("/lxc.payload.web/init.scope%.0s", "lxc", "web"),
        ("/lxc/web%.0s", "lxc", "web"),
        ("/machine.slice/machine-web.scope%.0s", "systemd-nspawn", "web"),
        ("/machine.slice/systemd-nspawn@web.service/payload%.0s", "systemd-nspawn", "web"),
        ("/docker/%.63s", None, None),
        ("/system.slice/my-docker-%s.service", None, None),
    ],
)
def test_containers(path, engine, container):
    for data in ("0::%s\n" % (path % HEX), "12:pids:/x\n1:name=systemd:%s\n" % (path % HEX)):
        group = parse_cgroup(data)
        assert (group.container_engine, group.container_id) == (engine, container)


def test_no_hierarchy_is_no_group():
    assert parse_cgroup("") is None
    assert parse_cgroup("garbage\n") is None


@pytest.mark.parametrize("blank", ["\u2028", "\x85", "\x0b", "\x1c", "\r"])
def test_a_group_cannot_add_a_line_by_its_name(blank):
    name = "/user.slice/user-1000.slice/x%s0::/system.slice/ssh.service" % blank
    group = parse_cgroup("0::%s\n" % name)
    assert group.path == name
    assert group.unit != "ssh.service" or group.path.endswith("ssh.service")
    assert parse_cgroup("0::/user.slice/x%s0::/docker/%s\n" % (blank, "y")).path.startswith("/user.slice/")
