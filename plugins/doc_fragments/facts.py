# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every C(_facts) module has in common."""

from __future__ import annotations


class ModuleDocFragment:
    """The option C(limit), the attributes, and the notes on reading a host that lies."""

    DOCUMENTATION = r"""
options:
  limit:
    description:
      - How many records a list of the answer may have. When there are more, C(truncated) is C(true) and
        C(limits) says how many there were.
    type: int
    default: 5000
attributes:
  check_mode:
    support: full
    details: Nothing on the host is changed in any mode.
  diff_mode:
    support: N/A
    details: Nothing on the host is changed.
  facts:
    support: full
  platform:
    platforms: posix
    support: full
    details: Linux, with C(/proc) mounted. Needs Python 3.6 or newer on the target, and nothing else.
notes:
  - Reads the kernel's own files and the host's databases. Runs no shell, writes nothing, installs nothing.
  - Without root only what the connecting account may see is read; the rest is counted in C(errors).
  - Text that is not valid UTF-8 is shown with C(\xNN), and its bytes are kept in C(raw) of the record.
"""
