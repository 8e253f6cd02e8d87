# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at this machine as the module does on a target, and print what that cost as JSON. A program: ``look.py ARCHIVE SECTION LIMIT [KEEP]``.

As on a target, the code comes out of an archive and is compiled anew. ``KEEP`` names a file for the answer as a case would hold it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from base64 import b64decode
from pathlib import Path
from typing import Any

_STARTING = {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.system"}
_started: list[str] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    """Keep which program is about to be started (PEP 578)."""
    if event in _STARTING:
        _started.append(os.path.basename(os.fsdecode(arguments[0])))


def _peak_mib() -> float:
    """The most memory this process ever had (proc(5), ``VmHWM``)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def main(archive: str, section: str, limit: str, keep: str = "") -> None:
    """Look once."""
    sys.addaudithook(_note)
    sys.path.insert(0, archive)
    import ansible.module_utils.basic  # noqa: F401  the module has it as well

    from ansible_collections.incident.response.plugins.module_utils._collect import collector, executables, history, ports, sessions  # noqa: F401
    from ansible_collections.incident.response.plugins.module_utils._collect.target import Target

    before = time.process_time()
    document = collector.collect(Target(), [section], 0.0, int(limit))
    reading = time.process_time() - before
    answer = collector.pack(document)
    if keep:
        Path(keep).write_bytes(b64decode(answer.packed))
    spent = os.times()
    sections = document["sections"]
    cost = {
        "cpu": time.process_time() + spent.children_user + spent.children_system,
        "reading": reading,
        "mib": _peak_mib(),
        "seconds": {name: body["seconds"] for name, body in sections.items()},
        "items": {name: len(body["items"]) for name, body in sections.items()},
        "failed": [error for body in sections.values() for error in body["errors"] if error["what"] == "section"],
        "started": _started,
    }
    print(json.dumps(cost))


if __name__ == "__main__":
    main(*sys.argv[1:])
