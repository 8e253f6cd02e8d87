# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame of a ``_facts`` module: arguments in, one section out."""

from typing import Any, Callable, Dict

from ansible.module_utils.basic import AnsibleModule

from ._collect.section import WrongOption, check_limit, guarded
from ._collect.target import Target

LIMIT = {"type": "int", "default": 5000}


def run_section(key: str, collect: Callable[..., Dict[str, Any]], options: Dict[str, Dict[str, Any]]) -> None:
    """Run a module that returns one section under ``key``; ``options`` is its argument spec without ``limit``."""
    module = AnsibleModule(argument_spec=dict(options, limit=LIMIT), supports_check_mode=True)
    target = Target()
    try:
        check_limit(module.params["limit"])
        section = guarded(lambda: collect(target, **module.params))
    except WrongOption as error:
        module.fail_json(msg="%s. Nothing was read." % error)
    if not target.is_root:
        module.warn("%s was read without the rights of root: what only root may see is missing, and its errors say what" % key)
    module.exit_json(changed=False, ansible_facts={key: section})
