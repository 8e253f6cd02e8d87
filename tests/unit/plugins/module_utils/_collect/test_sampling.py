# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rates between two samples."""

from ansible_collections.incident.response.plugins.module_utils._collect import sampling
from ansible_collections.incident.response.plugins.module_utils._collect.procfs import TICKS


def _sample(at, ticks, read, written, traffic):
    return sampling.Sample(at, {(1, 10): sampling.Usage(ticks, read, written)}, {"eth0": traffic})


def test_rates_are_by_the_second():
    before, after = _sample(100.0, 0, 0, 50, (1000, 10)), _sample(102.0, TICKS, 4096, 50, (3000, 30))
    rates = sampling.rates(before, after, (1, 10))
    assert (rates.cpu_percent, rates.read_rate, rates.write_rate) == (50.0, 2048.0, 0.0)
    assert sampling.interface_rates(before, after) == [{"interface": "eth0", "receive_rate": 1000.0, "transmit_rate": 10.0}]


def test_a_recycled_pid_has_no_rate():
    sample = _sample(100.0, 0, 0, 0, (0, 0))
    assert sampling.rates(sample, _sample(101.0, 5, 0, 0, (0, 0)), (1, 11)) is None


def test_counters_that_were_closed_give_no_rate():
    rates = sampling.rates(_sample(1.0, 0, None, None, (0, 0)), _sample(2.0, 0, 5, 5, (0, 0)), (1, 10))
    assert rates.read_rate is None
