# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sections in reading order, and the fact that each of them becomes."""

from collections import OrderedDict

KEYS = OrderedDict(
    [
        ("sessions", "incident_sessions"),
        ("processes", "incident_processes"),
        ("ports", "incident_ports"),
        ("history", "incident_history"),
        ("executables", "incident_executables"),
    ]
)
