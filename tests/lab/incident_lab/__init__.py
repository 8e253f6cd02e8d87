# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of real hosts on one machine.

Each host is a booted Debian (systemd, sshd, journald, logind) in a container with a network namespace and a packet filter of its
own. The controller's side is a network namespace too, with a bridge that all hosts hang on: no packet leaves the lab.
"""
