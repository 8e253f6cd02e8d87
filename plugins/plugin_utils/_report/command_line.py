# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the operator called Ansible: what a command needs so that it reaches the same hosts in the same way."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible import constants

# Where options of the command line begin to differ from what the configuration says anyway.
_VALUES = (
    ("-u", "remote_user", "DEFAULT_REMOTE_USER"),
    ("-c", "connection", "DEFAULT_TRANSPORT"),
    ("--private-key", "private_key_file", "DEFAULT_PRIVATE_KEY_FILE"),
    ("--become-method", "become_method", "DEFAULT_BECOME_METHOD"),
    ("--become-user", "become_user", None),
    ("--become-password-file", "become_password_file", "BECOME_PASSWORD_FILE"),
    ("--connection-password-file", "connection_password_file", "CONNECTION_PASSWORD_FILE"),
)
_FLAGS = (
    ("-b", "become", "DEFAULT_BECOME"),
    ("-K", "become_ask_pass", "DEFAULT_BECOME_ASK_PASS"),
    ("-k", "ask_pass", "DEFAULT_ASK_PASS"),
    ("-J", "ask_vault_pass", "DEFAULT_ASK_VAULT_PASS"),
)
_LISTS = (("--vault-id", "vault_ids"), ("--vault-password-file", "vault_password_files"))
# Extra variables that say how to connect. Passwords stay out, and arguments of ssh, which may hold one: commands are written down.
_VARIABLES = frozenset(
    f"ansible_{name}"
    for name in (
        "become",
        "become_exe",
        "become_method",
        "become_user",
        "connection",
        "port",
        "private_key_file",
        "python_interpreter",
        "ssh_private_key_file",
        "ssh_user",
        "user",
    )
)


def ansible_options(arguments: Mapping[str, Any], extra_variables: Mapping[str, Any]) -> list[str]:
    """The options that ``ansible`` needs to reach the hosts of this run: inventory, connection, become, vault. Never a secret.

    ``arguments`` is what Ansible parsed of its command line (``ansible.context.CLIARGS``).
    """
    words = [word for source in _inventory(arguments) for word in ("-i", source)]
    words += [flag for flag, name, setting in _FLAGS if arguments.get(name) and not _configured(setting)]
    for flag, name, setting in _VALUES:
        value = arguments.get(name)
        if value and value != _configured(setting):
            words += [flag, str(value)]
    words += [word for flag, name in _LISTS for value in _texts(arguments.get(name)) for word in (flag, value)]
    variables = {str(name): _plain(value) for name, value in extra_variables.items() if name in _VARIABLES}
    return words + (["-e", json.dumps(variables, sort_keys=True)] if variables else [])


def ansible_program() -> str:
    """The name or path under which this shell finds ``ansible``: that of the virtual environment in which Ansible runs."""
    beside = Path(sys.argv[0]).absolute().parent / "ansible"
    if not beside.is_file() or not os.access(beside, os.X_OK) or _is_found_by_name(beside):
        return "ansible"
    here = Path.cwd()
    return str(beside.relative_to(here)) if beside.is_relative_to(here) else str(beside)


def _is_found_by_name(program: Path) -> bool:
    # make hands its own PATH to what it runs; the shell that called it has another.
    found = shutil.which("ansible")
    return found is not None and Path(found).resolve() == program.resolve() and "MAKELEVEL" not in os.environ


def _inventory(arguments: Mapping[str, Any]) -> list[str]:
    """The sources of the inventory; none for the place where Ansible looks by itself."""
    sources = _texts(arguments.get("inventory"))
    return [] if sources == ["/etc/ansible/hosts"] else sources


def _configured(setting: str | None) -> Any:
    return getattr(constants, setting, None) if setting else None


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(text) for text in value] if isinstance(value, Iterable) else []


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, int)) else str(value)
