# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of a lab. The hosts are reached from its controller's side only."""

from __future__ import annotations

from .host import Host
from .names import Lab

_TEXT = """\
[lab:vars]
ansible_user=root
ansible_ssh_private_key_file={key}
ansible_ssh_common_args=-o UserKnownHostsFile={known_hosts} -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes
ansible_control_path_dir={control_folder}
ansible_pipelining=true
ansible_python_interpreter=/usr/bin/python3

[lab]
{hosts}
"""


def write_inventory(lab: Lab, hosts: list[Host]) -> None:
    """Write the inventory, and the host keys that it relies on."""
    lab.control_folder.mkdir(exist_ok=True, mode=0o700)
    lab.known_hosts.write_text("".join(host.host_key() for host in hosts), encoding="ascii")
    lines = "\n".join(f"{host.name} ansible_host={host.plan.address}" for host in hosts)
    text = _TEXT.format(key=lab.key, known_hosts=lab.known_hosts, control_folder=lab.control_folder, hosts=lines)
    lab.inventory.write_text(text, encoding="utf-8")
