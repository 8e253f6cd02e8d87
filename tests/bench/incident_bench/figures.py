# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, beside the bar that it has to hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One number. ``most`` is the bar: the most that it may be, ``None`` for a number that others are compared with."""

    what: str
    value: float
    unit: str
    most: float | None = None
    note: str = ""

    @property
    def is_missed(self) -> bool:
        """Whether it is past its bar."""
        return self.most is not None and self.value > self.most

    def __str__(self) -> str:
        held = "" if self.most is None else f"bar {self.most:g}{_spaced(self.unit)}, {'MISSED' if self.is_missed else 'held'}"
        return f"  {self.what:<58} {self.value:>8.2f}{_spaced(self.unit):<4}  {held:<24} {self.note}".rstrip()


def _spaced(unit: str) -> str:
    return unit if unit == "x" else f" {unit}"


def show(title: str, figures: Iterable[Figure]) -> int:
    """Print the figures of one part, and return how many missed their bar."""
    listed = list(figures)
    print(f"{title}\n" + "\n".join(map(str, listed)) + "\n", flush=True)
    return sum(figure.is_missed for figure in listed)
