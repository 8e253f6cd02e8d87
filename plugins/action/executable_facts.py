# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``executable_facts``: retrieves the bytes of what the module found into a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.incident.response.plugins.module_utils._collect.executables import MAX_FILE_SIZE
from ansible_collections.incident.response.plugins.module_utils._collect.section import SectionBuilder
from ansible_collections.incident.response.plugins.module_utils._schema.keys import KEYS
from ansible_collections.incident.response.plugins.plugin_utils._case.answer import failure_of, only_ours
from ansible_collections.incident.response.plugins.plugin_utils._case.executable_record import Choice, choose
from ansible_collections.incident.response.plugins.plugin_utils._case.retrieval import Outcome, Retrieval
from ansible_collections.incident.response.plugins.plugin_utils._case.run import Run
from ansible_collections.incident.response.plugins.plugin_utils._case.store import Case

_SPEC = {
    "retrieve": {"type": "bool", "default": False},
    "case_dir": {"type": "path", "default": "cases"},
    "case": {"type": "str"},
    "max_file_size": {"type": "int", "default": MAX_FILE_SIZE},
    "max_evidence_size": {"type": "int", "default": 1 << 30},
}
# Where the case lies on the controller is nothing that a host needs to know.
_CONTROLLER_OPTIONS = ("retrieve", "case_dir", "case", "max_evidence_size")
_LONGEST_REASON = 500
_WHICH = ("pids", "users", "paths")


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs the module, and retrieves the files that it found when that is asked for."""

    _supports_async = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module on the host."""
        variables = task_vars or {}
        super().run(tmp, variables)
        validated = ArgumentSpecValidator(_SPEC).validate({name: value for name, value in self._task.args.items() if name in _SPEC})
        if validated.error_messages:
            return {"failed": True, "msg": f"{'; '.join(validated.error_messages)}. Nothing was read."}
        options = validated.validated_parameters
        if not options["retrieve"]:
            is_wrapped = self._task.async_val and not self._connection.has_native_async
            return only_ours(self._execute_module(module_args=self._module_options(), task_vars=variables, wrap_async=is_wrapped))
        if self._task.async_val:
            return {"failed": True, "msg": "retrieve cannot go on in the background: take async away from this task. Nothing was read."}
        try:
            run = Run.current(variables)
            case = Case(options["case_dir"], options["case"] or run.default_case)
            case.join(run)
        except (OSError, ValueError) as error:
            return {"failed": True, "msg": f"The case cannot be written: {error}"}
        return self._retrieve(case, run, options, variables)

    def _module_options(self) -> dict[str, Any]:
        return {name: value for name, value in self._task.args.items() if name not in _CONTROLLER_OPTIONS}

    def _retrieve(self, case: Case, run: Run, options: Mapping[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        result = only_ours(self._execute_module(module_args=self._module_options(), task_vars=variables))
        section = (result.get("ansible_facts") or {}).get(KEYS["executables"])
        if result.get("failed") or not isinstance(section, dict) or not isinstance(section.get("items"), list):
            return {**result, "failed": True, "msg": f"Nothing was retrieved: {failure_of(result)}"}
        is_everything_asked_for = any(self._task.args.get(name) for name in _WHICH)
        choice = choose(section["items"], is_everything_asked_for, options["max_file_size"], options["max_evidence_size"])
        taking = _Taking(case, run, str(variables["inventory_hostname"]))

        def ask(pieces: list[dict[str, Any]]) -> Mapping[str, Any]:
            answer: Mapping[str, Any] = self._execute_module("incident.response.evidence_content", {"pieces": pieces}, task_vars=variables)
            return answer

        try:
            taking.take(choice, ask)
        except OSError as error:
            return {"failed": True, "msg": f"Retrieving was given up: {error}"}
        return {**result, "changed": False, **taking.returned(section)}


class _Taking:
    """What was retrieved from a host in this task, and what was not."""

    def __init__(self, case: Case, run: Run, host: str) -> None:
        self._case = case
        self._run = run
        self._host = host
        self._evidence: list[dict[str, Any]] = []
        self._misses: list[tuple[Mapping[str, Any], str]] = []

    def take(self, choice: Choice, ask: Any) -> None:
        """Retrieve what was chosen. When it is given up, what came before stays, and what did not come is said."""
        waiting = {id(executable): executable for executable in choice.taken}
        try:
            folder = self._case.evidence(self._host)
            self._note([], choice.refused)
            for outcomes in Retrieval(folder, ask).run(choice.taken):
                self._note(outcomes, [])
                for outcome in outcomes:
                    del waiting[id(outcome.executable)]
        except BaseException as error:  # what ends a task that takes too long is no Exception
            with suppress(OSError):
                self._note([], [(executable.record, f"it was given up before it was there: {error}"[:_LONGEST_REASON]) for executable in waiting.values()])
            raise
        finally:
            self._case.certify_evidence(self._host)

    def _note(self, outcomes: Sequence[Outcome], refused: Sequence[tuple[Mapping[str, Any], str]]) -> None:
        misses = [*refused, *((outcome.executable.record, outcome.error) for outcome in outcomes if outcome.error)]
        kept = [outcome.executable.record for outcome in outcomes if not outcome.error]
        self._case.store_provenance(
            self._host, self._run, [{**record, "error": None} for record in kept] + [{**record, "error": why} for record, why in misses]
        )
        self._misses += misses
        self._evidence += [
            {"sha256": record["sha256"], "size": record["size"], "path": record["path"], "pids": record["pids"], "file": self._file(record["sha256"])}
            for record in kept
        ]

    def _file(self, sha256: str) -> str:
        return (self._case.evidence(self._host).path / sha256).relative_to(self._case.path).as_posix()

    def returned(self, section: dict[str, Any]) -> dict[str, Any]:
        """What the task returns beside facts. What could not be retrieved goes to the errors of the section."""
        if not self._misses:
            return {"case": str(self._case.path), "evidence": self._evidence}
        builder = SectionBuilder(1)
        for record, why in self._misses:
            builder.error("content of an executable", why, record["path"] or "")
        errors = section.get("errors")
        section["errors"] = [*(errors if isinstance(errors, list) else []), *builder.finish()["errors"]]
        warning = f"{len(self._misses)} of {len(self._misses) + len(self._evidence)} files were not retrieved: see errors of the facts for the reasons."
        return {"case": str(self._case.path), "evidence": self._evidence, "warnings": [warning]}
