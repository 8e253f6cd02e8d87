# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What could make the Python that reads a host lie."""

import json
import os
import subprocess
import sys

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import interpreter
from ansible_collections.incident.response.plugins.module_utils._collect.interpreter import read_interpreter

CODE = """
import json, sys
from ansible_collections.incident.response.plugins.module_utils._collect.interpreter import read_interpreter
print(json.dumps(read_interpreter()))
"""


def fresh(before="", **environment):
    """What a fresh interpreter says of itself; it finds the collection without a variable."""
    places = [path for path in sys.path if path]
    code = "import sys; sys.path += %r\n%s%s" % (places, before, CODE)
    return json.loads(subprocess.check_output([sys.executable, "-c", code], env=dict({"PATH": "/usr/bin:/bin"}, **environment)).decode())


def test_itself():
    found = read_interpreter()
    assert found["executable"] == sys.executable
    assert found["version"] == "%d.%d.%d" % sys.version_info[:3]


@pytest.mark.parametrize("variable", ["PYTHONPATH", "LD_LIBRARY_PATH"])
def test_variables(tmp_path, variable):
    assert any(variable in hook for hook in fresh(**{variable: str(tmp_path)})["hooks"])
    assert not any(variable in hook for hook in fresh()["hooks"])


def test_start_up_modules(tmp_path):
    (tmp_path / "usercustomize.py").write_text("")
    hooks = fresh(before="import importlib; sys.path.insert(0, %r); import usercustomize\n" % str(tmp_path))["hooks"]
    assert any(hook == "usercustomize was loaded from %s" % (tmp_path / "usercustomize.py") for hook in hooks)


@pytest.mark.parametrize(
    "data, runs",
    [
        (b"import os; os.system('x')\n", True),
        (b"/some/path\nimport\tos\n", True),
        (b"\xef\xbb\xbfimport os\n", True),
        (b"/some/path\n", False),
        (b"# import os\n", False),
        (b"imports\n", False),
        (b"", False),
    ],
)
def test_path_files_that_run_code(tmp_path, monkeypatch, data, runs):
    folder = tmp_path / "dist-packages"
    folder.mkdir()
    (folder / "x.pth").write_bytes(data)
    monkeypatch.setattr(sys, "path", [str(folder), b"bytes", tmp_path, None])
    hooks = [hook for hook in read_interpreter()["hooks"] if "x.pth" in hook]
    assert bool(hooks) is runs


def test_a_path_file_may_be_a_trap(tmp_path, monkeypatch):
    folder = tmp_path / "site-packages"
    folder.mkdir()
    os.mkfifo(str(folder / "fifo.pth"))
    os.symlink("/dev/zero", str(folder / "zero.pth"))
    os.symlink("nowhere", str(folder / "nowhere.pth"))
    monkeypatch.setattr(sys, "path", [str(folder)])
    hooks = interpreter._path_files()
    assert [hook for hook in hooks if "fifo" in hook or "nowhere" in hook] == []


def test_a_flood_of_path_files_is_bounded(tmp_path, monkeypatch):
    folder = tmp_path / "site-packages"
    folder.mkdir()
    for number in range(80):
        (folder / ("%d.pth" % number)).write_bytes(b"import os\n")
    monkeypatch.setattr(sys, "path", [str(folder)])
    assert len(interpreter._path_files()) == 50
