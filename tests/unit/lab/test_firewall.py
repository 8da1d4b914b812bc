"""Security groups as filters, from values alone: what is let through, reached, read, and said of a denial."""

from __future__ import annotations

import struct
from dataclasses import replace

from quorate.lab.firewall.denied import Journal, explain
from quorate.lab.firewall.packets import Packet, read
from quorate.lab.firewall.render import Port, Services, render
from quorate.lab.firewall.rules import Firewall, Group, Rule

SWARM = ("tcp", (2377, 2377))
MANAGER = Port("a", "ip-10-0-0-4", "10.0.0.4", "h-a", "s-1", "az1", ("nodes", "managers"))
WORKER = Port("b", "ip-10-0-1-4", "10.0.1.4", "h-b", "s-2", "az2", ("nodes",))
SERVICES = Services(aws=4615, registry=5000)
AWS = {"169.254.171.1": "AWS"}


def firewall(ingress: tuple[Rule, ...] = (), egress: tuple[Rule, ...] = (), **more: object) -> Firewall:
    groups = {
        "nodes": Group("nodes", "c-nodes", egress=egress),
        "managers": Group("managers", "c-managers", ingress=ingress),
        "endpoints": Group("endpoints", "c-endpoints", ingress=(Rule("tcp", (443, 443), group="nodes"),)),
    }
    return Firewall(groups, frozenset({"endpoints"}), **more)  # type: ignore[arg-type]


def chains(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("-A "):
            _, chain, rule = line.split(" ", 2)
            found.setdefault(chain, []).append(rule)
    return found


def test_without_any_rule_every_host_is_closed_in_both_directions():
    found = chains(render([MANAGER, WORKER], firewall(), (), SERVICES))
    for chain in ("e-a", "e-b", "i-a", "i-b"):
        assert [rule.split()[1] for rule in found[chain]] == ["NFLOG", "DROP"]
    assert found["FORWARD"] == ["-j HOSTS"]
    assert found["HOSTS"][-1] == "-j DROP"


def test_a_rule_between_groups_opens_its_port_for_the_members_of_each():
    wall = firewall(ingress=(Rule(*SWARM, group="nodes"),), egress=(Rule(*SWARM, group="managers"),))
    found = chains(render([MANAGER, WORKER], wall, (), SERVICES))
    assert found["e-b"][0] == "-p tcp --dport 2377:2377 -j to-managers"
    assert found["to-managers"] == ["-d 10.0.0.4 -g INGRESS"]
    assert found["i-a"][0] == "-p tcp --dport 2377:2377 -j from-nodes"
    assert found["from-nodes"] == ["-s 10.0.0.4 -j ACCEPT", "-s 10.0.1.4 -j ACCEPT"]
    assert len(found["i-b"]) == 2, "no rule lets anything into a worker"


def test_a_cut_zone_keeps_its_inside_and_loses_its_border():
    found = chains(render([MANAGER, WORKER], firewall(), ("az1",), SERVICES))
    assert found["CUT"] == ["-i s-1 -o s-1 -j RETURN", "-i s-1 -j DROP", "-o s-1 -j DROP"]
    assert found["HOSTS"][0] == found["OUTPUT"][0] == "-j CUT"


def test_aws_is_reached_by_https_to_anywhere_to_a_list_or_to_an_endpoint_that_lets_it_in():
    https = ("tcp", (443, 443))
    for rule in (
        Rule(*https, cidr="0.0.0.0/0"),
        Rule("-1", None, cidr="0.0.0.0/0"),
        Rule(*https, prefix_list="pl-1"),
        Rule(*https, group="endpoints"),
    ):
        assert firewall(egress=(rule,)).reaches_aws(["nodes"]), rule
    for rule in (
        Rule("tcp", (80, 80), cidr="0.0.0.0/0"),
        Rule("udp", (443, 443), cidr="0.0.0.0/0"),
        Rule(*https, cidr="10.0.0.0/8"),
        Rule(*https, group="managers"),
    ):
        assert not firewall(egress=(rule,)).reaches_aws(["nodes"]), rule
    assert not firewall(egress=(Rule(*https, group="endpoints"),)).reaches_aws(["managers"])


def test_a_denial_names_the_side_the_groups_and_the_port():
    ports = {port.address: port for port in (MANAGER, WORKER)}
    packet = Packet("in", "10.0.1.4", "10.0.0.4", "tcp", 2377)
    said = (
        "tcp 2377 from ip-10-0-1-4 to ip-10-0-0-4: no ingress rule of c-managers or c-nodes lets tcp 2377 in "
        "from c-nodes"
    )
    for groups in (("nodes", "managers"), ("managers", "nodes")):  # EC2 lists them in any order
        ports[MANAGER.address] = replace(MANAGER, groups=groups)
        assert explain(packet, ports, AWS, firewall()) == said
    out = Packet("out", "10.0.1.4", "10.0.0.4", "esp", None)
    assert "no egress rule of c-nodes lets esp out" in str(explain(out, ports, AWS, firewall()))
    to_aws = Packet("out", "10.0.1.4", "169.254.171.1", "tcp", 4615)
    assert "lets tcp 443 out" in str(explain(to_aws, ports, AWS, firewall()))
    gone = Packet("out", "10.0.1.4", "10.0.0.99", "tcp", 2377)
    assert explain(gone, ports, AWS, firewall()) is None, "nobody is there any more: no rule is missing"
    spoofed = Packet("spoofed", "10.0.0.4", "10.0.0.5", "tcp", 2377)
    assert "not its sender's own address" in str(explain(spoofed, ports, AWS, firewall()))


def test_the_same_denial_again_is_counted_and_is_no_news():
    journal = Journal()
    assert journal.add("x")
    assert not journal.add("x")
    assert [(denial.text, denial.count, denial.recent) for denial in journal.all()] == [("x", 2, True)]


def report(prefix: bytes, payload: bytes) -> bytes:
    def attribute(kind: int, value: bytes) -> bytes:
        return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)

    body = bytes(4) + attribute(10, prefix + b"\0") + attribute(9, payload)
    return struct.pack("=IHHII", 16 + len(body), 0x400, 0, 0, 0) + body


def test_reports_of_the_kernel_are_read_and_what_is_no_ipv4_packet_is_left_out():
    ip = bytes([0x45, 0, 0, 40]) + bytes(5) + bytes([17]) + bytes(2) + bytes([10, 0, 0, 4, 10, 0, 1, 4])
    udp = struct.pack(">HHHH", 40000, 7946, 8, 0)
    message = report(b"out", ip + udp) + report(b"in", b"\x60" + bytes(39)) + report(b"in", b"")
    assert list(read(message)) == [Packet("out", "10.0.0.4", "10.0.1.4", "udp", 7946)]
    assert list(read(message[:30])) == []
