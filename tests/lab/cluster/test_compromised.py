"""Somebody has taken over a node: what its credentials, its certificate and its network are good for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from quorate.lab.daemon import AWS_PORT
from quorate.lab.hosts.fabric import AWS_ADDRESS

from .conftest import Witness
from .ways import POOL, TABLE, TOKEN, hook, item, towards_a_manager

ATTEMPTS = Path(__file__).with_name("attempts.py")


def taken_over(shared: Witness, role: str) -> Any:
    return next(host for host in shared.lab.hosts() if host.role == role)


def attempt(shared: Witness, host: Any, attempts: list[list[Any]]) -> dict[str, str]:
    """Each attempt's outcome, made inside of the host with what its metadata service gives to it."""
    argv, environment = shared.lab.exec_argv(
        host.name, [sys.executable, "-c", ATTEMPTS.read_text(), f"http://{AWS_ADDRESS}:{AWS_PORT}"]
    )
    done = subprocess.run(
        argv,
        env=environment,
        input=json.dumps(attempts),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def calls(operation: str) -> str:
    """`get_item` -> `GetItem`."""
    return "".join(word.capitalize() for word in operation.split("_"))


def claim(shared: Witness) -> Any:
    return shared.aws("dynamodb").get_item(TableName=TABLE, Key=item("claim"), ConsistentRead=True)["Item"]


@pytest.fixture(scope="module")
def facts(shared: Witness) -> dict[str, str]:
    """What an attacker may well know beforehand."""
    keys = shared.aws("kms").list_aliases()["Aliases"]
    by_name = {alias["AliasName"]: alias["TargetKeyId"] for alias in keys if "TargetKeyId" in alias}
    manager = taken_over(shared, "manager")
    secret = shared.aws("kms").encrypt(
        KeyId=by_name["alias/quorate-lab-token"], Plaintext=b"x", EncryptionContext={"PARAMETER_ARN": "other"}
    )
    return {
        "token_key": by_name["alias/quorate-lab-token"],
        "volume_key": by_name["alias/quorate-lab-volumes"],
        "manager": manager.instance_id,
        "other_context": secret["CiphertextBlob"].hex(),
    }


def test_a_worker_s_credentials_open_nothing_that_leads_to_a_manager(
    shared: Witness, facts: dict[str, str]
) -> None:
    before = claim(shared)
    attempts = towards_a_manager(facts)
    outcome = attempt(shared, taken_over(shared, "worker"), attempts)

    assert {name: came for name, came in outcome.items() if not came.startswith("denied ")} == {}
    assert len(outcome) == len(attempts)
    assert (
        shared.aws("dynamodb").get_item(TableName=TABLE, Key=item("claim"), ConsistentRead=True)["Item"]
        == before
    )
    # and not only since the lab cannot tell: no statement of the role names any of these
    with urlopen(f"{shared.lab.endpoint}/quorate-lab/denials") as answer:
        listed = json.load(answer)["denials"]
    denials = [one for one in listed if one["principal"].startswith("quorate-lab-worker/")]
    assert {one["call"] for one in denials} >= {f"{a[1]}:{calls(a[2])}" for a in attempts}
    assert [one for one in denials if one["kind"] != "implicit"] == []


def test_a_worker_s_credentials_are_good_for_what_a_worker_needs(shared: Witness) -> None:
    """So that the refusals above are not those of credentials that never work."""
    worker = taken_over(shared, "worker")
    outcome = attempt(
        shared,
        worker,
        [
            [
                "claim",
                "dynamodb",
                "get_item",
                {"TableName": TABLE, "Key": item("claim"), "ConsistentRead": True},
            ],
            ["token", "ssm", "get_parameter", {"Name": TOKEN, "WithDecryption": True}],
            ["hook", "autoscaling", "record_lifecycle_action_heartbeat", hook(POOL, worker.instance_id)],
        ],
    )
    assert "cluster_id" in outcome["claim"]
    assert "SWMTKN-1-" in outcome["token"]
    assert outcome["hook"] == "error ValidationError", "nothing waits, and it was allowed to say so"


def test_a_manager_s_credentials_reach_the_cluster_alone(shared: Witness, facts: dict[str, str]) -> None:
    """A manager may order its swarm's seats; it cannot change what AWS launches, nor the plan, nor rights."""
    names = {
        "write the plan", "delete the claim", "delete the table", "delete the token", "list parameters",
        "read all items", "read all parameters", "run a command on a manager", "open a shell on a manager",
        "use the volumes' key", "grant the token's key", "rewrite the key's policy", "delete the token's key",
        "terminate a manager", "stop a manager", "launch an instance", "change a manager's user-data",
        "change the launch template", "open the firewall", "tag itself as a manager",
        "attach itself to a slot", "end a manager by its group", "empty a slot", "grow its own pool",
        "give itself more", "open another text of the token's key",
    }  # fmt: skip
    attempts = [one for one in towards_a_manager(facts) if one[0] in names]
    assert len(attempts) == len(names)

    outcome = attempt(shared, taken_over(shared, "manager"), attempts)

    assert {name: came for name, came in outcome.items() if not came.startswith("denied ")} == {}


# The swarm

CERTIFICATES = "/var/lib/docker/swarm/certificates"
CONTROL = [
    # swarmkit's api/control.proto
    "ListClusters",
    "GetCluster",
    "UpdateCluster",
    "ListNodes",
    "UpdateNode",
    "RemoveNode",
    "ListSecrets",
    "CreateService",
]


def control_api(shared: Witness, host: Any, manager: Any, call: str) -> str:
    """What a manager's own port answers to an empty request under the host's certificate."""
    program = f"""
import sys, grpc
read = lambda name: open('{CERTIFICATES}/' + name, 'rb').read()
key = b''.join(line for line in read('swarm-node.key').splitlines(True) if b': ' not in line and line.strip())
held = grpc.ssl_channel_credentials(read('swarm-root-ca.crt'), key, read('swarm-node.crt'))
options = [('grpc.ssl_target_name_override', 'swarm-manager')]
with grpc.secure_channel('{manager.address}:2377', held, options) as channel:
    try:
        channel.unary_unary('/docker.swarmkit.v1.Control/{call}')(b'', timeout=20)
        print('OK')
    except grpc.RpcError as error:
        print(error.code().name, error.details())
"""
    done = shared.lab.exec(host.name, [sys.executable, "-c", program])
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def listener(shared: Witness) -> Any:
    """A manager with which gRPC's Python client can speak: it insists on ALPN, which the port of an engine
    that was promoted and not started again since does not offer."""
    for manager in (host for host in shared.lab.hosts() if host.role == "manager"):
        if control_api(shared, manager, manager, "ListNodes").startswith("OK"):
            return manager
    raise AssertionError("no manager answers under its own certificate: the test would test nothing")


@pytest.mark.parametrize("call", CONTROL)
def test_managers_answer_no_order_under_a_worker_s_certificate(
    shared: Witness, listener: Any, call: str
) -> None:
    worker = taken_over(shared, "worker")
    assert control_api(shared, worker, listener, call).startswith("PERMISSION_DENIED")
    # a manager's own certificate is not refused so: the refusal is the certificate's role
    assert control_api(shared, listener, listener, call).startswith(("OK", "INVALID_ARGUMENT"))


@pytest.mark.parametrize(
    "words",
    [
        "node promote self",
        "swarm join-token -q manager",
        "swarm join-token -q worker",
        "node ls",
        "secret ls",
        "config ls",
        "service ls",
        "swarm unlock-key -q",
        "node update --label-add quorate.role=manager self",
    ],
)
def test_a_worker_s_own_engine_takes_no_order_for_the_swarm(shared: Witness, words: str) -> None:
    worker = taken_over(shared, "worker")
    members = {node["ID"] for node in shared.managers()}
    done = subprocess.run(
        ["docker", "-H", worker.docker_host, *words.split()],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "not a swarm manager" in done.stderr
    assert "SWMTKN" not in done.stdout + done.stderr
    assert {node["ID"] for node in shared.managers()} == members


def test_nothing_on_a_worker_s_disk_holds_a_manager_s_secret(shared: Witness) -> None:
    """Neither the manager's token nor the cluster's signing key."""
    token = shared.docker(shared.manager(), "swarm", "join-token", "-q", "manager").split("-")[-1]
    worker = taken_over(shared, "worker")
    places = "/etc /run /var/lib/docker/swarm"
    search = f"grep -rlsa -D skip -e {token} {places}; ls {CERTIFICATES}; true"
    done = shared.lab.exec(worker.name, ["sh", "-c", search])
    assert sorted(done.stdout.split()) == ["swarm-node.crt", "swarm-node.key", "swarm-root-ca.crt"]
