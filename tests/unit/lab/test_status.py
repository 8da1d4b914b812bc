"""What `lab status` says of a cluster, from values alone."""

from __future__ import annotations

import datetime
from itertools import combinations
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from quorate.lab.hosts.inventory import HostState
from quorate.lab.status import CERTIFICATE, Observer, Status, missing, read_cluster_id, spare
from quorate.lab.truth import Asked
from quorate.swarm.snapshot import Node, Plan, PlannedPool, PlannedSlot

ZONES = ("use1-az1", "use1-az2", "use1-az4")
PLAN = Plan(
    cluster="quorate-lab",
    survive="zone",
    zones=ZONES,
    slots=tuple(PlannedSlot(f"manager-{zone}-1", zone, f"group-{zone}") for zone in ZONES),
    pools=(PlannedPool("general", "pool"),),
    launch_hook="quorate-launch",
    termination_hook="quorate-termination",
    token_parameter="/quorate-lab/worker-token",
    token_key=None,
)
ASKED = Asked(PLAN, workers=1)


def manager(zone: str, reachability: str = "reachable", leader: bool = False, name: str = "") -> Node:
    return Node(
        id=f"id-{zone}-{name}",
        address="10.20.0.4",
        role="manager",
        availability="drain",
        labels={"quorate.zone": zone},
        reachability=reachability,
        leader=leader,
        hostname=name or f"ip-{zone}",
    )


def worker(state: str = "ready", availability: str = "active") -> Node:
    labels = {"quorate.zone": ZONES[0]}
    return Node(
        id="w", address="10.20.0.9", state=state, availability=availability, labels=labels, hostname="w"
    )


WHOLE = (manager(ZONES[0], leader=True), manager(ZONES[1]), manager(ZONES[2]), worker())


def test_a_cluster_as_it_was_asked_for_lacks_nothing():
    assert missing(ASKED, WHOLE, ["cluster"]) == []


def test_each_thing_that_is_not_as_asked_for_is_named():
    assert missing(None, (), []) == ["nothing is laid out; next: `scripts/lab deploy`"]
    assert missing(ASKED, WHOLE, ["a", "b"]) == ["more than one cluster: a, b"]
    assert missing(ASKED, WHOLE[:2] + WHOLE[3:], ["a"]) == ["use1-az4: 0 of 1 managers reachable"]
    unreachable = (WHOLE[0], WHOLE[1], manager(ZONES[2], "unreachable"), WHOLE[3])
    assert missing(ASKED, unreachable, ["a"]) == [
        "use1-az4: 0 of 1 managers reachable",
        "ip-use1-az4: manager unreachable",
    ]
    astray = (*WHOLE, manager("use1-az6"))
    assert missing(ASKED, astray, ["a"]) == [
        "ip-use1-az6: a manager in zone use1-az6, which the plan does not have"
    ]
    twice = (*WHOLE, manager(ZONES[1], name="second"))
    assert missing(ASKED, twice, ["a"]) == ["use1-az2: 2 of 1 managers reachable"]
    leaderless = (manager(ZONES[0]), *WHOLE[1:])
    assert missing(ASKED, leaderless, ["a"]) == ["no leader"]
    drained = (*WHOLE[:3], worker(availability="drain"))
    assert missing(ASKED, drained, ["a"]) == [
        "0 of 1 workers ready and active, 1 more not ready or not active"
    ]
    ghost = (*WHOLE, worker(state="down"))
    assert missing(ASKED, ghost, ["a"]) == ["1 of 1 workers ready and active, 1 more not ready or not active"]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=4))
def test_what_may_fail_is_what_every_choice_of_it_leaves_a_quorum(zones):
    # given in each zone some reachable managers and some that are not
    reachable = {str(zone): up for zone, (up, _) in enumerate(zones)}
    members = sum(up + down for up, down in zones)
    needed = members // 2 + 1

    found = spare(members, reachable)

    def survives(lost_zones: int) -> bool:
        return all(
            sum(up for zone, up in reachable.items() if zone not in lost) >= needed
            for lost in combinations(reachable, lost_zones)
        )

    total = sum(reachable.values())
    if members == 0 or total < needed:
        assert found == {"nodes": 0, "zones": 0}
    else:
        assert found["nodes"] == max(n for n in range(total + 1) if total - n >= needed)
        assert found["zones"] == max(n for n in range(len(reachable) + 1) if survives(n))


def test_the_document_has_the_promised_keys():
    status = Status(ASKED, (), WHOLE, ("cluster",), ())

    document = status.to_json()

    assert document == {
        "schema": 1,
        "healthy": True,
        "cluster_id": "cluster",
        "leader": "ip-use1-az1",
        "managers": [{"node": f"ip-{zone}", "zone": zone, "reachability": "reachable"} for zone in ZONES],
        "workers": [{"node": "w", "zone": "use1-az1", "state": "ready"}],
        "spread": {"use1-az1": 1, "use1-az2": 1, "use1-az4": 1},
        "tolerates": {"nodes": 1, "zones": 1},
    }


def test_a_cluster_id_is_read_from_a_node_s_certificate(tmp_path):
    _certificate(tmp_path / CERTIFICATE, organization="opter6s7aja5m3qclz5q7qw1d")

    assert read_cluster_id(tmp_path) == "opter6s7aja5m3qclz5q7qw1d"
    assert read_cluster_id(tmp_path / "elsewhere") is None


def test_without_an_engine_that_answers_the_look_says_so_and_why_a_boot_failed(tmp_path):
    failed = HostState(
        "ip-a", "manager", "az", "10.0.0.1", None, "i-1", "failed", reason="user-data: malformed"
    )

    status = Observer(tmp_path).look([failed], ASKED)

    assert not status.healthy
    assert status.leader is None and status.cluster_id is None
    assert status.trouble[:2] == (
        "ip-a: join failed: user-data: malformed",
        "no manager's engine answers yet",
    )


def _certificate(path: Path, organization: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "swarm-worker"),
        ]
    )
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path.parent.mkdir(parents=True)
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
