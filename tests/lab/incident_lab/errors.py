# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with a lab, as messages for the person who started it."""

from __future__ import annotations


class LabError(Exception):
    """The lab failed; the message says at what, and what to do."""


class CannotRun(LabError):
    """This machine cannot run the lab; the message says what is missing, one thing a line."""
