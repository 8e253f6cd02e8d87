# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every section, in the order in which they are read."""

from .executables import EXECUTABLES
from .history import HISTORY
from .ports import PORTS
from .processes import PROCESSES
from .sessions import SESSIONS

SECTIONS = (SESSIONS, PROCESSES, PORTS, HISTORY, EXECUTABLES)
