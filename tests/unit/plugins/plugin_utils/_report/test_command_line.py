# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the operator called Ansible, as options for the commands in findings."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.cli.arguments import option_helpers

from ansible_collections.incident.response.plugins.plugin_utils._report.command_line import ansible_options, ansible_program


def parsed(*words: str) -> dict[str, Any]:
    """The arguments as Ansible itself parses them, for ansible-playbook."""
    parser = option_helpers.create_base_parser("ansible-playbook")
    option_helpers.add_connect_options(parser)
    option_helpers.add_runas_options(parser)
    option_helpers.add_inventory_options(parser)
    option_helpers.add_vault_options(parser)
    option_helpers.add_runtask_options(parser)
    return dict(vars(parser.parse_args(list(words))))


def options(*words: str, **extra_variables: Any) -> list[str]:
    return ansible_options(parsed(*words), extra_variables)


def test_nothing_given_needs_nothing() -> None:
    assert options() == []
    assert ansible_options({"inventory": ("/etc/ansible/hosts",)}, {}) == []
    assert ansible_options({}, {}) == []


@pytest.mark.parametrize(
    "words",
    [
        ["-i", "/srv/inventory"],
        ["-i", "/srv/a", "-i", "/srv/b"],
        ["-i", "web1,web2,"],
        ["-b"],
        ["-b", "-K"],
        ["-k"],
        ["-u", "operator"],
        ["-c", "local"],
        ["--private-key", "/srv/my key"],
        ["-b", "--become-method", "su"],
        ["-b", "--become-user", "admin"],
        ["--vault-password-file", "/srv/vault"],
        ["--vault-id", "dev@prompt", "--vault-id", "prod@/srv/vault"],
    ],
)
def test_what_was_given_is_given_again(words: list[str]) -> None:
    found = options(*words)
    assert sorted(found) == sorted(words)
    # What comes out means the same again.
    assert parsed(*found) == parsed(*words)


def test_what_may_hold_a_secret_is_not_written_down() -> None:
    proxy = "-o ProxyCommand='sshpass -p secret ssh jump'"
    assert options("--ssh-common-args", proxy) == []
    assert options(ansible_ssh_common_args=proxy, ansible_ssh_extra_args=proxy, ansible_password="secret") == []


def test_only_variables_that_connect_are_passed_on() -> None:
    found = options(ansible_user="operator", ansible_become=True, ansible_port=2222, ansible_password="x", ansible_become_password="y", incident_case="c1")
    assert found[0] == "-e"
    assert json.loads(found[1]) == {"ansible_user": "operator", "ansible_become": True, "ansible_port": 2222}
    assert len(found) == 2


def program(monkeypatch: pytest.MonkeyPatch, folder: Path, path: str, **environment: str) -> str:
    monkeypatch.setattr(sys, "argv", [str(folder / "ansible-playbook")])
    monkeypatch.setenv("PATH", path)
    monkeypatch.delenv("MAKELEVEL", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return ansible_program()


def test_the_program_is_called_as_this_shell_finds_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "checkout" / ".venv" / "bin"
    folder.mkdir(parents=True)
    assert program(monkeypatch, folder, os.defpath) == "ansible"
    (folder / "ansible").write_text("#!/bin/sh\n")
    (folder / "ansible").chmod(0o755)
    assert program(monkeypatch, folder, os.defpath) == str(folder / "ansible")
    assert program(monkeypatch, folder, str(folder)) == "ansible"
    assert program(monkeypatch, folder, str(folder), MAKELEVEL="1") == str(folder / "ansible")
    monkeypatch.chdir(tmp_path / "checkout")
    assert program(monkeypatch, folder, os.defpath) == ".venv/bin/ansible"
