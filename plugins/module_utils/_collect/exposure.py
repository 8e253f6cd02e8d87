# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether another host can reach a socket: its scope, and what the packet filter of its network namespace does with a first packet."""

import socket
from itertools import islice
from typing import Any, Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Set, Tuple

from .netlink import Address
from .packet_filter import ALL_PORTS, Allowance, Doors, Packet, Ranges, Region, TooMuch, Walk, find_doors, left_of, ranges, without
from .packet_filter_rules import PacketFilter
from .socket_tables import Socket

_PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132, "udplite": 136}
_PING = {"ipv4": 1, "ipv6": 58}
_MAPPED = "::ffff:"
_WILDCARDS = ("0.0.0.0", "::", "::ffff:0.0.0.0")
# Ways in (an interface and an address of ours) that are tried for one listener, and ports that packets may be led from.
_MOST_WAYS = 64
_MOST_DOORS = 500
# No packet from another host has a source in these: this host, loopback, multicast.
_NO_SOURCES: Dict[int, Ranges] = {
    4: ((0, (1 << 24) - 1), (127 << 24, (128 << 24) - 1), (224 << 24, (1 << 32) - 1)),
    6: ((0, 1), (0xFFFF << 32, (0x10000 << 32) - 1), (0xFF << 120, (1 << 128) - 1)),
}


class Surroundings(NamedTuple):
    """What decides of the sockets of a network namespace who reaches them.

    ``addresses`` is ``None`` where they could not be read, ``is_cut_off`` that it has no interface but loopback; into one that ``is_host`` other
    hosts get by themselves. ``interfaces`` are names by number, ``bound`` numbers by inode of a socket, ``forwards`` the families that it routes.
    """

    packet_filter: PacketFilter
    addresses: Optional[List[Address]]
    interfaces: Dict[int, str]
    bound: Dict[int, int]
    is_cut_off: bool
    is_host: bool
    forwards: FrozenSet[int] = frozenset((4, 6))


class _Finding(NamedTuple):
    """What becomes of first packets: whether they get in, and which chain says so."""

    is_in: Optional[bool]
    why: str


_Way = Tuple[Optional[str], Optional[bytes]]


def scope_of(address: Optional[str], interface: Optional[str] = None) -> Optional[str]:
    """``loopback``, ``address`` or ``all`` for an IP address, and the interface that the socket is bound to."""
    if address is None:
        return None
    if address == "::1" or address.startswith(("127.", "::ffff:127.")) or interface == "lo":
        return "loopback"
    return "all" if address in _WILDCARDS and not interface else "address"


class _Led(NamedTuple):
    """A first packet for ``port`` of this host that a rule leads elsewhere: where to says the region."""

    port: int
    packet: Packet
    region: Region


class Exposure:
    """Answers for the sockets of one network namespace. ``host`` has those of the host's own, when this is another one."""

    def __init__(self, surroundings: Surroundings, allowance: Allowance) -> None:
        self._surroundings = surroundings
        self._allowance = allowance
        self._known: Dict[Tuple[Any, ...], _Finding] = {}
        self._led: Dict[Tuple[int, int, int], List[_Led]] = {}
        self._doors: Dict[int, Doors] = {}
        self._others: Dict[int, Ranges] = {}
        self.host: Optional["Exposure"] = None

    def interface_of(self, entry: Socket) -> Optional[str]:
        """The interface that a socket is bound to."""
        index = entry.interface_index or self._surroundings.bound.get(entry.inode)
        return self._surroundings.interfaces.get(index, "#%d" % index) if index else None

    def fields(self, entry: Socket, is_dual_stack: Optional[bool]) -> Dict[str, Any]:
        """``scope``, ``exposed`` and ``exposed_reason`` of a record ``socket``; ``None`` for what is no listener on IP."""
        interface = self.interface_of(entry)
        scope = scope_of(entry.address, interface)
        exposed, reason = self._judge(entry, scope, interface, is_dual_stack)
        return {"scope": scope, "exposed": exposed, "exposed_reason": reason}

    def _judge(self, entry: Socket, scope: Optional[str], interface: Optional[str], is_dual_stack: Optional[bool]) -> Tuple[Optional[bool], Optional[str]]:
        if not entry.is_listener or scope is None:
            return None, None
        if scope == "loopback":
            return False, "listens on loopback only"
        where = "listens on every interface" if scope == "all" else "listens on one address"
        if interface:
            where = "listens on the interface %s" % interface
        packet_filter = self._surroundings.packet_filter
        if self._surroundings.is_cut_off:
            return False, "%s; its network namespace has no interface but loopback" % where
        if packet_filter.is_active:
            finding = self._past_the_filter(entry, interface, is_dual_stack)
        else:
            finding = _Finding(True if packet_filter.is_active is False else None, packet_filter.detail)
        if self._surroundings.is_host:
            return finding.is_in, "%s; %s" % (where, finding.why)
        return self._from_the_host(entry, is_dual_stack, finding, where)

    def _from_the_host(self, entry: Socket, is_dual_stack: Optional[bool], finding: _Finding, where: str) -> Tuple[Optional[bool], str]:
        """Into another network namespace other hosts get by a rule of the host's that leads them there, if not by another way."""
        led = None
        if finding.is_in is not False and self.host is not None:
            led = self._first_led(self.host, _families(entry, is_dual_stack), entry)
        if led is not None:
            is_in = finding.is_in if led.is_in else led.is_in
            return is_in, "%s; %s; %s" % (where, led.why, finding.why)
        if finding.is_in:
            return None, "%s; %s; whether other hosts are led into its network namespace is not known" % (where, finding.why)
        return finding.is_in, "%s; %s" % (where, finding.why)

    def _first_led(self, host: "Exposure", families: List[int], entry: Socket) -> Optional[_Finding]:
        for family in families:
            addresses = {packed for _name, packed in self._ways(family, entry.address or "", None) if packed is not None}
            number = _PROTOCOLS.get(entry.protocol)
            if number is not None and entry.port is not None and addresses:
                found = host.leads_to(family, number, entry.port, addresses)
                if found is not None:
                    return found
        return None

    def leads_to(self, family: int, protocol: int, port: int, addresses: Set[bytes]) -> Optional[_Finding]:
        """Whether packets for some port of this host are led to a port of one of these addresses; ``None`` when none is."""
        packet_filter = self._surroundings.packet_filter
        if not packet_filter.is_active:
            return None
        try:
            with self._allowance as until:
                return self._best_led(Walk(until), until, family, protocol, port, addresses)
        except TooMuch as error:
            return _Finding(None, "whether the packet filter leads others to it is not known: %s" % error)

    def _best_led(self, walk: Walk, until: float, family: int, protocol: int, port: int, addresses: Set[bytes]) -> Optional[_Finding]:
        if family not in self._doors:
            self._doors[family] = find_doors(self._surroundings.packet_filter.before_routing(family), until)
        doors = self._doors[family]
        best: Optional[_Finding] = None
        for door in sorted({*doors.ports[:_MOST_DOORS], port}) if doors.is_any else ():
            for led in self._led_from(walk, family, protocol, door):
                if led.region.port == port and led.region.address in addresses:
                    finding = self._let_on(walk, led)
                    if finding.is_in:
                        return finding
                    best = best or finding
        return best

    def _led_from(self, walk: Walk, family: int, protocol: int, door: int) -> List[_Led]:
        key = (family, protocol, door)
        if key not in self._led:
            found = self._led[key] = []
            chains = self._surroundings.packet_filter.before_routing(family)
            for name, packed in islice(self._ways(family, "0.0.0.0" if family == 4 else "::", None), _MOST_WAYS):
                packet = self._packet(family, protocol, name)
                for region in walk.through(packet, chains, [self._everybody(family, packed, door)]).accepted:
                    if region.is_translated:
                        found.append(_Led(door, packet, region))
        return self._led[key]

    def _let_on(self, walk: Walk, led: _Led) -> _Finding:
        """What the rest of the filter does with what is led elsewhere: to a port of this host, or out by another interface."""
        rules, family = self._surroundings.packet_filter, led.packet.family
        is_ours = led.region.address in {packed for _name, packed in self._ways(family, "0.0.0.0" if family == 4 else "::", None)}
        why = "port %d of this host is led to it (%s)" % (led.port, led.region.said)
        if not is_ours and family not in self._surroundings.forwards:
            return _Finding(False, "%s, but this host does not forward IPv%d" % (why, family))
        led.packet.way_out = b"" if is_ours else self._way_to(family, led.region.address)
        chains = rules.to_this_host(family) if is_ours else rules.to_others(family)
        outcome = walk.through(led.packet, chains, [led.region])
        if not outcome.dropped or any(not region.doubt for region in outcome.accepted):
            return _Finding(True, why)
        if outcome.accepted:
            return _Finding(None, "%s; whether the packet filter lets it in is not known: %s" % (why, outcome.accepted[0].doubt))
        return _Finding(False, "%s, but the packet filter %s" % (why, _kept_out_by(outcome.dropped)))

    def _way_to(self, family: int, address: Optional[bytes]) -> Optional[bytes]:
        """The interface of the network that an address is in; routes by themselves are not read."""
        kind, code, width = ("ipv4", socket.AF_INET, 32) if family == 4 else ("ipv6", socket.AF_INET6, 128)
        for entry in self._surroundings.addresses or []:
            if address is not None and entry.family == kind:
                rest = width - entry.prefix_length
                if int.from_bytes(socket.inet_pton(code, entry.address), "big") >> rest == int.from_bytes(address, "big") >> rest:
                    return entry.interface.encode()
        return None

    def _past_the_filter(self, entry: Socket, interface: Optional[str], is_dual_stack: Optional[bool]) -> _Finding:
        """Over IPv4 and IPv6, where it takes both: what one of them lets in is in."""
        families = _families(entry, is_dual_stack)
        found = {family: self._over(family, entry, interface) for family in families}
        if is_dual_stack is None and families == [4, 6] and found[4].is_in is not False and found[6].is_in is not True:
            found[4] = _Finding(None, "whether it takes IPv4 is not known")
        if len(set(found.values())) == 1:
            return found[families[0]]
        answers = [finding.is_in for finding in found.values()]
        best = True if True in answers else (None if None in answers else False)
        order = sorted(found, key=lambda family: (found[family].is_in is not best, family))
        return _Finding(best, ", ".join("over IPv%d %s" % (family, found[family].why) for family in order))

    def _over(self, family: int, entry: Socket, interface: Optional[str]) -> _Finding:
        number = _PROTOCOLS.get(entry.protocol)
        port = entry.port if number else None
        if number is None:
            # The number of a raw socket is a protocol.
            number = entry.port if entry.protocol == "raw" and entry.port is not None else _PING.get(entry.family, 0)
        key = (family, number, port, entry.address, interface)
        if key not in self._known:
            self._known[key] = self._past_or_led(family, number, port, entry.address or "", interface)
        return self._known[key]

    def _past_or_led(self, family: int, protocol: int, port: Optional[int], address: str, interface: Optional[str]) -> _Finding:
        """What a first packet for the port itself does not get to, one for another port may be led to."""
        finding = self._try_all(family, protocol, port, address, interface)
        if finding.is_in or not self._surroundings.is_host or port is None or interface:
            return finding
        led = self.leads_to(family, protocol, port, {packed for _name, packed in self._ways(family, address, None) if packed is not None})
        return led if led is not None and (led.is_in or (finding.is_in is False and led.is_in is None)) else finding

    def _try_all(self, family: int, protocol: int, port: Optional[int], address: str, interface: Optional[str]) -> _Finding:
        try:
            with self._allowance as until:
                return self._first_open_way(Walk(until), family, protocol, port, address, interface)
        except TooMuch as error:
            return _Finding(None, "whether the packet filter lets it in is not known: %s" % error)

    def _first_open_way(self, walk: Walk, family: int, protocol: int, port: Optional[int], address: str, interface: Optional[str]) -> _Finding:
        """Where all hosts get in ends the search; then comes where some do."""
        findings: List[_Finding] = []
        told: Set[_Way] = set()
        ways = list(self._ways(family, address, interface))
        if not ways:
            return _Finding(False, "no interface but loopback has such an address")
        for name, packed in ways:
            if {(name, packed), (name, None), (None, packed), (None, None)} & told:
                continue
            if len(told) >= _MOST_WAYS:
                findings.append(_Finding(None, "there are more interfaces and addresses than the packet filter was asked for"))
                break
            finding, asked, is_everybody = self._try(walk, family, protocol, port, name, packed)
            told.add((name if "interface" in asked else None, packed if "address" in asked else None))
            if is_everybody:
                return finding
            findings.append(finding)
        for answer in (True, None):
            for finding in findings:
                if finding.is_in is answer:
                    return finding
        return findings[0]

    def _ways(self, family: int, address: str, interface: Optional[str]) -> Iterator[_Way]:
        """Interfaces by which a packet may come in, each with addresses it may be for; those that belong together first."""
        kind, code = ("ipv4", socket.AF_INET) if family == 4 else ("ipv6", socket.AF_INET6)
        if address.startswith(_MAPPED):
            address = address[len(_MAPPED) :]
        everything = self._surroundings.addresses
        wanted = None if address in _WILDCARDS else socket.inet_pton(code, address)
        if everything is None:
            yield interface, wanted
            return
        ours = [(entry.interface, socket.inet_pton(code, entry.address), entry.scope) for entry in everything if entry.family == kind and entry.scope != "host"]
        names = [interface] if interface else list(dict.fromkeys(entry.interface for entry in everything if entry.interface != "lo"))
        if wanted is not None:
            own = [name for name, packed, _scope in ours if packed == wanted and name in names]
            is_link = any(scope == "link" for _name, packed, scope in ours if packed == wanted)
            for name in own + ([] if is_link else [name for name in names if name not in own]):
                yield name, wanted
            return
        for name, packed, _scope in ours:
            if name in names:
                yield name, packed
        for name in names:
            for other, packed, scope in ours:
                if other != name and scope != "link":
                    yield name, packed

    def _try(
        self, walk: Walk, family: int, protocol: int, port: Optional[int], name: Optional[str], packed: Optional[bytes]
    ) -> Tuple[_Finding, Set[str], bool]:
        """One way in: what becomes of it, what the rules asked of the way, and whether all other hosts get in."""
        packet = self._packet(family, protocol, name)
        everybody = self._everybody(family, packed, port)
        rules = self._surroundings.packet_filter
        first = walk.through(packet, rules.before_routing(family), [everybody])
        led_away = [
            region._replace(said="leads it elsewhere: %s" % (region.said or "").rpartition("; ")[2])
            for region in first.accepted
            if (region.address, region.port) != (packed, port)
        ]
        here = [region for region in first.accepted if (region.address, region.port) == (packed, port)]
        then = walk.through(packet, rules.to_this_host(family), here)
        kept_out = first.dropped + led_away + then.dropped
        let_in = [region for region in then.accepted if not region.doubt] + left_of(everybody, kept_out)
        if rules.has_bridge and let_in:
            return _Finding(None, "whether the packet filter lets it in is not known: rules of the family bridge were not followed"), packet.asked, False
        if let_in:
            said = next((region.said for region in then.accepted if region.said), "no rule keeps it out")
            is_everybody = not left_of(everybody, let_in)
            whom = "" if is_everybody else _from(family, let_in, everybody, self._no_sources(family))
            return _Finding(True, "the packet filter lets it in%s (%s)" % (whom, said)), packet.asked, is_everybody
        if then.accepted:
            doubts = [region.doubt for region in then.accepted if region.doubt]
            return _Finding(None, "whether the packet filter lets it in is not known: %s" % doubts[0]), packet.asked, False
        return _Finding(False, "the packet filter %s" % _kept_out_by(kept_out)), packet.asked, False

    def _packet(self, family: int, protocol: int, name: Optional[str]) -> Packet:
        index = next((number for number, other in self._surroundings.interfaces.items() if other == name), None)
        return Packet(family, protocol, None if name is None else name.encode(), index)

    def _everybody(self, family: int, packed: Optional[bytes], port: Optional[int]) -> Region:
        """First packets of all other hosts, for one address and port."""
        if family not in self._others:
            self._others[family] = without(((0, (1 << (32 if family == 4 else 128)) - 1),), self._no_sources(family))
        return Region(self._others[family], ALL_PORTS, packed, port)

    def _no_sources(self, family: int) -> Ranges:
        """Nor is one of our own addresses a source of theirs."""
        code = socket.AF_INET if family == 4 else socket.AF_INET6
        kind = "ipv4" if family == 4 else "ipv6"
        own = [int.from_bytes(socket.inet_pton(code, entry.address), "big") for entry in self._surroundings.addresses or [] if entry.family == kind]
        return ranges(list(_NO_SOURCES[family]) + [(address, address) for address in own])


def _families(entry: Socket, is_dual_stack: Optional[bool]) -> List[int]:
    if entry.family == "ipv4" or (entry.address or "").startswith(_MAPPED):
        return [4]
    return [6] if is_dual_stack is False else [4, 6]


def _kept_out_by(regions: List[Region]) -> str:
    """Who decides: most often it is one chain."""
    said = list(dict.fromkeys(region.said or "" for region in regions))
    if said and said[-1].startswith("leads"):
        return said[-1]
    return "drops it (%s)" % ", ".join(said[-2:])


def _from(family: int, let_in: List[Region], everybody: Region, never: Ranges) -> str:
    """Whom it lets in, in words."""
    sources = let_in[0].sources if len(let_in) == 1 else ranges(pair for region in let_in for pair in region.sources)
    if any(region.source_ports != ALL_PORTS for region in let_in) and sources == everybody.sources:
        return " from some source ports only"
    share = sum(last - first + 1 for first, last in sources) / sum(last - first + 1 for first, last in everybody.sources)
    if share > 0.5:
        return " from all but some hosts"
    # Our own addresses make no holes in what is shown.
    networks = [network for pair in ranges(list(sources) + list(never)) for network in _networks(pair, 32 if family == 4 else 128)]
    networks = [(first, bits) for first, bits in networks if any(low <= first + (1 << bits) - 1 and first <= high for low, high in sources)]
    if len(networks) > 3:
        return " from some hosts only"
    code, width = (socket.AF_INET, 4) if family == 4 else (socket.AF_INET6, 16)
    shown = ["%s/%d" % (socket.inet_ntop(code, first.to_bytes(width, "big")), width * 8 - bits) for first, bits in networks]
    return " from %s only" % ", ".join(shown)


def _networks(pair: Tuple[int, int], width: int) -> Iterator[Tuple[int, int]]:
    """A range as networks: first address and number of free bits."""
    first, last = pair
    while first <= last:
        bits = min((first & -first).bit_length() - 1 if first else width, (last - first + 1).bit_length() - 1)
        yield first, bits
        first += 1 << bits
