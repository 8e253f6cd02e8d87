# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for get-pip, which ansible-test fetches from a site that a machine behind a registry proxy may not reach.

Arguments: what to install, and options of pip; get-pip's own ``--no-…`` options are left out.
"""

import subprocess
import sys

# In a process of its own: ensurepip switches pip's configuration off for the process it runs in.
subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"])
wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install"] + wanted))
