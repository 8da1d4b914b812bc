"""The life of one cluster: three managers, then five, its pools changed, and at last nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from quorate.lab.lab import Lab

from .conftest import Witness, eventually, folder

THREE = {"quorate:managers": "3"}


def pools(*given: dict[str, object]) -> dict[str, str]:
    whole = [{"instanceTypes": ["t3.small"], **pool} for pool in given]
    return {"quorate:managers": "5", "quorate:workers": json.dumps(whole)}


@pytest.fixture(scope="module")
def life() -> Iterator[Witness]:
    with folder() as directory:
        lab = Lab(directory)
        lab.up(THREE)
        yield Witness(lab)


def changed(life: Witness, config: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (change.action, change.type.split(":")[-1])
        for change in life.lab.preview(config)
        if change.custom and change.action != "same"
    ]


def test_three_managers_become_five_and_the_three_stay(life: Witness):
    before = {node["ID"] for node in life.managers()}
    cluster = life.cluster_ids()
    life.lab.up({"quorate:managers": "5"})
    assert life.zones() == {"use1-az1": 2, "use1-az2": 2, "use1-az4": 1}
    assert before < {node["ID"] for node in life.managers()}
    assert life.cluster_ids() == cluster
    assert changed(life, {"quorate:managers": "5"}) == []


def test_a_pools_bounds_change_its_group_and_no_instance(life: Witness):
    before = {instance["InstanceId"] for instance in life.instances()}
    wider = pools(
        {"name": "general", "min": 2, "max": 8, "desired": 3, "instanceTypes": ["t3.small", "t3a.small"]}
    )
    assert changed(life, wider) == [("update", "Group")]
    life.lab.up(wider)
    group = life.groups()["quorate-lab-worker-general"]
    assert (group["MinSize"], group["MaxSize"], group["DesiredCapacity"]) == (2, 8, 3)
    assert {instance["InstanceId"] for instance in life.instances()} == before
    assert changed(life, wider) == []


def test_a_new_pools_workers_join_with_its_labels(life: Witness):
    two = pools(
        {"name": "general", "min": 2, "max": 8, "desired": 3, "instanceTypes": ["t3.small", "t3a.small"]},
        {
            "name": "batch",
            "min": 0,
            "max": 4,
            "desired": 2,
            "spot": True,
            "labels": {"interruptible": "true"},
        },
    )
    life.lab.up(two)
    batch = [node for node in life.nodes() if node["Spec"]["Labels"].get("quorate.pool") == "batch"]
    assert len(batch) == 2
    for node in batch:
        assert node["Spec"]["Role"] == "worker"
        assert node["Spec"]["Availability"] == "active"
        assert node["Spec"]["Labels"]["interruptible"] == "true"
    assert changed(life, two) == []


@contextmanager
def members_seen(life: Witness, engine: str) -> Iterator[list[list[str]]]:
    """What the engine lists as its managers' reachability, look after look, until the end of the block."""
    looks: list[list[str]] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.05):
            said = life.docker(engine, "node", "ls", "--format", "{{.ManagerStatus}}", check=False)
            if said.strip():
                looks.append(said.split())

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        try:
            yield looks
        finally:
            done.set()
            looking.result()


def test_five_managers_become_three_which_leave_one_at_a_time_and_keep_the_quorum(life: Witness):
    three = pools({"name": "general", "min": 2, "max": 8, "desired": 3}) | THREE
    stays = {"manager-use1-az1-1", "manager-use1-az2-1", "manager-use1-az4-1"}
    kept = [n for n in life.managers() if n["Spec"]["Labels"]["quorate.slot"] in stays]
    engine = next(h.docker_host for h in life.lab.hosts() if h.address == kept[0]["Status"]["Addr"])
    assert engine is not None
    with members_seen(life, engine) as looks:
        life.lab.up(three)
    assert len(looks) > 20
    for members in looks:
        assert sum(each in ("Leader", "Reachable") for each in members) > len(members) // 2, members
    sizes = [len(members) for members in looks]
    assert set(sizes) == {5, 4, 3}
    assert sizes == sorted(sizes, reverse=True)
    assert {node["ID"] for node in life.managers()} == {node["ID"] for node in kept}
    assert life.zones() == {"use1-az1": 1, "use1-az2": 1, "use1-az4": 1}
    assert changed(life, three) == []


def test_destroy_leaves_nothing_on_aws(life: Witness):
    life.lab.destroy()
    life.lab.destroy()  # of what is empty: it ends as well
    ec2, iam, kms = life.aws("ec2"), life.aws("iam"), life.aws("kms")
    own = [{"Name": "tag:quorate:cluster", "Values": ["quorate-lab"]}]
    assert life.groups() == {}
    assert life.instances() == []
    assert ec2.describe_launch_templates()["LaunchTemplates"] == []
    assert ec2.describe_vpcs(Filters=own)["Vpcs"] == []
    assert ec2.describe_subnets(Filters=own)["Subnets"] == []
    assert ec2.describe_route_tables(Filters=own)["RouteTables"] == []
    assert ec2.describe_internet_gateways(Filters=own)["InternetGateways"] == []
    assert ec2.describe_addresses()["Addresses"] == []
    assert all(g["State"] == "deleted" for g in ec2.describe_nat_gateways()["NatGateways"])
    assert all(e["State"] == "deleted" for e in ec2.describe_vpc_endpoints()["VpcEndpoints"])
    assert ec2.describe_security_groups(Filters=own)["SecurityGroups"] == []
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    assert [r for r in iam.list_roles()["Roles"] if r["RoleName"].startswith("quorate-")] == []
    assert iam.list_instance_profiles()["InstanceProfiles"] == []
    assert life.aws("dynamodb").list_tables()["TableNames"] == []
    assert life.aws("ssm").describe_parameters()["Parameters"] == []
    assert [a for a in kms.list_aliases()["Aliases"] if "quorate" in a["AliasName"]] == []
    states = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
    assert all(key["KeyState"] == "PendingDeletion" for key in states if key["KeyManager"] == "CUSTOMER")
    eventually(lambda: life.lab.hosts() == ())
