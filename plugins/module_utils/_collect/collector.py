# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All sections of a host in one pass: the rest is read inside the sampling pause of the processes."""

import gzip
import hashlib
import io
import json
import time
from base64 import b64encode
from collections import OrderedDict
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Set, Tuple

from .._schema.keys import KEYS
from . import processes
from .interpreter import read_interpreter
from .reading import iso_time
from .section import WrongOption, check_limit, guarded
from .target import Target

SCHEMA = 1


class Packed(NamedTuple):
    """A document as it travels: base64 of gzip-compressed JSON, and the SHA-256 of the compressed bytes."""

    packed: str
    sha256: str
    size: int


def select(subset: Iterable[str]) -> List[str]:
    """The sections that a ``gather_subset`` means, in reading order. Raises ``WrongOption`` for a name that is none, and for no section.

    As in ``ansible.builtin.setup``: ``all``, names, and names with ``!`` in front, which are taken away from all of them.
    """
    named: Set[str] = set()
    taken: Set[str] = set()
    asked = list(subset) or ["all"]
    for name in asked:
        plain = name.lstrip("!")
        if plain != "all" and plain not in KEYS:
            raise WrongOption("gather_subset knows no %r; it knows all, %s, and each of them with ! in front" % (name, ", ".join(KEYS)))
        (taken if name.startswith("!") else named).update(KEYS if plain == "all" else [plain])
    if named in (set(), set(KEYS)):
        named = set(KEYS) - taken
    if not named:
        raise WrongOption("gather_subset %s leaves nothing to read" % ", ".join(asked))
    return [name for name in KEYS if name in named]


def collect(target: Target, subset: Iterable[str], sample_seconds: float, limit: int) -> Dict[str, Any]:
    """Read a host. Return a document: ``schema``, ``collected_at``, ``seconds``, ``interpreter`` and ``sections`` by name."""
    began = time.monotonic()
    names = select(subset)
    check_limit(limit)
    processes.check_sample(sample_seconds)
    sections: Dict[str, Any] = {}

    def read_others() -> None:
        for name, read in _readers(target, limit, names):
            sections[name] = guarded(read)

    if "processes" in names:
        sections["processes"] = guarded(lambda: processes.collect(target, limit=limit, sample_seconds=sample_seconds, meanwhile=read_others))
    if not set(names) <= set(sections):  # no processes were asked for, or reading them failed before the pause
        read_others()
    return {
        "schema": SCHEMA,
        "collected_at": iso_time(time.time()),
        "seconds": round(time.monotonic() - began, 3),
        "interpreter": read_interpreter(),
        "sections": OrderedDict((name, sections[name]) for name in names if name in sections),
    }


def _readers(target: Target, limit: int, names: List[str]) -> List[Tuple[str, Callable[[], Dict[str, Any]]]]:
    """What reads each section that is asked for but the processes.

    Imported here, in the sampling pause: Python compiles all of it anew on a target, which takes as long as the reading.
    """
    from . import event_log, executables, history, ports, sessions

    # Read once for both, and asked late: the journal takes its time.
    events = event_log.start(target) if {"history", "sessions"} & set(names) else None
    readers: List[Tuple[str, Callable[[], Dict[str, Any]]]] = [
        ("ports", lambda: ports.collect(target, limit=limit)),
        ("executables", lambda: executables.collect(target, limit=limit)),
        ("sessions", lambda: sessions.collect(target, limit=limit, events=events)),
        ("history", lambda: history.collect(target, limit=limit, events=events)),
    ]
    return [(name, read) for name, read in readers if name in names]


def as_facts(document: Dict[str, Any]) -> Dict[str, Any]:
    """The sections of a document under the names of their facts."""
    return {KEYS[name]: section for name, section in document["sections"].items()}


def pack(document: Dict[str, Any]) -> Packed:
    """Compress a document. Structures of this size cost Ansible seconds; one string costs it nothing."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=6, mtime=0) as stream:
        stream.write(json.dumps(document, separators=(",", ":"), ensure_ascii=True).encode("ascii"))
    data = buffer.getvalue()
    return Packed(b64encode(data).decode("ascii"), hashlib.sha256(data).hexdigest(), len(data))
