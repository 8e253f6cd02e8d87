# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``triage_facts``: takes a host's answer and writes it to the case, unparsed."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.incident.response.plugins.module_utils._schema.keys import KEYS
from ansible_collections.incident.response.plugins.plugin_utils._case.answer import Answer, BadAnswer, failure_of, only_ours, unpack
from ansible_collections.incident.response.plugins.plugin_utils._case.run import Run
from ansible_collections.incident.response.plugins.plugin_utils._case.store import Case

_CONTROLLER_OPTIONS = ("case_dir", "case", "return_facts", "packed")


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs the module, and keeps its answer in a case when there is one."""

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module on the host."""
        variables = task_vars or {}
        super().run(tmp, variables)
        if not self._task.args.get("case_dir"):
            return only_ours(self._execute_module(task_vars=variables))
        try:
            run = Run.current(variables)
            case = Case(self._task.args["case_dir"], str(self._task.args.get("case") or run.default_case))
            case.join(run)
        except (OSError, ValueError) as error:
            return {"failed": True, "msg": f"The case cannot be written: {error}"}
        return self._into_case(case, run, str(variables["inventory_hostname"]), variables)

    def _into_case(self, case: Case, run: Run, host: str, variables: dict[str, Any]) -> dict[str, Any]:
        try:
            result = self._ask(variables)
        except AnsibleConnectionFailure as error:
            case.store_miss(host, run, "unreachable", str(error))
            raise
        except BaseException as error:  # what ends a task that takes too long is no Exception
            case.store_miss(host, run, "failed", f"it was given up before it answered: {error}")
            raise
        try:
            if result.get("failed"):
                raise BadAnswer(failure_of(result))
            answer = Answer.of(result)
            path = case.store_facts(host, run, answer)
        except (ValueError, OSError) as error:
            case.store_miss(host, run, "failed", str(error))
            return {"failed": True, "msg": f"{host} was not looked at: {error}"}
        facts: dict[str, Any] = {"incident_triage": {"case": str(case.path), "facts": str(path), "sha256": answer.sha256, "size": len(answer.packed)}}
        if self._task.args.get("return_facts"):
            facts.update(_sections(unpack(answer.packed)))
        return {"changed": False, "ansible_facts": facts}

    def _ask(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Where the case lies on the controller is nothing that a host needs to know."""
        options = {name: value for name, value in self._task.args.items() if name not in _CONTROLLER_OPTIONS}
        answer: dict[str, Any] = self._execute_module(module_args={**options, "packed": True}, task_vars=variables)
        return answer


def _sections(document: Any) -> dict[str, Any]:
    """The sections of a document under the names of their facts; whatever else it holds stays behind."""
    sections = document.get("sections") if isinstance(document, dict) else None
    return {KEYS[name]: section for name, section in sections.items() if name in KEYS} if isinstance(sections, dict) else {}
