# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every test of the collection as a session of nox. ``make test`` runs them all; antsibull-nox.toml has the shared ones."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import antsibull_nox
import nox

ROOT = Path(__file__).parent
# What cannot be tested on this machine, a sentence a line; tests/run.sh ends with it.
NOT_RUN = ROOT / ".cache" / "not-run"
COLLECTIONS = ".venv/collections"


class Core(NamedTuple):
    """An ansible-core that is tested: its release, and the Pythons that may run it, the best one first."""

    release: str
    pythons: tuple[str, ...]


# The floor, the newest for the Python of Debian 12, and the newest.
CORES = {
    "2.16": Core("2.16.14", ("3.11", "3.12")),
    "2.19": Core("2.19.14", ("3.11", "3.12", "3.13")),
    "2.21": Core("2.21.5", ("3.13", "3.14", "3.12")),
}
FULLY_TESTED = ("2.19", "2.21")
# RHEL 8 has 3.6, Debian 11 3.9, RHEL 9 3.9, Debian 12 3.11, Debian 13 3.13.
TARGET_PYTHONS = [f"3.{minor}" for minor in range(6, 15)]


def use_real_interpreters() -> None:
    """Version managers put wrappers on the PATH that fail once ansible-test has cleaned the environment: name what they wrap."""
    folders = [folder for folder in os.environ["PATH"].split(os.pathsep) if not folder.endswith("/shims")]
    managed = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/3.*/bin")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), *folders, *sorted(map(str, managed))])


def interpreter_for(core: Core) -> str | None:
    """The Python of this machine that runs an ansible-core, ``None`` where there is none."""
    return next((python for python in core.pythons if shutil.which(f"python{python}")), None)


def not_run(what: str) -> None:
    """Record that something cannot be tested here."""
    NOT_RUN.parent.mkdir(exist_ok=True)
    known = NOT_RUN.read_text(encoding="utf-8").splitlines() if NOT_RUN.exists() else []
    if what not in known:
        NOT_RUN.write_text("\n".join([*known, what]) + "\n", encoding="utf-8")


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
    """antsibull-nox copies the files of tests/output back, and stumbles over folders in it. Runs in the copy that was tested."""
    shutil.rmtree(Path("tests") / "output" / ".tmp", ignore_errors=True)


def install(session: nox.Session, core: Core) -> dict[str, str]:
    """Install an ansible-core and pytest; return the environment in which this checkout is a collection."""
    session.install(f"ansible-core=={core.release}", "--requirement", "requirements/unit.txt")
    return {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / COLLECTIONS), "PYTHONPATH": str(ROOT / COLLECTIONS)}


def add_sanity(name: str) -> str:
    """A session that runs every sanity test of an ansible-core."""
    antsibull_nox.add_ansible_test_session(
        name=f"sanity-{name}",
        description=f"Run every sanity test of ansible-core {name}.",
        ansible_test_params=["sanity", "--color", "yes", "-v"],
        default=True,
        ansible_core_version=name,
        ansible_core_source="pypi",
        callback_before=provide_get_pip,
        callback_after=drop_nested_output,
    )
    return f"sanity-{name}"


def add_pytest(kind: str, name: str, python: str) -> str:
    """A session that runs the tests in tests/``kind`` with an ansible-core; what runs on hosts alone is tested with the first one."""
    repeated = () if name == FULLY_TESTED[0] else ("-m", "not host_only", "--ignore=tests/unit/plugins/module_utils")

    def run(session: nox.Session) -> None:
        session.run("pytest", f"tests/{kind}", *repeated, *session.posargs, env=install(session, CORES[name]))

    run.__doc__ = f"Run the {kind} tests with ansible-core {name}."
    nox.session(name=f"{kind}-{name}", python=python)(run)
    return f"{kind}-{name}"


def add_meta(name: str, members: list[str], description: str) -> None:
    """A session that runs others."""

    def run(_session: nox.Session) -> None:
        """Nothing: its members are what it is for."""

    run.__doc__ = description
    nox.session(name=name, python=False, requires=members, default=False)(run)


def add_sessions_by_core() -> None:
    """Unit, sanity and lab tests with each ansible-core that this machine can run."""
    unit, sanity, lab = [], [], []
    for name, core in CORES.items():
        python = interpreter_for(core)
        if python is None:
            not_run(f"ansible-core {name}, which takes Python {' or '.join(core.pythons)}")
            continue
        unit.append(add_pytest("unit", name, python))
        if name in FULLY_TESTED:
            sanity.append(add_sanity(name))
            lab.append(add_pytest("lab", name, python))
    add_meta("unit", unit, "Run the unit tests with every ansible-core.")
    add_meta("sanity", sanity, "Run ansible-test sanity with every ansible-core.")
    add_meta("lab", lab, "Run the lab tests, on real Debian hosts, with every ansible-core.")


add_sessions_by_core()


@nox.session(python=TARGET_PYTHONS, venv_backend="venv")
def target(session: nox.Session) -> None:
    """Run the tests of target code on every interpreter of this machine that a target may have."""
    if session.python == "3.6":
        session.install("pip==21.3.1")  # the one it comes with takes packages that do not run there
    session.install("--requirement", "requirements/unit.txt")
    session.run("pytest", "tests/unit/plugins/module_utils", *session.posargs, env={"PYTHONPATH": COLLECTIONS})


@nox.session
def ruff(session: nox.Session) -> None:
    """Check style and layout of all Python of the checkout."""
    session.install("ruff==0.17.6")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session(name="target-syntax")
def target_syntax(session: nox.Session) -> None:
    """Check that target code uses nothing newer than Python 3.6."""
    session.install("vermin==1.9.2")
    session.run("vermin", "--quiet", "--no-tips", "--violations", "--target=3.6-", "plugins/modules", "plugins/module_utils")


@nox.session
def generated(session: nox.Session) -> None:
    """Check that RETURN documentation and the schema page are what the declared records say; ``make docs`` writes them."""
    session.install("PyYAML==6.0.3")
    session.run("python", "docs/generate.py", "--check", env={"PYTHONPATH": COLLECTIONS})


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure what the collection costs, each figure beside its bar; parts and options are passed on, docs/benchmarks.md names them."""
    session.run("python", "tests/bench/run.py", *session.posargs, env=install(session, CORES["2.19"]))


add_meta(
    "static",
    ["ruff", "lint", "docs-check", "extra-checks", "build-import-check", "ansible-lint", "generated", "target-syntax"],
    "Run everything that reads the sources only.",
)
