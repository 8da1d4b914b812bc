"""Zones that are cut off and go on running: one side leads, and what is done is done once."""

from __future__ import annotations

from .conftest import PATIENCE, ZONES, Outsider, eventually


def test_the_leaders_zone_cut_off_loses_the_lead_and_a_worker_lost_meanwhile_is_replaced_once(
    five: Outsider,
):
    clusters = five.cluster_ids()
    old = eventually(five.led)
    cut = five.zone_of(old)
    five.lab.switches.zone_cut(cut)
    new = eventually(lambda: five.led(cut), PATIENCE)
    assert new != old

    pool = "quorate-lab-worker-general"
    before = {instance["InstanceId"] for instance in five.groups()[pool]["Instances"]}
    victim = next(h for h in five.lab.hosts() if h.role == "worker" and h.zone != cut)
    five.aws("ec2").terminate_instances(InstanceIds=[victim.instance_id])

    def replaced() -> set[str]:
        listed = five.groups()[pool]["Instances"]
        serving = {i["InstanceId"] for i in listed if i["LifecycleState"] == "InService"}
        return serving if len(serving) == 3 and victim.instance_id not in serving else set()

    after = eventually(replaced, PATIENCE)
    eventually(lambda: five.leaderless(*(zone for zone in ZONES if zone != cut)), PATIENCE)

    five.lab.switches.zone_up(cut)
    five.becomes_whole()
    assert five.cluster_ids() == clusters
    assert len(five.nodes()) == 8, "a ghost of the lost worker, or a worker too many"
    assert len(after - before) == 1
    assert replaced() == after
    labels = [node["Spec"]["Labels"]["quorate.instance"] for node in five.nodes()]
    assert len(set(labels)) == 8
    eventually(lambda: five.lab.status().healthy)


def test_a_zone_cut_off_that_does_not_lead_changes_nothing_and_joins_again(five: Outsider):
    before = five.shape()
    leader = eventually(five.led)
    cut = next(zone for zone in ZONES if zone != five.zone_of(leader))
    inside = [host for host in five.lab.hosts() if host.zone == cut]
    five.lab.switches.zone_cut(cut)
    eventually(lambda: five.leaderless(*(zone for zone in ZONES if zone != cut)), PATIENCE)
    assert five.led(cut) == leader
    assert {host.state for host in five.lab.hosts() if host.zone == cut} == {"cut off"}

    def reaches(address: str, port: int) -> bool:
        words = f"timeout 3 bash -c '</dev/tcp/{address}/{port}'"
        return five.lab.exec(inside[0].name, ["sh", "-c", words]).returncode == 0

    assert reaches(inside[1].address, 7946), "inside of the zone everything goes on"
    assert not reaches(leader, 2377)
    assert not reaches("169.254.171.1", 4615), "AWS is behind the cut"

    five.lab.switches.zone_up(cut)
    five.becomes_whole()
    assert five.shape() == before
