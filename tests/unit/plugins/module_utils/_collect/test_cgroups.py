# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units and containers from control group paths."""

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect.cgroups import parse_cgroup

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "data, unit, engine, container",
    [
        ("0::/system.slice/cron.service\n", "cron.service", None, None),
        ("0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope", None, None),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/evil.service\n", "evil.service", None, None),
        ("0::/user.slice\n", "user.slice", None, None),
        ("0::/\n", None, None, None),
        ("0::/system.slice/docker-%s.scope\n" % HEX, "docker-%s.scope" % HEX, "docker", HEX),
        ("12:pids:/docker/%s\n1:name=systemd:/docker/%s\n" % (HEX, HEX), None, "docker", HEX),
        ("0::/machine.slice/libpod-%s.scope/container\n" % HEX, "libpod-%s.scope" % HEX, "podman", HEX),
        ("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-%s.scope\n" % HEX, "cri-containerd-%s.scope" % HEX, "containerd", HEX),
        ("0::/lxc.payload.web/init.scope\n", "init.scope", "lxc", "web"),
        ("0::/\n1:name=systemd:/system.slice/ssh.service\n", "ssh.service", None, None),
    ],
)
def test_paths(data, unit, engine, container):
    group = parse_cgroup(data)
    assert (group.unit, group.container_engine, group.container_id) == (unit, engine, container)


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
