# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what follows from the declared records: RETURN of the fact modules, and the schema page.

``python docs/generate.py`` writes; ``python docs/generate.py --check`` only tells, with status 1, what is not up to date.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.incident.response.plugins.module_utils._schema.case import CASE_RECORDS, RETRIEVED
from ansible_collections.incident.response.plugins.module_utils._schema.findings import ENTITY_KINDS, FINDING
from ansible_collections.incident.response.plugins.module_utils._schema.outer import ERROR, LIMIT, OUTER
from ansible_collections.incident.response.plugins.module_utils._schema.record import OPTIONAL_FIELDS, Field, Record, Section
from ansible_collections.incident.response.plugins.module_utils._schema.sections import SECTIONS

ROOT = Path(__file__).resolve().parent.parent
_RETURN = re.compile(r'^RETURN = r"""(?:.*?)"""$', re.MULTILINE | re.DOTALL)
_TYPES = {
    "str": {"type": "str"},
    "int": {"type": "int"},
    "float": {"type": "float"},
    "bool": {"type": "bool"},
    "time": {"type": "str"},
    "dict": {"type": "dict"},
    "list[str]": {"type": "list", "elements": "str"},
    "list[int]": {"type": "list", "elements": "int"},
    "list[dict]": {"type": "list", "elements": "dict"},
}
_MODULES = {
    "sessions": "session_facts",
    "processes": "process_facts",
    "ports": "port_facts",
    "history": "history_facts",
    "executables": "executable_facts",
}


def main() -> int:
    """Write or check; return the exit status."""
    stale = [path for path, content in outputs() if path.read_text(encoding="utf-8") != content] if "--check" in sys.argv else []
    for path in stale:
        print(f"{path.relative_to(ROOT)} is not up to date: run make docs")
    if "--check" not in sys.argv:
        for path, content in outputs():
            path.write_text(content, encoding="utf-8")
    return 1 if stale else 0


def outputs() -> Iterator[tuple[Path, str]]:
    """Every generated file with the content it should have."""
    for section in SECTIONS:
        yield _with_return(_MODULES[section.name], {section.key: _always(_section(section))}, _retrieved() if section.name == "executables" else {})
    yield _with_return("triage_facts", {"ansible_facts": _triage()})
    page = ROOT / "docs" / "data-schema.md"
    if not page.exists():
        page.touch()
    yield page, schema_page()


def _with_return(module: str, documentation: dict[str, Any], beside_facts: Mapping[str, Any] | None = None) -> tuple[Path, str]:
    path = ROOT / "plugins" / "modules" / f"{module}.py"
    if "ansible_facts" not in documentation:
        documentation = {
            "ansible_facts": {
                "description": "Facts to add to the facts of the host.",
                "returned": "always",
                "type": "dict",
                "contains": documentation,
            },
            **(beside_facts or {}),
        }
    text = yaml.safe_dump(documentation, sort_keys=False, allow_unicode=True, width=110)
    return path, _RETURN.sub(lambda _match: f'RETURN = r"""\n---\n{text}"""', path.read_text(encoding="utf-8"), count=1)


def _always(value: dict[str, Any]) -> dict[str, Any]:
    return {"returned": "always", **value}


def _retrieved() -> dict[str, Any]:
    returned = "with O(retrieve=true)"
    case = {"description": "Folder of the case.", "returned": returned, "type": "str", "sample": "/home/operator/cases/20261123T154500Z"}
    files = {"description": RETRIEVED.meaning, "returned": returned, "type": "list", "elements": "dict", "contains": _fields(RETRIEVED.fields)}
    return {"case": case, "evidence": files}


def _triage() -> dict[str, Any]:
    contains: dict[str, Any] = {
        section.key: {
            "description": f"{section.meaning} As M(incident.response.{_MODULES[section.name]}) returns it.",
            "returned": "when the section is read, and without O(case_dir) or with O(return_facts)",
            "type": "dict",
        }
        for section in SECTIONS
    }
    contains["incident_triage"] = {
        "description": "Where the facts of this host are.",
        "returned": "with O(case_dir)",
        "type": "dict",
        "sample": {
            "case": "/home/operator/cases/20261123T154500Z",
            "facts": "/home/operator/cases/20261123T154500Z/hosts/web1/facts.json.gz",
            "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "size": 40960,
        },
    }
    return {"description": "Facts to add to the facts of the host.", "returned": "always", "type": "dict", "contains": contains}


def _section(section: Section) -> dict[str, Any]:
    contains: dict[str, Any] = {"each_item": _each_item(section)}
    for part in section.parts:
        contains[part.name] = _record(part.record) if part.single else _records(part.record)
    for field in OUTER:
        contains[field.name] = _field(field)
    contains["errors"]["contains"] = _fields(ERROR.fields)
    contains["limits"]["contains"] = _fields(LIMIT.fields)
    return {"description": section.meaning, "type": "dict", "contains": contains}


def _each_item(section: Section) -> dict[str, Any]:
    """The records of ``items``, a key that RETURN may not have: in Jinja it is a method of dictionaries."""
    meaning = f"{section.items.meaning} This describes each record of the list C(items), which Jinja reaches as C({section.key}['items'])."
    return {"description": meaning, "returned": "as the records of C(items)", "type": "dict", "contains": _fields((*section.items.fields, *OPTIONAL_FIELDS))}


def _records(record: Record) -> dict[str, Any]:
    return {"description": record.meaning, "returned": "success", "type": "list", "elements": "dict", "contains": _fields((*record.fields, *OPTIONAL_FIELDS))}


def _record(record: Record) -> dict[str, Any]:
    return {"description": record.meaning, "returned": "success", "type": "dict", "contains": _fields(record.fields)}


def _fields(fields: Iterable[Field]) -> dict[str, Any]:
    return {field.name: _field(field) for field in fields}


def _field(field: Field) -> dict[str, Any]:
    returned = "when there is something to say" if field in OPTIONAL_FIELDS else "success"
    documented = {"description": _with_unit(field), "returned": returned, **_TYPES[field.type]}
    if field.sample is not None:
        documented["sample"] = deepcopy(field.sample)  # YAML would make references of those that two records share
    return documented


def _with_unit(field: Field) -> str:
    return f"{field.meaning} In {field.unit}." if field.unit else field.meaning


def schema_page() -> str:
    """``docs/data-schema.md``."""
    lines = [
        "<!-- Written by docs/generate.py from plugins/module_utils/_schema. Do not edit. -->",
        "",
        "# Data schema",
        "",
        "What leaves a step is data with a schema. This page has all of it: facts, findings, and the files of a case.",
        "Every field is there in every record; fields not marked as required may be `null`, which means unknown or none.",
        "",
        *(ROOT / "docs" / "case-files.md").read_text(encoding="utf-8").splitlines(),
        "",
        *_case_records(),
        "## Findings",
        "",
        *_table(FINDING),
        "`entity` says what the finding is about:",
        "",
        "| kind | fields beside `kind` |",
        "|---|---|",
        *(f"| `{kind}` | {', '.join(f'`{name}`' for name in names)} |" for kind, names in ENTITY_KINDS.items()),
        "",
        "## Every section",
        "",
        "A section is what one `_facts` module returns. Beside `items` and its own parts it has:",
        "",
        *_rows(OUTER),
        "### error",
        "",
        *_table(ERROR),
        "### limit",
        "",
        *_table(LIMIT),
        "### In any record",
        "",
        *_rows(OPTIONAL_FIELDS),
    ]
    for section in SECTIONS:
        lines += [f"## {section.key}", "", f"{section.meaning} Returned by `incident.response.{_MODULES[section.name]}`.", ""]
        lines += [f"### items: {section.items.name}", "", *_table(section.items)]
        for part in section.parts:
            lines += [f"### {part.name}: {part.record.name}", "", *_table(part.record)]
    return "\n".join(lines).rstrip() + "\n"


def _case_records() -> list[str]:
    lines = []
    for record in CASE_RECORDS:
        lines += [f"### {record.name}", "", *_table(record)]
    return lines


def _table(record: Record) -> list[str]:
    return [_plain(record.meaning), "", *_rows(record.fields)]


def _rows(fields: Iterable[Field]) -> list[str]:
    rows = ["| field | type | unit | meaning | sample |", "|---|---|---|---|---|"]
    for field in fields:
        sample = "" if field.sample is None else f"`{json.dumps(field.sample, ensure_ascii=False)}`"
        required = " (required)" if field.required else ""
        cells = (f"`{field.name}`", field.type + required, field.unit, _plain(field.meaning), sample)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return [*rows, ""]


def _plain(text: str) -> str:
    """Ansible's C(markup) as Markdown."""
    return re.sub(r"\bC\(([^()]*(?:\([^()]*\)[^()]*)*)\)", r"`\1`", text)


if __name__ == "__main__":
    sys.exit(main())
