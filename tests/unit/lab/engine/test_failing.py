"""What goes wrong is told in one line, the state is kept, and the next run goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from quorate.errors import Failed, QuorateError, Refused, Unknown, UsageError
from quorate.lab.cloud.faults import Fault
from quorate.lab.engine import Run

TWO = """
vpc = aws.ec2.Vpc("net", cidr_block="10.1.0.0/16")
aws.ec2.Subnet("a", vpc_id=vpc.id, cidr_block="10.1.1.0/24", availability_zone_id="use1-az1")
"""


def one_line(error: BaseException) -> str:
    assert "\n" not in str(error)
    assert "Traceback" not in str(error)
    return str(error)


@pytest.mark.parametrize("kind", ["error", "throttle", "cut"])
def test_aws_failing_in_the_middle_is_one_line_and_the_next_run_goes_on(
    written: Callable[[str], Any], boto: Callable[[str], Any], kind: str
) -> None:
    stack = written(TWO)
    stack.cloud.faults.add(Fault(kind=kind, action="ec2:CreateSubnet", times=1))

    with pytest.raises(QuorateError) as caught:
        stack.up()
    assert "aws:ec2/subnet:Subnet a: ec2 create-subnet" in one_line(caught.value)
    assert "the state is kept; run again to go on from here" in str(caught.value)

    made = stack.up()
    assert "a" in made.get("create", []) or made == {"adopt": ["a"]}
    vpcs = [each for each in boto("ec2").describe_vpcs()["Vpcs"] if not each["IsDefault"]]
    subnets = [
        each for each in boto("ec2").describe_subnets()["Subnets"] if each["VpcId"] == vpcs[0]["VpcId"]
    ]
    assert (len(vpcs), len(subnets)) == (1, 1)


def test_an_answer_that_never_came_leaves_nothing_twice(
    written: Callable[[str], Any], boto: Callable[[str], Any]
) -> None:
    stack = written('aws.ec2.Eip("ip")')
    stack.up()
    stack.write('aws.ec2.Eip("ip")\naws.ec2.Vpc("net", cidr_block="10.1.0.0/16", enable_dns_hostnames=True)')
    stack.cloud.faults.add(Fault(kind="error", action="ec2:ModifyVpcAttribute", times=1))
    with pytest.raises(Unknown):
        stack.up()

    assert stack.preview() == {"adopt": ["net"]}
    assert stack.up() == {"adopt": ["net"]}
    (vpc,) = [each for each in boto("ec2").describe_vpcs()["Vpcs"] if not each["IsDefault"]]
    answer = boto("ec2").describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute="enableDnsHostnames")
    assert answer["EnableDnsHostnames"]["Value"] is True
    assert stack.up() == {}


def test_what_is_begun_beside_a_failure_is_still_recorded(
    written: Callable[[str], Any], inventory: Callable[[], dict[str, int]]
) -> None:
    many = "\n".join(f'aws.ec2.Eip("ip-{n}", domain="vpc")' for n in range(6))
    stack = written(many + '\naws.ec2.Vpc("net", cidr_block="10.1.0.0/16")')
    stack.cloud.faults.add(Fault(kind="error", action="ec2:CreateVpc", times=1))
    with pytest.raises(Unknown):
        stack.up()
    stack.up()
    assert inventory()["addresses"] == 6


def test_a_cloud_that_is_not_there_is_one_line_and_changes_nothing(written: Callable[[str], Any]) -> None:
    stack = written(TWO)
    stack.up()
    before = stack.state.read_bytes()
    run = Run(
        stack.project, "lab", state_path=stack.state, endpoint="http://127.0.0.1:9", nonce=stack.cloud.nonce
    )
    for action in (run.up, run.preview, run.refresh, run.destroy):
        with pytest.raises(Refused) as caught:
            action()
        assert "does not answer" in one_line(caught.value)
    assert stack.state.read_bytes() == before


def test_the_state_of_a_cloud_that_is_gone_is_not_used(written: Callable[[str], Any]) -> None:
    stack = written(TWO)
    stack.up()
    text = stack.state.read_text()
    stack.state.write_text(text.replace(stack.cloud.nonce, "an-earlier-one"))
    with pytest.raises(Refused, match="cloud that is gone"):
        stack.up()
    stack.state.write_text(text)


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 2}', '{"schema": 1}'])
def test_a_state_that_cannot_be_read_is_refused(written: Callable[[str], Any], text: str) -> None:
    stack = written(TWO)
    stack.state.write_text(text)
    with pytest.raises(Refused) as caught:
        stack.up()
    assert str(stack.state) in one_line(caught.value)
    stack.state.unlink()


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("1 / 0", r"the program failed at __main__.py:3: ZeroDivisionError"),
        ("raise pulumi.RunError('not today')", "^not today$"),
        ("import sys; sys.exit(3)", "ended itself with code 3"),
        (
            "from quorate.errors import UsageError\nraise UsageError('managers: 4 is even')",
            "^managers: 4 is even$",
        ),
        ('aws.ec2.Vpc("x", cidr_block="10.0.0.0/16", instance_tenancy="dedicated")', "instanceTenancy"),
        ('aws.s3.Bucket("x")', "does not know the resource type aws:s3/bucket:Bucket"),
        ('aws.ec2.get_ami(owners=["self"])', "does not know the function aws:ec2/getAmi:getAmi"),
        ('[aws.ec2.Eip("same") for _ in range(2)]', "same: is registered twice"),
        ('aws.ec2.Eip("x", tags=pulumi.Output.secret({"a": "hush"}))', "tags is a secret"),
        ('aws.ec2.Eip("x", opts=pulumi.ResourceOptions(import_="eip-1"))', "option import_"),
        ('aws.Provider("other", region="us-east-1")', "aws:endpoints without"),
    ],
)
def test_a_program_that_cannot_run_says_why_in_one_line(
    written: Callable[[str], Any], capfd: pytest.CaptureFixture[str], program: str, said: str
) -> None:
    stack = written(program)
    for attempt in (stack.preview, stack.up):
        with pytest.raises(QuorateError, match=said) as caught:
            attempt()
        assert "hush" not in one_line(caught.value)
    assert "Traceback" not in capfd.readouterr().err


def test_a_call_that_aws_refuses_is_told_in_its_words_and_leaves_no_intent(
    written: Callable[[str], Any], boto: Callable[[str], Any]
) -> None:
    boto("dynamodb").create_table(
        TableName="taken",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    stack = written(
        'aws.dynamodb.Table("t", name="taken", billing_mode="PAY_PER_REQUEST", hash_key="id",'
        ' attributes=[{"name": "id", "type": "S"}])'
    )
    for _ in range(2):
        # Also the second time: what another made is never adopted.
        with pytest.raises(Failed, match="ResourceInUse"):
            stack.up()
    stack.destroy()
    assert boto("dynamodb").list_tables()["TableNames"] == ["taken"]
    boto("dynamodb").delete_table(TableName="taken")


class TestTwoRuns:
    """One at a time, whoever died before."""

    def test_a_second_run_is_refused_with_the_first_ones_number(self, written: Callable[[str], Any]) -> None:
        stack = written(TWO)
        stack.cloud.faults.add(Fault(kind="latency", action="ec2:CreateVpc", seconds=3, times=1))
        first = threading.Thread(target=stack.up)
        first.start()
        while not any(each.stage == "begun" for each in stack.events):
            time.sleep(0.01)
        with pytest.raises(Refused, match=f"process {os.getpid()} is working on it"):
            stack.run().up()
        first.join()

    def test_the_lock_of_a_dead_run_is_taken_over(self, written: Callable[[str], Any]) -> None:
        stack = written(TWO)
        script = (
            "import os, pathlib, signal, sys\n"
            "from quorate.lab.engine.lock import locked\n"
            "with locked(pathlib.Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        infra = Path(__file__).parents[4] / "infra"
        subprocess.run(
            [sys.executable, "-c", script, stack.state], env={"PYTHONPATH": str(infra)}, check=False
        )
        assert stack.up() == {"create": ["a", "net"]}


def test_an_interrupt_lets_what_is_under_way_end_and_the_next_run_go_on(
    written: Callable[[str], Any], inventory: Callable[[], dict[str, int]]
) -> None:
    stack = written(TWO)
    stack.cloud.faults.add(Fault(kind="latency", action="ec2:CreateVpc", seconds=2, times=1))

    def interrupt() -> None:
        while not any(each.stage == "begun" for each in stack.events):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(Failed, match="interrupted: what was under way has ended"):
        stack.up()
    thread.join()

    assert inventory() == {"vpcs": 1}
    assert stack.up() == {"create": ["a"]}


def test_a_mistake_in_the_configuration_is_one_line(written: Callable[[str], Any]) -> None:
    stack = written(TWO)
    (stack.project / "Pulumi.yaml").write_text("name: test\nruntime: python\n")
    with pytest.raises(UsageError, match="aws:region is not set"):
        stack.preview()
    (stack.project / "Pulumi.yaml").write_text(
        "name: test\nruntime: python\nconfig:\n  aws:region: {value: us-east-1}\n"
    )
