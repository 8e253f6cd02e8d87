# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The borders between the rooms: who may import whom, and what may not be done where."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
PACKAGE = "ansible_collections.incident.response.plugins"
HEADER = """# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
SOURCES = sorted(path for folder in ("plugins", "tests", "docs") for path in (ROOT / folder).rglob("*.py"))
TARGET_CODE = sorted([*(PLUGINS / "module_utils").rglob("*.py"), *(PLUGINS / "modules").glob("*.py")])
# The only other programs and libraries that target code may turn to, and the file that does.
MAY_START_PROGRAMS = {"plugins/module_utils/_collect/journal.py", "plugins/module_utils/_collect/trusted_program.py"}
MAY_IMPORT_PSUTIL = {"plugins/module_utils/_collect/cross_check.py"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, by its full name."""
    package = [PACKAGE, *path.relative_to(PLUGINS).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            yield ".".join(filter(None, (base, node.module)))


def calls(path: Path) -> Iterator[str]:
    """Every function that a file calls, as it is written."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_every_file_says_whose_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not text or HEADER in text[: len(HEADER) + 20]


@pytest.mark.parametrize("path", TARGET_CODE, ids=name_of)
def test_target_code_needs_the_standard_library_only(path: Path) -> None:
    for module in imports(path):
        if module.startswith((f"{PACKAGE}.module_utils", "ansible.module_utils.")):
            continue
        top = module.partition(".")[0]
        if top == "psutil":
            assert name_of(path) in MAY_IMPORT_PSUTIL
        else:
            assert top in sys.stdlib_module_names, f"{module} is not there on a target"


@pytest.mark.parametrize("path", TARGET_CODE, ids=name_of)
def test_target_code_starts_no_program(path: Path) -> None:
    forbidden = {"os.system", "os.popen", "os.execv", "os.execve", "os.spawnv", "os.posix_spawn", "eval", "exec", "compile", "module.run_command"}
    assert not forbidden & set(calls(path))
    if "subprocess" in set(imports(path)):
        assert name_of(path) in MAY_START_PROGRAMS
        assert "shell=True" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted((PLUGINS / "module_utils" / "_schema").glob("*.py")), ids=name_of)
def test_the_schema_depends_on_nothing(path: Path) -> None:
    assert all(module.startswith(f"{PACKAGE}.module_utils._schema") or module in ("typing", "collections") for module in imports(path))


@pytest.mark.parametrize("path", sorted((PLUGINS / "module_utils" / "_collect").glob("*.py")), ids=name_of)
def test_collect_changes_nothing(path: Path) -> None:
    assert not any("_contain" in module for module in imports(path))
    writing = {"os.unlink", "os.remove", "os.rename", "os.replace", "os.mkdir", "os.makedirs", "os.chmod", "os.chown", "os.kill", "os.write", "os.truncate"}
    # A child of ours that no file system answers is told to end, and is asked through a pipe.
    of_our_child = {"os.kill", "os.write"} if path.name == "file_servers.py" else set()
    assert not writing & set(calls(path)) - of_our_child


@pytest.mark.parametrize("path", sorted((PLUGINS / "plugin_utils" / "_detect").rglob("*.py")), ids=name_of)
def test_detect_opens_no_connection_and_reads_no_file(path: Path) -> None:
    for module in imports(path):
        top = module.partition(".")[0]
        assert top not in ("socket", "subprocess", "requests", "urllib", "http", "ssl", "ansible", "os", "pathlib")
        assert "_case" not in module and "_report" not in module, "data flows from case to detect to report"
    assert "open" not in set(calls(path))


@pytest.mark.parametrize("path", sorted((PLUGINS / "plugin_utils" / "_case").rglob("*.py")), ids=name_of)
def test_the_case_store_judges_nothing(path: Path) -> None:
    assert not any("_detect" in module or "_report" in module for module in imports(path))
