"""VMs from the built disk, their own kernel and units, join by themselves; nothing is installed at boot."""

from __future__ import annotations

import http.server
import re
import tarfile
import threading
import urllib.request
from functools import partial
from pathlib import Path

import pytest

from quorate.lab.hosts.fabric import AWS_ADDRESS, REGISTRY_ADDRESS
from quorate.lab.hosts.namespaces import inside
from quorate.lab.vms.console import Console
from quorate.lab.vms.fleet import AWS_PORT, Vm
from quorate.lab.vms.traffic import Flow, strangers

from .conftest import Site, nodes, wait_for, whole

PORT = 8080
MEANT = {("tcp", "127.0.0.1:22"), ("tcp", "127.0.0.1:9323")}
"""What may listen on loopback; beside it only Swarm's own ports, and DHCP's answer."""
SWARM = {("tcp", 2377), ("tcp", 7946), ("udp", 7946), ("udp", 4789)}
DHCP = ("udp", 68)


def leader(site: Site) -> Vm:
    rows = whole(site.managers()[0])
    (address,) = [row["address"] for row in rows.values() if row["leader"] == "true"]
    return at(site, address)


def settled(shell: Console) -> bool:
    return shell.attempt("systemctl is-active quorate-steward")[0] == 0


def at(site: Site, address: str) -> Vm:
    return next(vm for vm in site.managers() if vm.plug.address == address)


def test_three_managers_form_one_swarm_by_themselves(swarm: Site) -> None:
    cluster = swarm.claim()["cluster_id"]["S"]
    for vm in swarm.managers():
        rows = whole(vm)
        assert sum(row["leader"] == "true" for row in rows.values()) == 1
        said = vm.machine.console.run("docker info --format '{{.Swarm.Cluster.ID}}'").strip()
        assert said == cluster
        assert vm.machine.console.run("hostname").strip() == "ip-" + vm.plug.address.replace(".", "-")
    assert len({vm.view.zone_id for vm in swarm.managers()}) == 3


def test_every_unit_of_a_node_is_well(swarm: Site) -> None:
    for vm in swarm.managers():
        shell = vm.machine.console
        wait_for(partial(settled, shell), "a steward", 120)
        assert shell.run("systemctl is-active quorate-join").strip() == "active"
        assert shell.run("systemctl list-units --failed --plain --no-legend").strip() == ""


def test_nothing_listens_but_what_is_meant(swarm: Site) -> None:
    for vm in swarm.managers():
        for line in vm.machine.console.run("ss -Hlntu").splitlines():
            protocol, _, _, _, local = line.split()[:5]
            address, _, port = local.rpartition(":")
            loopback = address.startswith(("127.", "[::1]"))
            known = (protocol, local) in MEANT if loopback else (protocol, int(port)) in SWARM | {DHCP}
            assert known, line


def test_nothing_is_fetched_at_boot(swarm: Site) -> None:
    addresses = {cable.address for cable in swarm.first}
    assert len(addresses) == 3
    for cable in swarm.first:
        # given that every frame was counted, AWS's answers among them
        assert cable.missed == 0
        assert cable.flows[Flow(AWS_ADDRESS, "tcp", AWS_PORT)] > 0
        # then there was no other traffic but the swarm's own
        assert strangers(cable.flows, addresses) == {}


def test_nothing_works_on_packages_at_boot(swarm: Site) -> None:
    for vm in swarm.managers():
        shell = vm.machine.console
        assert shell.attempt("journalctl -b --no-pager | grep -E 'apt-get|dpkg|pip '")[0] == 1
        assert shell.run("cat /var/lib/apt/lists/* 2>/dev/null | wc -c").strip() == "0"


def test_a_single_question_to_anybody_else_would_have_been_counted(swarm: Site) -> None:
    vm = swarm.managers()[0]
    vm.machine.console.attempt("timeout 5 bash -c 'echo >/dev/tcp/192.0.2.1/443'")
    addresses = {other.plug.address for other in swarm.managers()}
    assert strangers(vm.traffic.flows(), addresses)[Flow("192.0.2.1", "tcp", 443)] > 0


def test_every_unit_of_ours_is_confined(swarm: Site) -> None:
    shell = swarm.managers()[0].machine.console
    units = shell.run("cd /usr/lib/systemd/system && ls quorate-*.service").split()
    assert len(units) == 5
    for unit in units:
        said = shell.run(f"systemd-analyze security --no-pager {unit} | tail -n 1")
        found = re.search(r"([0-9.]+) (OK|SAFE)", said)
        assert found and float(found[1]) <= 2.0, said


def test_the_disk_guard_removes_unused_images_and_nothing_else_once_the_disk_is_filling_up(
    swarm: Site, image: str
) -> None:
    # given an old image that nothing uses, one that a container uses, and a volume
    shell = swarm.managers()[0].machine.console
    shell.run("docker volume create kept", 300)
    shell.run(f"docker run -d --name user {image} sleep 100000", 300)
    shell.run("printf 'FROM scratch\\nLABEL a=b\\n' | docker build -q -t old:lab -", 300)
    guard = "sed 's/168h/0s/' /usr/lib/quorate/disk-guard >/run/guard"
    shell.run(guard)
    own = "/run/systemd/system/quorate-disk-guard.service.d"
    lines = "ExecStart=\\nExecStart=/bin/sh /run/guard"
    shell.run(f"mkdir -p {own} && printf '[Service]\\n{lines}\\n' >{own}/test.conf")
    shell.run("systemctl daemon-reload")
    # when there is room, then everything stays
    shell.run("systemctl start quorate-disk-guard", 300)
    assert "old:lab" in shell.run("docker images --format '{{.Repository}}:{{.Tag}}'")
    # when there is little left, then only what nobody uses goes
    free = int(shell.run("df --output=avail -B1 /var/lib/docker | tail -n 1"))
    shell.run(f"fallocate -l {int(free * 0.9)} /var/filling")
    try:
        shell.run("systemctl start quorate-disk-guard", 300)
        left = shell.run("docker images --format '{{.Repository}}:{{.Tag}}'").split()
        assert image in left and "old:lab" not in left
        assert shell.run("docker ps -q --filter name=user").strip()
        assert shell.run("docker volume ls -q").split() == ["kept"]
    finally:
        shell.run("rm -f /var/filling; docker rm -f user; docker volume rm kept", 300)


def test_a_container_cannot_ask_the_metadata_service_unless_it_has_the_hosts_network(
    swarm: Site, image: str
) -> None:
    shell = swarm.managers()[0].machine.console
    ask = "nc -w 5 169.254.169.254 80"
    request = "printf 'GET /latest/meta-data/ HTTP/1.0\\r\\n\\r\\n'"
    bridged = shell.attempt(f'docker run --rm {image} sh -c "{request} | {ask}"')
    assert "HTTP/" not in bridged[1]
    hosted = shell.run(f'docker run --rm --network host {image} sh -c "{request} | {ask}"')
    assert "401" in hosted


def test_a_published_port_answers_on_every_node_and_a_virtual_ip_balances(swarm: Site, image: str) -> None:
    # given a service of two tasks, each saying its own name, on three nodes
    shell = leader(swarm).machine.console
    serve = f"mkdir /www; hostname >/www/index.html; exec httpd -f -p {PORT} -h /www"
    shell.run("docker network create -d overlay --attachable mesh")
    shell.run(
        f"docker service create -d --name web --network mesh --replicas 2 --no-resolve-image "
        f"-p {PORT}:{PORT} {image} sh -c '{serve}'"
    )
    running = "docker service ps web --filter desired-state=running --format '{{.CurrentState}}'"
    wait_for(lambda: shell.run(running).count("Running") == 2, "two tasks")

    # then each node answers, its own tasks or not, and behind the port are both
    for vm in swarm.managers():
        url = f"http://{vm.plug.address}:{PORT}/"
        heard: set[str] = set()
        wait_for(partial(both_heard, swarm, url, heard), f"both tasks behind {url}")

    # and inside the network one address stands for both tasks
    ask = (
        f"for i in 1 2 3 4 5 6; do printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 9 web {PORT} | tail -n 1; done"
    )
    said = shell.run(f'docker run --rm --network mesh {image} sh -c "nslookup web | tail -n 3; {ask}"', 300)
    assert len(set(re.findall(r"^[0-9a-f]{12}$", said, re.MULTILINE))) == 2, said
    mode = shell.run("docker service inspect web --format '{{.Endpoint.Spec.Mode}}'")
    assert mode.strip() == "vip"
    shell.run("docker service rm web")


def test_a_node_that_boots_again_comes_back_as_itself(swarm: Site) -> None:
    # given a manager that does not lead
    before = whole(swarm.managers()[0])
    (address, *_) = [row["address"] for row in before.values() if row["leader"] != "true"]
    vm = at(swarm, address)
    # when its power is cut and comes back
    swarm.fleet.reboot(vm)
    # then it is the same member
    other = next(one for one in swarm.managers() if one is not vm)
    wait_for(
        lambda: nodes(other).get(address, {}).get("reachability") != "reachable", "the others notice", 300
    )
    after = wait_for(lambda: whole(other), "all three again")
    assert after[address]["id"] == before[address]["id"]
    assert {row["id"] for row in after.values()} == {row["id"] for row in before.values()}


def test_a_new_vm_in_a_dead_ones_slot_replaces_it(swarm: Site) -> None:
    # given a manager that does not lead, and its slot
    before = whole(swarm.managers()[0])
    (address, *_) = [row["address"] for row in before.values() if row["leader"] != "true"]
    vm = at(swarm, address)
    others = [one for one in swarm.managers() if one is not vm]
    # when its instance ends, as by a failed machine
    vm.machine.power_off()
    swarm.client("autoscaling").set_instance_health(
        InstanceId=vm.view.id, HealthStatus="Unhealthy", ShouldRespectGracePeriod=False
    )
    # then another instance of the same slot is a member, and the dead one is none
    after = wait_for(
        lambda: (
            (rows := whole(others[0]))
            and before[address]["id"] not in {r["id"] for r in rows.values()}
            and rows
        ),
        "the replacement",
    )
    new = next(one for one in swarm.managers() if one.view.id not in {o.view.id for o in others})
    assert new.view.group == vm.view.group
    assert new.plug.address in after


def test_a_node_that_finds_another_cluster_leaves_it_and_says_so(swarm: Site) -> None:
    # given a table that names another cluster than the one that answers at its addresses
    table = swarm.client("dynamodb")
    before = whole(swarm.managers()[0])
    (address, *_) = [row["address"] for row in before.values() if row["leader"] != "true"]
    vm = at(swarm, address)
    others = [one for one in swarm.managers() if one is not vm]
    claim = swarm.claim()
    another = {"S": "another0cluster0than0this"}
    staying = {"L": [{"S": f"{other.plug.address}:2377"} for other in others]}
    table.put_item(TableName="quorate-lab", Item={**claim, "cluster_id": another, "addresses": staying})
    try:
        # when a new node boots
        vm.machine.power_off()
        swarm.client("autoscaling").set_instance_health(
            InstanceId=vm.view.id, HealthStatus="Unhealthy", ShouldRespectGracePeriod=False
        )
        known = {one.view.id for one in swarm.managers()} | {vm.view.id}
        new = wait_for(
            lambda: next((o for o in swarm.managers() if o.view.id not in known), None), "a new VM"
        )
        # then it says on its console why it is no member, and is none
        log = wait_for(lambda: new.machine.log if "failed:" in new.machine.log else "", "its reason")
        assert "another0cluster0than0this" in log
        assert (
            new.machine.console.run("docker info --format '{{.Swarm.LocalNodeState}}'").strip() == "inactive"
        )
    finally:
        table.put_item(TableName="quorate-lab", Item=claim)
    # and with the table as it was, the swarm is whole again
    wait_for(lambda: whole(others[0]), "three managers again")


@pytest.fixture(scope="session")
def image(swarm: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small image on every node, without a registry: busybox as a root filesystem."""
    folder: Path = tmp_path_factory.mktemp("image")
    with tarfile.open(folder / "busybox.tar", "w") as tar:
        tar.add("/bin/busybox", "bin/busybox")
        for applet in (
            "sh",
            "cat",
            "hostname",
            "httpd",
            "mkdir",
            "nc",
            "nslookup",
            "printf",
            "sleep",
            "tail",
        ):
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = inside(
        swarm.fleet.fabric.netns,
        lambda: http.server.ThreadingHTTPServer(
            (REGISTRY_ADDRESS, 80), partial(quiet, directory=str(folder))
        ),
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://{REGISTRY_ADDRESS}/busybox.tar"
    fetch = f"import sys, urllib.request as u; sys.stdout.buffer.write(u.urlopen('{url}').read())"
    for vm in swarm.managers():
        vm.machine.console.run(
            f"python3 -c \"{fetch}\" | docker import -c 'ENV PATH=/bin' - busybox:lab", 600
        )
    server.shutdown()
    return "busybox:lab"


def both_heard(site: Site, url: str, heard: set[str]) -> bool:
    """Asks once more; whether two tasks have answered by now."""
    heard |= {answer(site, url)} - {""}
    return len(heard) == 2


def answer(site: Site, url: str) -> str:
    def ask() -> str:
        try:
            with urllib.request.urlopen(url, timeout=5) as said:
                return str(said.read().decode().strip())
        except OSError:
            return ""

    return inside(site.fleet.fabric.netns, ask)
