# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of nftables as the kernel sends them; the lab has the kernel's own."""

import random
import socket
import struct

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import netlink, nftables
from ansible_collections.incident.response.plugins.module_utils._collect.netlink import attribute
from ansible_collections.incident.response.plugins.module_utils._collect.packet_filter import (
    ALL_PORTS,
    INGRESS,
    INPUT,
    Packet,
    Region,
    TooMuch,
    Walk,
    find_doors,
)

HERE = socket.inet_aton("192.0.2.11")
ANYBODY = ((0, 2**32 - 1),)
NETWORK = (0xC6336400, 0xC63364FF)  # 198.51.100.0/24
END = netlink.clock() + 3600


def text(kind, name):
    return attribute(kind, name.encode() + b"\0")


def number(kind, value):
    return attribute(kind, struct.pack(">i", value))


def value(data):
    return attribute(1, data)


def expression(name, *parts):
    return attribute(1, text(1, name) + attribute(2, b"".join(parts)))


def verdict(code, *chain):
    return attribute(2, number(1, code) + b"".join(chain))


def decide(code, *chain):
    return expression("immediate", number(1, 0), attribute(2, verdict(code, *chain)))


def compare(data, operator=0, register=1):
    return expression("cmp", number(1, register), number(2, operator), attribute(3, value(data)))


def load(base, offset, length, register=1):
    return expression("payload", number(1, register), number(2, base), number(3, offset), number(4, length))


def meta(key, register=1):
    return expression("meta", number(1, register), number(2, key))


def connection(key):
    return expression("ct", number(1, 1), number(2, key))


def bitwise(mask, flip=None):
    return expression("bitwise", number(1, 1), number(2, 1), number(3, len(mask)), attribute(4, value(mask)), attribute(5, value(flip or bytes(len(mask)))))


def lookup(name, register=1, *more):
    return expression("lookup", text(1, name), number(2, register), *more)


def element(first=None, last=None, is_end=False, decision=None, data=None):
    parts = [number(3, 1)] if is_end else []
    parts += [attribute(1, value(first))] if first is not None else []
    parts += [attribute(10, value(last))] if last is not None else []
    parts += [attribute(2, decision if decision is not None else value(data))] if decision or data else []
    return attribute(1, b"".join(parts))


PORT, SOURCE, DESTINATION = load(2, 2, 2), load(1, 12, 4), load(1, 16, 4)
TCP = meta(16) + compare(b"\6")
DROP, ACCEPT = decide(0), decide(1)


@pytest.fixture
def kernel(monkeypatch):
    """Answer as the kernel would: one table, a chain of the hook input, another chain, sets."""

    def make(rules, policy=1, others=(), sets=None, family=2, hook=1, dormant=False, devices=()):
        table = text(1, "t")
        hooked = [number(1, hook), number(2, 0)] + [attribute(4, b"".join(text(1, name) for name in devices))] * bool(devices)
        sets = sets or {}
        answers = {
            1: [table + number(2, int(dormant))],
            4: [table + text(3, "input") + attribute(4, b"".join(hooked)) + number(5, policy) + text(7, "filter"), table + text(3, "other")],
            7: [table + text(2, "input") + attribute(4, rule) for rule in rules] + [table + text(2, "other") + attribute(4, rule) for rule in others],
            10: [table + text(2, name) + number(3, flags) for name, (flags, _elements) in sets.items()],
        }

        def dump(_protocol, request, kind, _until=None):
            if kind & 255 == 13:
                name = netlink.attributes(request[4:])[2].rstrip(b"\0").decode()
                found = [table + text(2, name) + attribute(3, b"".join(sets[name][1]))]
            else:
                found = answers[kind & 255]
            return iter([(0, bytes([family, 0, 0, 0]) + entry) for entry in found])

        monkeypatch.setattr(netlink, "dump", dump)
        return nftables.read(END)

    return make


def let_in(hooked, port=80, protocol=6, **about):
    """The sources that surely get in, and whether some of the rest may."""
    packet = Packet(4, protocol, b"eth0", 2)
    region = Region(ANYBODY, ALL_PORTS, HERE, port)._replace(**about)
    outcome = Walk(END).through(packet, [entry.chain for entry in hooked], [region])
    sure = [part for part in outcome.accepted if not part.doubt]
    return [part.sources for part in sure], any(part.doubt for part in outcome.accepted)


EVERYBODY, NOBODY, NOT_KNOWN = ([ANYBODY], False), ([], False), ([], True)


@pytest.mark.parametrize(
    "rule, outcome",
    [
        (TCP + PORT + compare(b"\0\x50") + DROP, NOBODY),
        (TCP + PORT + compare(b"\0\x51") + DROP, EVERYBODY),
        (TCP + PORT + compare(b"\0\x50", 1) + DROP, EVERYBODY),
        (PORT + compare(b"\0\x51", 2) + DROP, NOBODY),
        (PORT + compare(b"\0\x50", 4) + DROP, EVERYBODY),
        (PORT + compare(b"\0\x50", 5) + DROP, NOBODY),
        (PORT + expression("range", number(1, 1), number(2, 0), attribute(3, value(b"\0\x40")), attribute(4, value(b"\0\x60"))) + DROP, NOBODY),
        (PORT + expression("range", number(1, 1), number(2, 1), attribute(3, value(b"\0\x40")), attribute(4, value(b"\0\x60"))) + DROP, EVERYBODY),
        (meta(16) + compare(b"\x11") + DROP, EVERYBODY),
        (meta(6) + compare(b"eth0".ljust(16, b"\0")) + DROP, NOBODY),
        (meta(6) + compare(b"eth") + DROP, NOBODY),
        (meta(6) + compare(b"lo".ljust(16, b"\0")) + DROP, EVERYBODY),
        (meta(4) + compare(struct.pack("=I", 2)) + DROP, NOBODY),
        (meta(7) + compare(b"eth0".ljust(16, b"\0")) + DROP, EVERYBODY),
        (DESTINATION + compare(HERE) + DROP, NOBODY),
        (load(1, 16, 3) + compare(HERE[:3]) + DROP, NOBODY),
        (load(1, 9, 1) + compare(b"\6") + DROP, NOBODY),
        (connection(0) + bitwise(struct.pack("=I", 8)) + compare(bytes(4), 1) + DROP, NOBODY),
        (connection(0) + bitwise(struct.pack("=I", 6)) + compare(bytes(4), 1) + DROP, EVERYBODY),
        (load(2, 13, 1) + bitwise(b"\x17") + compare(b"\2") + DROP, NOBODY),
        (load(1, 8, 1) + compare(b"\x40") + DROP, NOT_KNOWN),
        (expression("reject"), NOBODY),
        (expression("counter") + expression("log"), EVERYBODY),
        (expression("limit"), EVERYBODY),
        (expression("nothing-known") + DROP, NOT_KNOWN),
        (expression("cmp", number(1, 1)) + DROP, NOT_KNOWN),
        (decide(3), NOT_KNOWN),
        (decide(-3, text(2, "missing")), NOT_KNOWN),
        (expression("queue"), NOT_KNOWN),
        (expression("masq"), EVERYBODY),
        (
            expression("immediate", number(1, 1), attribute(2, value(struct.pack("=I", 7))))
            + expression("meta", number(2, 3), number(3, 1))
            + meta(3)
            + compare(struct.pack("=I", 7))
            + DROP,
            NOBODY,
        ),
        (meta(3) + compare(bytes(4)) + DROP, NOBODY),
        (meta(3) + expression("byteorder", number(1, 1), number(2, 1), number(3, 1), number(4, 4), number(5, 4)) + compare(bytes(4)) + DROP, NOBODY),
        (expression("fib", number(1, 1), number(2, 3), number(3, 2)) + compare(struct.pack("=I", 2), 1) + DROP, EVERYBODY),
        (expression("fib", number(1, 1), number(2, 1), number(3, 1 | 8 | 32)) + compare(b"\0") + DROP, EVERYBODY),
        (expression("match", text(1, "comment"), number(2, 0)) + DROP, NOBODY),
        (expression("target", text(1, "REJECT"), number(2, 0)), NOBODY),
        (SOURCE + compare(bytes([198, 51, 100, 7])) + DROP, ([((0, 0xC6336406), (0xC6336408, 2**32 - 1))], False)),
        (load(1, 12, 3) + compare(bytes([198, 51, 100]), 1) + DROP, ([(NETWORK,)], False)),
        (SOURCE + bitwise(b"\xff\xff\xff\0") + compare(bytes([198, 51, 100, 0]), 1) + DROP, ([(NETWORK,)], False)),
        (SOURCE + bitwise(b"\xff\xff\xff\0") + compare(bytes([198, 51, 100, 9]), 1) + DROP, NOBODY),
        (SOURCE + bitwise(b"\xff\0\xff\0") + compare(bytes([198, 0, 100, 0])) + DROP, NOT_KNOWN),
        (load(1, 12, 8) + compare(bytes([198, 51, 100, 7]) + HERE, 1) + DROP, ([((0xC6336407, 0xC6336407),)], False)),
    ],
)
def test_expressions(kernel, rule, outcome):
    assert let_in(kernel([rule])) == outcome


def test_the_policy_has_the_last_word(kernel):
    assert let_in(kernel([], policy=0)) == NOBODY
    assert let_in(kernel([TCP + PORT + compare(b"\0\x50") + ACCEPT], policy=0)) == EVERYBODY
    assert kernel([], policy=0, dormant=True) == []


def test_chains(kernel):
    jump, goto, back = decide(-3, text(2, "other")), decide(-4, text(2, "other")), decide(-5)
    assert let_in(kernel([jump, DROP], others=[ACCEPT])) == EVERYBODY
    assert let_in(kernel([jump, DROP], others=[back, ACCEPT])) == NOBODY
    assert let_in(kernel([goto, DROP], others=[back])) == EVERYBODY
    assert let_in(kernel([goto, ACCEPT], policy=0)) == NOBODY
    with pytest.raises(TooMuch):
        let_in(kernel([jump], others=[jump]))


def test_sets_of_single_values(kernel):
    sets = {"ports": (0, [element(b"\0\x50"), element(b"\1\xbb")]), "hosts": (0, [element(bytes([198, 51, 100, 7]))])}
    assert let_in(kernel([PORT + lookup("ports") + DROP], sets=sets)) == NOBODY
    assert let_in(kernel([PORT + lookup("ports", 1, number(5, 1)) + DROP], sets=sets)) == EVERYBODY
    assert let_in(kernel([PORT + lookup("ports") + DROP], sets=sets), port=81) == EVERYBODY
    assert let_in(kernel([SOURCE + lookup("hosts", 1, number(5, 1)) + DROP], sets=sets)) == ([((0xC6336407, 0xC6336407),)], False)
    assert let_in(kernel([PORT + lookup("missing") + DROP])) == NOT_KNOWN


def test_sets_with_ranges(kernel):
    sets = {
        "ports": (4, [element(b"\0\x60", is_end=True), element(b"\0\0", is_end=True), element(b"\0\x50"), element(b"\xff\0")]),
        "networks": (4, [element(bytes([198, 51, 100, 0])), element(bytes([198, 51, 101, 0]), is_end=True)]),
    }
    rules = kernel([PORT + lookup("ports") + DROP], sets=sets)
    assert [let_in(rules, port=port) == NOBODY for port in (0x4F, 0x50, 0x5F, 0x60, 0xFEFF, 0xFF00, 0xFFFF)] == [False, True, True, False, False, True, True]
    assert let_in(kernel([SOURCE + lookup("networks", 1, number(5, 1)) + DROP], sets=sets)) == ([(NETWORK,)], False)


def test_sets_of_several_fields(kernel):
    fields = load(1, 12, 4, 1) + load(2, 2, 2, 9)
    first, last = bytes([198, 51, 100, 0]) + b"\0\x50\0\0", bytes([198, 51, 100, 255]) + b"\0\x60\0\0"
    sets = {"pairs": (4 | 0x80, [element(first, last)]), "exact": (0, [element(bytes([198, 51, 100, 7]) + b"\0\x50\0\0")])}
    assert let_in(kernel([fields + lookup("pairs") + ACCEPT, DROP], sets=sets)) == ([(NETWORK,)], False)
    assert let_in(kernel([fields + lookup("pairs") + ACCEPT, DROP], sets=sets), port=0x61) == NOBODY
    assert let_in(kernel([fields + lookup("exact") + ACCEPT, DROP], sets=sets)) == ([((0xC6336407, 0xC6336407),)], False)


def test_verdict_maps(kernel):
    states = [element(struct.pack("=I", bits), decision=verdict(code)) for bits, code in ((2, 1), (4, 1), (1, 0))]
    sets = {
        "states": (8, states),
        "ports": (8, [element(b"\0\x50", decision=verdict(-3, text(2, "other")))]),
        "sources": (8, [element(bytes([198, 51, 100, 7]), decision=verdict(0))]),
        "catchall": (8, [element(b"\0\x51", decision=verdict(1)), element(decision=verdict(0))]),
    }
    to_verdict = number(3, 0)
    assert let_in(kernel([connection(0) + lookup("states", 1, to_verdict)], policy=0, sets=sets)) == NOBODY
    assert let_in(kernel([connection(0) + lookup("states", 1, to_verdict)], sets=sets), state=2) == EVERYBODY
    assert let_in(kernel([PORT + lookup("ports", 1, to_verdict)], others=[DROP], sets=sets)) == NOBODY
    assert let_in(kernel([PORT + lookup("ports", 1, to_verdict)], others=[DROP], sets=sets), port=81) == EVERYBODY
    assert let_in(kernel([SOURCE + lookup("sources", 1, to_verdict)], sets=sets))[0] == [((0, 0xC6336406), (0xC6336408, 2**32 - 1))]
    assert let_in(kernel([PORT + lookup("catchall", 1, to_verdict)], sets=sets), port=81) == EVERYBODY
    assert let_in(kernel([PORT + lookup("catchall", 1, to_verdict)], sets=sets), port=82) == NOBODY


def test_a_set_that_is_too_large_is_in_doubt(kernel, monkeypatch):
    monkeypatch.setattr(nftables, "_MOST_ELEMENTS", 3)
    sets = {"ports": (0, [element(struct.pack(">H", port)) for port in range(5)])}
    assert let_in(kernel([PORT + lookup("ports") + DROP], sets=sets)) == NOT_KNOWN


def test_more_rules_than_are_read(kernel, monkeypatch):
    monkeypatch.setattr(nftables, "_MOST_RULES", 3)
    with pytest.raises(TooMuch):
        kernel([DROP] * 4)


def test_families_and_hooks(kernel):
    assert [(entry.family, entry.hook) for entry in kernel([])] == [(4, INPUT)]
    assert [(entry.family, entry.hook) for entry in kernel([], family=1)] == [(None, INPUT)]
    assert kernel([], family=3) == []
    (hooked,) = kernel([DROP], family=5, hook=0, devices=["eth0"])
    assert (hooked.hook, hooked.chain.devices) == (INGRESS, {b"eth0"})
    assert let_in([hooked]) == NOBODY
    assert let_in(kernel([DROP], family=5, hook=0, devices=["eth7"])) == EVERYBODY


def test_packets_that_are_led_elsewhere(kernel):
    to = expression("immediate", number(1, 1), attribute(2, value(bytes([10, 0, 0, 2])))) + expression(
        "immediate", number(1, 2), attribute(2, value(b"\x1f\x90"))
    )
    rule = PORT + compare(b"\0\x50") + to + expression("nat", number(1, 1), number(2, 2), number(3, 1), number(5, 2))
    hooked = kernel([rule], hook=0)
    (region,) = Walk(END).through(Packet(4, 6, b"eth0"), [hooked[0].chain], [Region(ANYBODY, ALL_PORTS, HERE, 80)]).accepted
    assert (region.address, region.port, region.is_translated) == (bytes([10, 0, 0, 2]), 8080, True)
    assert find_doors([hooked[0].chain], END) == (True, (80,))


def test_bytes_of_nobody_knows_what(kernel):
    """Whatever a rule holds, it is followed to an end."""
    chance = random.Random(5)
    for _attempt in range(300):
        good = TCP + PORT + compare(b"\0\x50") + lookup("s") + DROP
        at = chance.randrange(len(good))
        rule = good[:at] + bytes(chance.randrange(256) for _byte in range(chance.randrange(1, 9))) + good[at + 4 :]
        let_in(kernel([rule], sets={"s": (0, [element(b"\0\x50")])}))
