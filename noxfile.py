# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every test of the collection as a session of nox. ``make test`` runs them all; antsibull-nox.toml has the shared ones."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import antsibull_nox
import nox

ROOT = Path(__file__).parent
# What has not been run goes here, a sentence a line; tests/run.sh ends with it.
NOT_RUN = ROOT / ".cache" / "not-run"
# The floor; the newest for the Python of Debian 12; the newest. Each with the Python that runs it.
CORES = {"2.16": ("2.16.14", "3.11"), "2.19": ("2.19.14", "3.11"), "2.21": ("2.21.5", "3.13")}
LAB_CORES = ("2.19", "2.21")
TARGET_PYTHONS = [f"3.{minor}" for minor in range(6, 15)]


def use_real_interpreters() -> None:
    """Version managers put wrappers on the PATH that fail once ansible-test has cleaned the environment: name what they wrap."""
    folders = [str(Path(sys.executable).parent)] + [folder for folder in os.environ["PATH"].split(os.pathsep) if not folder.endswith("/shims")]
    managed = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/3.*/bin")
    os.environ["PATH"] = os.pathsep.join(folders + sorted(map(str, managed)))


def interpreter_for(python: str) -> str | None:
    """The interpreter a core is tested with: the one named, or any that is newer where ansible-core allows it."""
    names = [python] if python == "3.11" else [python, "3.12", "3.14"]
    return next((name for name in names if shutil.which(f"python{name}")), None)


def not_run(what: str) -> None:
    """Record that something could not be tested here."""
    NOT_RUN.parent.mkdir(exist_ok=True)
    with NOT_RUN.open("a", encoding="utf-8") as stream:
        stream.write(what + "\n")


use_real_interpreters()
antsibull_nox.load_antsibull_nox_toml()


def provide_get_pip() -> None:
    """Let ansible-test bootstrap its environments without a download, see tests/sanity/get_pip.py."""
    cache = Path.home() / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in ("24_2", "25_2"):
        if not (cache / f"get_pip_{version}.py").exists():
            shutil.copy(ROOT / "tests" / "sanity" / "get_pip.py", cache / f"get_pip_{version}.py")


def drop_nested_output() -> None:
    """antsibull-nox copies files of tests/output back, and stumbles over folders in it. Runs in the copy that was tested."""
    shutil.rmtree(Path("tests") / "output" / ".tmp", ignore_errors=True)


for _core in ("2.19", "2.21"):
    antsibull_nox.add_ansible_test_session(
        name=f"sanity-{_core}",
        description=f"Run every sanity test of ansible-core {_core}.",
        ansible_test_params=["sanity", "--color", "yes", "-v"],
        default=True,
        ansible_core_version=_core,
        ansible_core_source="pypi",
        callback_before=provide_get_pip,
        callback_after=drop_nested_output,
    )


def install(session: nox.Session, core: str) -> dict[str, str]:
    """Install an ansible-core and pytest; return the environment in which this checkout is a collection."""
    session.install(f"ansible-core=={CORES[core][0]}", "--requirement", "requirements/unit.txt")
    place = Path(session.create_tmp()) / "collections"
    link = place / "ansible_collections" / "incident" / "response"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(ROOT)
    return {"ANSIBLE_COLLECTIONS_PATH": str(place), "PYTHONPATH": str(place)}


def add_core_sessions(core: str) -> None:
    """Unit and lab tests with one ansible-core, or a record of why there are none."""
    python = interpreter_for(CORES[core][1])
    if python is None:

        @nox.session(name=f"unit-{core}", python=False)
        def absent(session: nox.Session) -> None:
            not_run(f"ansible-core {core}: no Python {CORES[core][1]} on this machine")
            session.warn(f"ansible-core {core} not tested: no Python {CORES[core][1]} on this machine")

        return

    @nox.session(name=f"unit-{core}", python=python)
    def unit(session: nox.Session) -> None:
        """Run the unit tests with one ansible-core."""
        session.run("pytest", "tests/unit", *session.posargs, env=install(session, core))

    if core not in LAB_CORES:
        return

    @nox.session(name=f"lab-{core}", python=python)
    def lab(session: nox.Session) -> None:
        """Run the lab tests, on real Debian hosts, with one ansible-core."""
        environment = install(session, core)
        if session.run("python", "tests/lab/fleet.py", "check", success_codes=[0, 3], silent=True, env=environment):
            reason = "the lab"
            not_run(reason)
            session.warn(reason)
            return
        session.run("pytest", "tests/lab", *session.posargs, env=environment)


for _core in CORES:
    add_core_sessions(_core)


@nox.session(python=TARGET_PYTHONS, venv_backend="venv")
def target(session: nox.Session) -> None:
    """Run the tests of target code on an interpreter that a target may have."""
    session.install("--requirement", "requirements/unit.txt")
    session.run("pytest", "tests/unit/plugins/module_utils", *session.posargs, env={"PYTHONPATH": ".venv/collections"})


@nox.session(name="target-syntax")
def target_syntax(session: nox.Session) -> None:
    """Check that target code uses nothing newer than Python 3.6."""
    session.install("vermin==1.9.2")
    session.run("vermin", "--quiet", "--no-tips", "--violations", "--target=3.6-", "plugins/modules", "plugins/module_utils")


@nox.session
def generated(session: nox.Session) -> None:
    """Check that RETURN documentation and the schema page are what the declared records say; write them with ``-- --write``."""
    session.install("PyYAML==6.0.3")
    session.run("python", "docs/generate.py", *session.posargs, env={"PYTHONPATH": ".venv/collections"})


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure a triage of the lab against ansible's own ping and setup."""
    session.run("python", "tests/bench/triage.py", *session.posargs, env=install(session, "2.19"))
