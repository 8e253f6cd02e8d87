# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what the collection costs, each figure beside the bar that it has to hold. docs/benchmarks.md says what they mean.

python tests/bench/run.py [PART…] [--rounds N] [--check]   Seconds differ between machines and hours; ratios of one run are what counts.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lab"))

from incident_bench import judging, lab_triage, machine, many_hosts
from incident_bench.figures import Figure, show

Part = Callable[[Path, argparse.Namespace], Iterable[Figure]]
PARTS: dict[str, tuple[str, Part]] = {
    "lab": ("Triage of the lab, findings included", lambda folder, options: lab_triage.figures(folder, options.rounds)),
    "processes": ("The module, all sections, hashing included, no pause", lambda folder, _options: machine.process_figures(folder)),
    "sockets": ("The section ports", lambda folder, _options: machine.socket_figures(folder)),
    "hosts": ("The controller", lambda folder, _options: many_hosts.figures(folder)),
    "judging": ("Judging alone", lambda folder, _options: judging.figures(folder)),
}


def main() -> int:
    """Measure, print, and return the exit status: 0, or with ``--check`` 1 when a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"what to measure, all of it by default: {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=5, help="how often the lab is looked at in each way (default: 5)")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a bar was missed")
    options = parser.parse_args()
    unknown = sorted(set(options.parts) - set(PARTS))
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    print(f"{os.cpu_count()} processors, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} at the beginning\n", flush=True)
    missed = 0
    for name in options.parts or PARTS:
        title, figures = PARTS[name]
        with tempfile.TemporaryDirectory() as folder:
            missed += show(title, figures(Path(folder), options))
    print("Every bar is held." if not missed else f"MISSED: {missed}")
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
