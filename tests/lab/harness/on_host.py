# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on a host of the lab, as root: makes the states of cases, and takes them away. In and out is JSON.

In: ``{"do": "plant" or "remove", "prelude": shell, "tools": {name: program}, "cases": {id: {"setup": shell, "verify": shell, "cleanup": shell}}}``.
Out of plant: ``{id: {"problem": text or null, "notes": {name: text}}}``.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List, Optional, Tuple

Request = Dict[str, Any]

PLACE = "/run/incident-lab"
PARALLEL = 6
VERIFYING = 4.0
ENVIRONMENT = {"HOME": "/root", "LC_ALL": "C.UTF-8", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
# All that a case started ends with its unit.
PROPERTIES = ("Type=oneshot", "RemainAfterExit=yes", "TimeoutStartSec=20", "KillSignal=SIGKILL")


def folder(case: str) -> str:
    return os.path.join(PLACE, case)


def unit(case: str) -> str:
    return "lab-%s.service" % case


def words(case: str, block: str) -> List[str]:
    """A block as a command: it stops at the first line that fails."""
    return ["bash", "-euo", "pipefail", "-c", ". %s/prelude.sh; . %s/%s" % (PLACE, folder(case), block)]


def lay_out(request: Request) -> None:
    """Put every block where bash finds it."""
    os.makedirs(PLACE, exist_ok=True)
    for case, blocks in request["cases"].items():
        os.makedirs(folder(case), exist_ok=True)
        for name, text in blocks.items():
            with open(os.path.join(folder(case), name), "w", encoding="utf-8") as stream:
                stream.write(text)
    for name, text in dict(request["tools"], **{"prelude.sh": request["prelude"]}).items():
        with open(os.path.join(PLACE, name), "w", encoding="utf-8") as stream:
            stream.write(text)


def run(command: List[str], case: str = "") -> Tuple[int, str]:
    """Run a command, and return its status and its words."""
    place = folder(case)
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(ENVIRONMENT, HERE=place), cwd="/", check=False
    )
    return done.returncode, done.stdout.decode("utf-8", "backslashreplace")


def set_up(case: str) -> Optional[str]:
    """Run the setup in a unit of its own."""
    log = os.path.join(folder(case), "log")
    properties = PROPERTIES + ("StandardOutput=append:" + log, "StandardError=append:" + log)
    settings = ["--property=" + entry for entry in properties] + ["--setenv=%s=%s" % item for item in dict(ENVIRONMENT, HERE=folder(case)).items()]
    status, said = run(["systemd-run", "--quiet", "--unit=" + unit(case), *settings, *words(case, "setup")])
    if status == 0:
        return None
    try:
        with open(log, encoding="utf-8", errors="backslashreplace") as stream:
            said += stream.read()
    except OSError:
        pass
    return "setup failed: " + said[-2000:]


def verify(case: str) -> Optional[str]:
    """Prove that the state is there: it may take a moment."""
    deadline = time.monotonic() + VERIFYING
    while True:
        status, said = run(words(case, "verify"), case)
        if status == 0:
            return None
        if time.monotonic() > deadline:
            return "not verified: " + said[-2000:]
        time.sleep(0.2)


def notes(case: str) -> Dict[str, str]:
    """What the setup noted."""
    found = {}
    for name in os.listdir(folder(case)):
        if name.startswith("note."):
            with open(os.path.join(folder(case), name), encoding="utf-8", errors="surrogateescape") as stream:
                found[name[5:]] = stream.read()
    return found


def plant(request: Request) -> Dict[str, Any]:
    with ThreadPoolExecutor(PARALLEL) as pool:
        cases = list(request["cases"])
        problems = dict(pool.map(lambda case: (case, set_up(case)), cases))
        pending = [case for case in cases if problems[case] is None]
        problems.update(pool.map(lambda case: (case, verify(case)), pending))
    return {case: {"problem": problems[case], "notes": notes(case)} for case in cases}


def remove(request: Request) -> Dict[str, Any]:
    """Clean up one after the other: what two cases changed is put back in the reverse order."""
    cases = list(request["cases"])
    for case in reversed(cases):
        if request["cases"][case]["cleanup"]:
            run(words(case, "cleanup"), case)
    run(["systemctl", "stop", *map(unit, cases)])
    run(["systemctl", "reset-failed", *map(unit, cases)])
    shutil.rmtree(PLACE)
    return {}


if __name__ == "__main__":
    wanted = json.load(sys.stdin)
    lay_out(wanted)
    json.dump({"plant": plant, "remove": remove}[wanted["do"]](wanted), sys.stdout)
