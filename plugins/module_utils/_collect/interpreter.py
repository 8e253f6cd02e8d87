# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python that reads the host: what was planted into its start-up may forge everything it says."""

import os
import sys
from codecs import BOM_UTF8
from typing import Any, Dict, List

from .reading import read_kernel

_HOOKS = ("sitecustomize", "usercustomize")
_VARIABLES = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONBREAKPOINT", "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT")


def read_interpreter() -> Dict[str, Any]:
    """``executable``, ``version``, and ``hooks``: a sentence for everything that others could use to change what it does."""
    return {
        "executable": os.fsencode(sys.executable or "").decode("utf-8", "backslashreplace"),
        "version": "%d.%d.%d" % sys.version_info[:3],
        "hooks": _variables() + _modules() + _path_files(),
    }


def _variables() -> List[str]:
    return ["%s is set in the environment of the run" % name for name in _VARIABLES if os.environ.get(name)]


def _modules() -> List[str]:
    """Start-up modules that were loaded from a file. Debian ships a sitecustomize that is a link into /etc: root's alone."""
    found = []
    for name in _HOOKS:
        path = getattr(sys.modules.get(name), "__file__", None)
        if path and os.path.realpath(path) != "/etc/python%d.%d/sitecustomize.py" % sys.version_info[:2]:
            found.append("%s was loaded from %s" % (name, os.fsencode(path).decode("utf-8", "backslashreplace")))
    return found


def _path_files() -> List[str]:
    """``.pth`` files that run code at start-up (site module of the library reference), beside the module search path."""
    found = []
    for folder in sys.path:
        if not isinstance(folder, str) or not folder.endswith("-packages"):
            continue
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith(".pth") and _runs_code(path):
                found.append("%s runs code whenever Python starts" % os.fsencode(path).decode("utf-8", "backslashreplace"))
    return found[:50]


def _runs_code(path: str) -> bool:
    """Follows links, as the interpreter does. Whatever else than a file is there is not waited for."""
    try:
        data = read_kernel(path, 1 << 20)
    except OSError:
        return False
    lines = (data[len(BOM_UTF8) :] if data.startswith(BOM_UTF8) else data).splitlines()
    return any(line.startswith((b"import ", b"import\t")) for line in lines)
