"""Starting and stopping the cloud, where it listens, what it tells besides AWS's own APIs."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import urllib.error
import urllib.request
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from quorate.errors import Failed
from quorate.lab.cloud import Cloud, Credentials

from .conftest import Aws


def _http(url: str, method: str = "GET", document: Any = None) -> tuple[int, Any]:
    body = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(url, method=method, data=body)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as refusal:
        text = refusal.read()
        return refusal.code, json.loads(text) if text.startswith(b"{") else text


def _listener() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener


def _zones(endpoint: str, credentials: Credentials | None = None) -> list[str]:
    ec2 = boto3.client(
        "ec2",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=credentials.access_key_id if credentials else "x",
        aws_secret_access_key=credentials.secret_access_key if credentials else "x",
        aws_session_token=credentials.token if credentials else None,
        config=Config(retries={"total_max_attempts": 1}),
    )
    return [z["ZoneId"] for z in ec2.describe_availability_zones()["AvailabilityZones"]]


def test_a_socket_for_hosts_takes_the_credentials_of_instances_and_no_others(aws: Aws) -> None:
    # given an instance with a role, and a socket as the hosts reach AWS by
    may = {"Effect": "Allow", "Action": "ec2:DescribeAvailabilityZones", "Resource": "*"}
    aws.group(template=aws.template(IamInstanceProfile={"Arn": aws.role("worker", may)}))
    (instance,) = aws.settled(["InService"])
    credentials = aws.cloud.credentials(instance)
    assert credentials is not None
    listener = _listener()
    endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
    aws.cloud.serve(listener)
    listener.close()
    # when the node asks with its own credentials, then it is answered
    assert _zones(endpoint, credentials) == _zones(aws.cloud.endpoint)
    # when it asks with keys that it made up, then it is refused; the operator may use any
    with pytest.raises(ClientError) as refusal:
        _zones(endpoint)
    assert refusal.value.response["Error"]["Code"] == "AuthFailure"


def test_sockets_given_at_start_serve_aws_but_no_control_path() -> None:
    listener = _listener()
    port = listener.getsockname()[1]
    cloud = Cloud()
    cloud.start([listener])
    try:
        with pytest.raises(ClientError):
            _zones(f"http://127.0.0.1:{port}")
        assert "use1-az4" in _zones(cloud.endpoint)
        for path in ("quorate-lab/nonce", "quorate-lab/instances", "quorate-lab/faults", "moto-api/reset"):
            assert _http(f"http://127.0.0.1:{port}/{path}")[0] == 404
        assert _http(f"{cloud.endpoint}/quorate-lab/nonce") == (200, {"nonce": cloud.nonce})
        assert _http(f"{cloud.endpoint}/moto-api/data.json")[0] == 404
    finally:
        cloud.stop()
        listener.close()


def test_a_stopped_cloud_answers_nobody_and_the_next_has_forgotten_everything(aws: Aws) -> None:
    aws.group()
    aws.settled(["InService"])
    endpoint, nonce = aws.cloud.endpoint, aws.cloud.nonce
    kept_open = http.client.HTTPConnection("127.0.0.1", aws.cloud.port, timeout=20)
    kept_open.request("GET", "/quorate-lab/nonce")
    assert kept_open.getresponse().read()
    aws.cloud.stop()
    aws.cloud.stop()
    kept_open.auto_open = 0
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        kept_open.request("GET", "/quorate-lab/nonce")
        kept_open.getresponse()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(endpoint, timeout=5)
    with Cloud() as fresh:
        again = Aws(fresh, aws.clock)
        assert fresh.nonce != nonce
        assert fresh.instances() == ()
        assert again.asg.describe_auto_scaling_groups()["AutoScalingGroups"] == []


def test_a_taken_port_is_one_line_that_says_what_to_do() -> None:
    taken = _listener()
    taken.listen()
    port = taken.getsockname()[1]
    with pytest.raises(Failed) as failure:
        Cloud(port=port).start()
    assert str(port) in str(failure.value)
    assert "start again" in str(failure.value)
    assert "\n" not in str(failure.value)
    taken.close()
    with Cloud(port=port) as cloud:
        assert cloud.endpoint == f"http://127.0.0.1:{port}"


def test_a_second_cloud_in_one_process_is_refused_and_harms_nothing(aws: Aws) -> None:
    with pytest.raises(Failed, match="already runs"):
        Cloud().start()
    assert aws.ec2.describe_vpcs()["Vpcs"]


def test_a_waiter_is_woken_by_a_change_and_by_nothing_else(aws: Aws) -> None:
    before = aws.cloud.version
    aws.ec2.describe_instances()
    aws.network("use1-az1")
    assert aws.cloud.wait_for_change(before, timeout=0.2) == before
    seen: list[int] = []
    waiter = threading.Thread(target=lambda: seen.append(aws.cloud.wait_for_change(before, timeout=60)))
    waiter.start()
    _vpc, subnets = aws.ec2.describe_subnets(), aws.network("use1-az2")[1]
    aws.group(subnets=subnets)
    waiter.join(timeout=60)
    assert seen
    assert seen[0] > before
    assert [i.group for i in aws.cloud.instances()] == ["group"]


def test_instances_are_told_to_the_operator_without_their_user_data(aws: Aws) -> None:
    aws.group()
    (first,) = aws.settled(["InService"])
    _status, document = _http(f"{aws.cloud.endpoint}/quorate-lab/instances")
    (instance,) = document["instances"]
    assert document["schema"] == 1
    assert (instance["id"], instance["lifecycle_state"]) == (first, "InService")
    assert instance["zone_id"] == "use1-az1"
    assert "user_data" not in instance


def test_calls_are_counted_by_who_made_them(aws: Aws) -> None:
    aws.ec2.describe_vpcs()
    aws.ec2.describe_vpcs()
    _status, document = _http(f"{aws.cloud.endpoint}/quorate-lab/calls")
    assert {"principal": "operator", "action": "ec2:DescribeVpcs", "count": 2} in document["calls"]


def test_an_unsigned_request_is_refused(aws: Aws) -> None:
    status, body = _http(f"{aws.cloud.endpoint}/", "POST", {})
    assert status == 403
    assert b"MissingAuthenticationToken" in body


def test_zones_are_closed_and_opened_over_http(aws: Aws) -> None:
    url = f"{aws.cloud.endpoint}/quorate-lab/zones"
    assert _http(f"{url}/use1-az1", "PUT") == (200, {"closed": ["use1-az1"]})
    assert _http(url) == (200, {"closed": ["use1-az1"]})
    assert _http(f"{url}/use1-az1", "DELETE") == (200, {"closed": []})


def test_a_call_that_the_cloud_does_not_have_is_said_so_by_name(aws: Aws) -> None:
    with pytest.raises(ClientError) as refusal:
        aws.asg.start_instance_refresh(AutoScalingGroupName="group")
    assert refusal.value.response["Error"]["Code"] == "NotImplemented"
    assert "autoscaling:StartInstanceRefresh" in str(refusal.value)


def test_many_callers_at_once_all_get_their_answers(aws: Aws) -> None:
    # given sixteen callers that write to one table at the same time
    table = aws.client("dynamodb")
    table.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    won: list[int] = []

    def claim(caller: int) -> None:
        try:
            table.put_item(
                TableName="t",
                Item={"id": {"S": "claim"}, "owner": {"N": str(caller)}},
                ConditionExpression="attribute_not_exists(id)",
            )
            won.append(caller)
        except table.exceptions.ConditionalCheckFailedException:
            pass

    callers = [threading.Thread(target=claim, args=(n,)) for n in range(16)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    # then exactly one of them had its way
    item = table.get_item(TableName="t", Key={"id": {"S": "claim"}}, ConsistentRead=True)["Item"]
    assert [int(item["owner"]["N"])] == won
