# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges a case on the controller. Connects to no host."""

from __future__ import annotations

from typing import Any

from ansible import context
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible.utils.vars import load_extra_vars

from ansible_collections.incident.response.plugins.plugin_utils._case.run import Run
from ansible_collections.incident.response.plugins.plugin_utils._case.store import Case
from ansible_collections.incident.response.plugins.plugin_utils._detect.engine import Settings
from ansible_collections.incident.response.plugins.plugin_utils._report.command_line import ansible_options, ansible_program
from ansible_collections.incident.response.plugins.plugin_utils._report.console import draw
from ansible_collections.incident.response.plugins.plugin_utils._report.judge import judge

_SPEC = {
    "case_dir": {"type": "path", "default": "cases"},
    "case": {"type": "str"},
    "expected_ports": {"type": "list", "elements": "str", "default": ["22/tcp"]},
    "cpu_percent": {"type": "float", "default": 80.0},
}


class ActionModule(ActionBase):  # type: ignore[misc]
    """Writes findings, summary and manifest into the case, and shows the summary."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Judge the case."""
        variables = task_vars or {}
        super().run(tmp, variables)
        _validated, options = self.validate_argument_spec(argument_spec=_SPEC)
        try:
            run = Run.current(variables)
            case = Case(options["case_dir"], options["case"] or run.default_case)
            settings = Settings(
                expected_ports=frozenset(options["expected_ports"]),
                cpu_percent=options["cpu_percent"],
                ansible_program=ansible_program(),
                ansible_options=tuple(ansible_options(context.CLIARGS, load_extra_vars(self._loader))),
            )
        except (OSError, ValueError) as error:
            return {"failed": True, "msg": str(error)}
        try:
            if not case.exists():
                return {"failed": True, "msg": f"There is no case {case.id} in {case.path.parent}: run a triage into it first, or set incident_case_dir."}
            summary = judge(case, settings)
            not_seen = [name for name in run.hosts if not _was_seen(case, name, run)]
        except (OSError, ValueError) as error:
            return {"failed": True, "msg": f"The case {case.path} cannot be judged: {error}"}
        Display().display(draw(summary))
        return {"changed": False, "case": str(case.path), "totals": summary.as_record()["totals"], "not_seen": not_seen}


def _was_seen(case: Case, host: str, run: Run) -> bool:
    """Whether this run reached a host; what another run saw of it at the same time does not count."""
    try:
        attempt = case.attempt(host, run)
    except (OSError, ValueError):  # its record is damaged; case_host_check says how
        return False
    return attempt is not None and attempt["status"] == "reached"
