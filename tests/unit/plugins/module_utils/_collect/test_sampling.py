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


def test_no_time_gives_no_rates():
    sample = _sample(100.0, 5, 1, 1, (7, 7))
    assert sampling.rates(sample, sample, (1, 10)) is None
    assert sampling.interface_rates(sample, sample) == []


def test_counters_that_began_again_are_no_negative_rate():
    before, after = _sample(100.0, 5, 100, 100, (1000, 1000)), _sample(101.0, 5, 50, 100, (10, 2000))
    assert sampling.rates(before, after, (1, 10)).read_rate == 0.0
    assert sampling.interface_rates(before, after) == [{"interface": "eth0", "receive_rate": 0.0, "transmit_rate": 1000.0}]


def test_an_interface_of_one_sample_only_has_no_rate():
    before, after = _sample(1.0, 0, 0, 0, (0, 0)), sampling.Sample(2.0, {}, {"eth1": (5, 5)})
    assert sampling.interface_rates(before, after) == []


def test_counters_of_a_host(tree):
    folder = tree.process(10)
    (folder / "io").write_text("rchar: 1\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 0\n")
    tree.process(11)
    tree.process(2, flags=0x00200000)
    (tree.proc / "net").mkdir()
    dev = b"Inter-|\n face |\n    lo: 1 2 3 4 5 6 7 8 9 10\n a:b: 100 0 0 0 0 0 0 0 200 0\nbroken\n\xff: 5 0 0 0 0 0 0 0 6 0\n"
    (tree.proc / "net" / "dev").write_bytes(dev)
    target = tree.target()
    sample = sampling.take(target, target.stats)
    assert sample.usage == {(2, 1000): sampling.Usage(10, None, None), (10, 1000): sampling.Usage(10, 4096, 8192), (11, 1000): sampling.Usage(10, None, None)}
    assert sample.traffic == {"lo": (1, 9), "a:b": (100, 200), "\\xff": (5, 6)}
