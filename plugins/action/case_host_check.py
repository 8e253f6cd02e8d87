# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says of one host whether the case has seen it. Connects to no host."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.incident.response.plugins.plugin_utils._case.run import Run
from ansible_collections.incident.response.plugins.plugin_utils._case.store import Case

_SPEC = {"case_dir": {"type": "path", "default": "cases"}, "case": {"type": "str"}}


class ActionModule(ActionBase):  # type: ignore[misc]
    """Fails for a host that was not seen, as unreachable where it was that."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Look the host up in the case."""
        variables = task_vars or {}
        super().run(tmp, variables)
        _validated, options = self.validate_argument_spec(argument_spec=_SPEC)
        try:
            run = Run.current(variables)
            host = str(variables["inventory_hostname"])
            attempt = Case(options["case_dir"], options["case"] or run.default_case).attempt(host, run)
        except (OSError, ValueError) as error:
            return {"failed": True, "msg": str(error)}
        if attempt is None:
            return {"failed": True, "msg": f"{host} was not tried, or the attempt could not be recorded."}
        if attempt["status"] == "reached":
            return {"changed": False, "status": "reached"}
        outcome = {"unreachable": True} if attempt["status"] == "unreachable" else {"failed": True}
        return {**outcome, "status": attempt["status"], "msg": f"{host} was not seen: {attempt['message']}"}
