# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why something should be looked at: what a rule says about one entity, before reasons of one cause are merged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .finding import Level

# The side of an entity that a reason looks at. Only reasons about different sides confirm each other.
Side = Literal["image", "name", "load", "network", "environment", "visibility", "history", "rights"]
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Entity:
    """What a reason is about. ``key`` is its identity on the host, ``fields`` what a finding shows of it.

    ``started`` (clock ticks) tells which of several processes stands for them all: the oldest.
    """

    kind: str
    key: Key
    fields: Mapping[str, Any]
    started: int = 0


@dataclass(frozen=True)
class Look:
    """The fact module that looks closer. ``options`` have values without blanks; ``pids`` asks for those of the finding."""

    module: str
    options: Mapping[str, str] = field(default_factory=dict)
    pids: bool = False


@dataclass(frozen=True)
class Reason:
    """What one rule says.

    ``clause`` is a part of a sentence ("its file was deleted …"), made of visible text only. ``evidence`` has the fields that
    made the rule fire. Entities that share one of ``causes`` are one finding.
    """

    rule: str
    level: Level
    side: Side
    entity: Entity
    title: str
    clause: str
    attack: tuple[str, ...]
    evidence: Mapping[str, Any]
    look: Look
    causes: tuple[Key, ...] = ()
