# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a packet filter does with the first packet of a connection, for every source address and port at once.

A packet whose destination is known and whose source is any is a ``Region``: ranges of source addresses and ports. Rules split it. What a
rule asks that cannot be told leaves the region in both branches, in ``doubt``. Chains and verdicts are those of nft(8) and iptables(8).
"""

import struct
from bisect import bisect_left
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Set, Tuple, Union

from .netlink import clock

# Ranges of integers, both ends included, sorted, not touching.
Ranges = Tuple[Tuple[int, int], ...]
# Source addresses and source ports; None is any.
Box = Tuple[Optional[Ranges], Optional[Ranges]]

ALL_PORTS: Ranges = ((0, 65535),)
PREROUTING, INPUT, FORWARD = 0, 1, 2
INGRESS, BRIDGE = -1, -2
NEW, UNTRACKED = 8, 64
# Priority of connection tracking (NF_IP_PRI_CONNTRACK): what says later that it should not is not heard.
_TRACKING = -200
_MOST_REGIONS = 200
_DEEPEST = 20
_RULES_AT_ONCE = 16
# Results of large ranges that are kept: each listener meets the same ones.
_LARGE = 64
_MOST_KEPT = 1000
_MOST_RULES_KEPT = 2000


class TooMuch(Exception):
    """The rules could not be followed to their end in the time or the space that there is."""


class Allowance:
    """Seconds of work that are left for packet filters, of all network namespaces together."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._began: Optional[float] = None

    def __enter__(self) -> float:
        """Begin to work; return the moment of ``clock`` to stop at. Raises ``TooMuch``."""
        if self._left <= 0:
            raise TooMuch("its rules are too many to be followed in the time there is")
        self._began = clock()
        return float(self._began + self._left)

    def __exit__(self, *_error: object) -> None:
        if self._began is not None:
            self._left -= clock() - self._began
        self._began = None


class Doubt(NamedTuple):
    """An answer: it cannot be told; ``why`` names what was asked."""

    why: str


class Boxes(NamedTuple):
    """An answer: for these sources, or for all but these."""

    boxes: List[Box]
    is_negated: bool = False


class Sometimes(NamedTuple):
    """An answer: for some packets from everywhere, and not for others, such as a limit gives."""


Answer = Union[bool, Doubt, Boxes, Sometimes]
SOMETIMES = Sometimes()


class Region(NamedTuple):
    """Packets that are in the same place: their destination, where they may come from, and what the rules wrote on them.

    ``said`` names the chains that decided, ``doubt`` the first thing that could not be told.
    """

    sources: Ranges
    source_ports: Ranges
    address: Optional[bytes]
    port: Optional[int]
    mark: Optional[int] = 0
    connection_mark: Optional[int] = 0
    state: int = NEW
    is_translated: bool = False
    doubt: Optional[str] = None
    said: Optional[str] = None


class Packet:
    """What is the same for all packets looked at. ``asked`` collects what rules asked of ``interface`` and ``address``.

    ``family`` is 4 or 6, ``protocol`` the number of the IP protocol, ``interface`` the name of the one it came in by, ``None`` if not known;
    ``is_tracked`` when connection tracking has seen it, ``way_out`` the interface it leaves by, empty for what stays here.
    """

    def __init__(self, family: int, protocol: int, interface: Optional[bytes], index: Optional[int] = None) -> None:
        self.family = family
        self.protocol = protocol
        self.asked: Set[str] = set()
        self.is_tracked = False
        self.way_out: Optional[bytes] = b""
        self._interface = interface
        self._index = index

    @property
    def interface(self) -> Optional[bytes]:
        """Name of the interface."""
        self.asked.add("interface")
        return self._interface

    @property
    def index(self) -> Optional[int]:
        """Number of the interface."""
        self.asked.add("interface")
        return self._index


class Step(NamedTuple):
    """A part of a rule: one of a question, a change, and a verdict that may differ by packet.

    The rest is for those who look for rules: ``ports`` that it may ask for, those that it is ``only_for``, ``chains`` it may go to, whether it
    ``leads`` packets elsewhere.
    """

    test: Optional[Callable[[Packet, Region], Answer]] = None
    change: Optional[Callable[[Packet, Region], Region]] = None
    verdicts: Optional[Callable[[Packet, Region], List[Tuple[Answer, "Verdict"]]]] = None
    ports: Tuple[int, ...] = ()
    only_for: Optional[Ranges] = None
    chains: Tuple["Chain", ...] = ()
    leads: bool = False


class Verdict(NamedTuple):
    """``accept``, ``drop``, ``jump``, ``goto``, ``return``, ``continue``, or ``unknown`` (a program decides); the chain to go to."""

    kind: str
    chain: Optional["Chain"] = None
    why: str = ""


class Chain:
    """A chain. ``policy`` is ``None`` for one that rules jump to; ``where`` names it for people; ``devices`` of the hook ingress."""

    def __init__(self, where: str, policy: Optional[str] = None, priority: int = 0, devices: Iterable[bytes] = ()) -> None:
        self.where = where
        self.policy = policy
        self.priority = priority
        self.devices = frozenset(devices)
        self.sources: List[Callable[[], List[Step]]] = []
        self._rules: Dict[int, Rule] = {}

    def rule(self, number: int) -> "Rule":
        """A rule, made of its bytes when it is needed; in a long chain it takes too much room to be kept."""
        rule = self._rules.get(number)
        if rule is None:
            try:
                steps = self.sources[number]()
            except (struct.error, LookupError, ValueError):
                steps = [verdict("unknown", why="a damaged rule")]
            rule = Rule(steps, next((step.only_for for step in steps if step.only_for is not None), None))
            if number < _MOST_RULES_KEPT:
                self._rules[number] = rule
        return rule


class Rule(NamedTuple):
    """A rule, and the ports that it is for when it is not for all."""

    steps: List[Step]
    only_for: Optional[Ranges]

    def is_for(self, regions: List[Region]) -> bool:
        """Whether one of the regions is for such a port."""
        if self.only_for is None:
            return True
        only = self.only_for
        return any(region.port is None or any(first <= region.port <= last for first, last in only) for region in regions)


class Hooked(NamedTuple):
    """A base chain, the family of packets that it sees (4, 6, ``None`` for both) and its hook."""

    family: Optional[int]
    hook: int
    chain: Chain


class Outcome(NamedTuple):
    """Where packets ended; ``returned`` reached the end of the chain."""

    accepted: List[Region]
    dropped: List[Region]
    returned: List[Region]


def untrack(packet: Packet, region: Region) -> Region:
    """A change: connection tracking is told to leave the packet alone."""
    return region if packet.is_tracked else region._replace(state=UNTRACKED)


def verdict(kind: str, chain: Optional[Chain] = None, why: str = "") -> Step:
    """A step that decides the same for every packet."""
    return Step(verdicts=lambda _packet, _region: [(True, Verdict(kind, chain, why))], chains=(chain,) if chain else ())


class Walk:
    """Sends packets through chains, until a moment of ``clock``. Raises ``TooMuch``."""

    def __init__(self, until: float) -> None:
        self._until = until

    def through(self, packet: Packet, chains: Iterable[Chain], regions: List[Region]) -> Outcome:
        """Through base chains, one after the other: what all of them accept is accepted."""
        dropped: List[Region] = []
        for chain in chains:
            packet.is_tracked = chain.priority > _TRACKING
            if chain.devices and packet.interface not in chain.devices:
                continue
            outcome = self._chain(packet, chain, regions, 0)
            dropped += outcome.dropped
            regions = outcome.accepted
            for region in outcome.returned:
                if chain.policy == "drop":
                    dropped.append(region._replace(said="policy of " + chain.where))
                else:
                    regions.append(region)
            regions = _merged(regions)
        return Outcome(regions, _merged(dropped), [])

    def _chain(self, packet: Packet, chain: Chain, regions: List[Region], depth: int) -> Outcome:
        if depth > _DEEPEST:
            raise TooMuch("chains jump deeper than %d" % _DEEPEST)
        outcome = Outcome([], [], [])
        for number in range(len(chain.sources)):
            if not regions:
                break
            if number % _RULES_AT_ONCE == 0 and clock() > self._until:
                raise TooMuch("its rules are too many to be followed in the time there is")
            rule = chain.rule(number)
            if not rule.is_for(regions):
                continue
            going_on: List[Region] = []
            for region in regions:
                going_on += self._rule(packet, chain, rule.steps, region, outcome, depth)
            regions = _merged(going_on) if len(going_on) > 1 else going_on
        outcome.returned.extend(regions)
        return outcome

    def _rule(self, packet: Packet, chain: Chain, steps: List[Step], region: Region, outcome: Outcome, depth: int) -> List[Region]:
        """Return what goes on to the next rule."""
        going_on: List[Region] = []
        current = [region]
        for step in steps:
            following: List[Region] = []
            for part in current:
                if step.change:
                    following.append(step.change(packet, part))
                elif step.test:
                    inside, outside = split(part, step.test(packet, part), chain.where)
                    following += inside
                    going_on += outside
                elif step.verdicts:
                    outside = [part]
                    for answer, decision in step.verdicts(packet, part):
                        inside, outside = _split_all(outside, answer, chain.where)
                        following += self._decide(packet, chain, decision, inside, outcome, depth)
                    going_on += outside
            current = following
            if not current:
                break
        return going_on + current

    def _decide(self, packet: Packet, chain: Chain, decision: Verdict, regions: List[Region], outcome: Outcome, depth: int) -> List[Region]:
        """Return what goes on."""
        if not regions or decision.kind == "continue":
            return regions
        said = [region._replace(said=chain.where) for region in regions]
        if decision.kind == "accept":
            outcome.accepted.extend(region._replace(said=_also(region.said, chain.where)) for region in regions)
        elif decision.kind == "drop":
            outcome.dropped.extend(said)
        elif decision.kind == "unknown":
            unsure = [region._replace(doubt=region.doubt or "%s in %s" % (decision.why, chain.where)) for region in said]
            outcome.accepted.extend(unsure)
            outcome.dropped.extend(unsure)
        elif decision.kind == "return":
            outcome.returned.extend(regions)
        elif decision.chain is not None:
            inner = self._chain(packet, decision.chain, regions, depth + 1)
            outcome.accepted.extend(inner.accepted)
            outcome.dropped.extend(inner.dropped)
            if decision.kind == "jump":
                return inner.returned
            outcome.returned.extend(inner.returned)
        return []


class Doors(NamedTuple):
    """What rules that lead packets elsewhere may ask for: whether there are such rules, and ports."""

    is_any: bool
    ports: Tuple[int, ...]


def find_doors(chains: Iterable[Chain], until: float) -> Doors:
    """Look through chains and all that they jump to. Raises ``TooMuch``."""
    waiting = list(chains)
    seen: Set[Chain] = set()
    ports: Set[int] = set()
    is_any = False
    while waiting:
        chain = waiting.pop()
        if chain in seen:
            continue
        seen.add(chain)
        for number in range(len(chain.sources)):
            if clock() > until:
                raise TooMuch("its rules are too many to be followed in the time there is")
            for step in chain.rule(number).steps:
                ports.update(step.ports)
                waiting.extend(step.chains)
                is_any = is_any or step.leads
    return Doors(is_any, tuple(sorted(ports)))


def _also(said: Optional[str], where: str) -> str:
    """All chains that let a packet pass had their say."""
    if not said or where in said.split("; "):
        return said or where
    return "%s; %s" % (said, where)


def _split_all(regions: List[Region], answer: Answer, where: str) -> Tuple[List[Region], List[Region]]:
    inside: List[Region] = []
    outside: List[Region] = []
    for region in regions:
        within, without = split(region, answer, where)
        inside += within
        outside += without
    return inside, outside


def split(region: Region, answer: Answer, where: str = "") -> Tuple[List[Region], List[Region]]:
    """The parts of a region for which a question is answered yes, and no."""
    if answer is True:
        return [region], []
    if answer is False:
        return [], [region]
    if isinstance(answer, Doubt):
        region = region._replace(doubt=region.doubt or "%s in %s" % (answer.why, where))
        return [region], [region]
    if isinstance(answer, Boxes):
        inside, outside = _cut(region, answer.boxes)
        return (outside, inside) if answer.is_negated else (inside, outside)
    return [region], [region]


def _cut(region: Region, boxes: List[Box]) -> Tuple[List[Region], List[Region]]:
    inside: List[Region] = []
    outside = [region]
    for sources, ports in boxes:
        rest: List[Region] = []
        for part in outside:
            common = part.sources if sources is None else both(part.sources, sources)
            common_ports = part.source_ports if ports is None else both(part.source_ports, ports)
            if not common or not common_ports:
                rest.append(part)
                continue
            inside.append(part._replace(sources=common, source_ports=common_ports))
            if sources is not None:
                other = without(part.sources, sources)
                rest += [part._replace(sources=other)] if other else []
            if ports is not None:
                other = without(part.source_ports, ports)
                rest += [part._replace(sources=common, source_ports=other)] if other else []
        outside = rest
        if len(inside) + len(outside) > _MOST_REGIONS:
            raise TooMuch("it has too many rules by source")
    return inside, outside


def left_of(region: Region, others: List[Region]) -> List[Region]:
    """What of a region none of the others has."""
    return _cut(region, [(other.sources, other.source_ports) for other in others])[1]


def _merged(regions: List[Region]) -> List[Region]:
    """Each place once: one that is sure beats the same one in doubt."""
    found: Dict[Region, Region] = {}
    for region in regions:
        key = region._replace(doubt=None, said=None)
        known = found.get(key)
        if known is None or (known.doubt and not region.doubt):
            found[key] = region
    if len(found) > _MOST_REGIONS:
        raise TooMuch("it has too many rules by source")
    return list(found.values())


def ranges(pairs: Iterable[Tuple[int, int]]) -> Ranges:
    """Pairs of first and last, in any order, as ``Ranges``."""
    joined: List[Tuple[int, int]] = []
    for first, last in sorted(pairs):
        if first > last:
            continue
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def both(one: Ranges, other: Ranges) -> Ranges:
    """What two have in common."""
    small, large = (one, other) if len(one) <= len(other) else (other, one)
    return _kept(_both, small, large)


def without(one: Ranges, other: Ranges) -> Ranges:
    """What only the first has."""
    return _kept(_without, one, other)


_KEPT: Dict[Tuple[Any, int, int], Tuple[Ranges, Ranges, Ranges]] = {}


def _kept(call: Callable[[Ranges, Ranges], Ranges], one: Ranges, other: Ranges) -> Ranges:
    if len(one) < _LARGE and len(other) < _LARGE:
        return call(one, other)
    # The operands are kept with the result: while they are, nothing else has their place in memory.
    key = (call, id(one), id(other))
    if key not in _KEPT:
        if len(_KEPT) >= _MOST_KEPT:
            _KEPT.clear()
        _KEPT[key] = (one, other, call(one, other))
    return _KEPT[key][2]


def _touched(one: Tuple[int, int], other: Ranges) -> Tuple[int, int]:
    """The part of ``other``, from and up to, whose ranges have something of one range."""
    begin = max(0, bisect_left(other, (one[0], 0)) - 1)
    if begin < len(other) and other[begin][1] < one[0]:
        begin += 1
    return begin, bisect_left(other, (one[1] + 1, 0))


def _both(small: Ranges, large: Ranges) -> Ranges:
    common: List[Tuple[int, int]] = []
    for first, last in small:
        begin, end = _touched((first, last), large)
        part = list(large[begin:end])
        if part:
            part[0] = (max(first, part[0][0]), part[0][1])
            part[-1] = (part[-1][0], min(last, part[-1][1]))
            common += part
    return tuple(common)


def _without(one: Ranges, other: Ranges) -> Ranges:
    if len(other) == 1 and len(one) > 1:
        # Most often a rule takes one network from a long list.
        begin, end = _touched(other[0], one)
        return one[:begin] + _without_each(one[begin:end], other) + one[end:]
    return _without_each(one, other)


def _without_each(one: Ranges, other: Ranges) -> Ranges:
    rest = []
    for first, last in one:
        begin, end = _touched((first, last), other)
        for hole_first, hole_last in other[begin:end]:
            if hole_first > first:
                rest.append((first, hole_first - 1))
            first = hole_last + 1
        if first <= last:
            rest.append((first, last))
    return tuple(rest)
