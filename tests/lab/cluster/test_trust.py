"""What a node says of itself gives it no rights, and what is secret stays where it belongs."""

from __future__ import annotations

import base64
import json
import re
import time

from .conftest import Witness, eventually

TOKEN = re.compile(rb"SWMTKN-1-\w{50}-\w{25}")


def test_a_worker_whose_user_data_claims_to_be_a_manager_is_never_promoted(shared: Witness):
    ec2, scaling = shared.aws("ec2"), shared.aws("autoscaling")
    pool = shared.groups()["quorate-lab-worker-general"]
    policy = pool["MixedInstancesPolicy"]["LaunchTemplate"]
    template = policy["LaunchTemplateSpecification"]["LaunchTemplateId"]
    honest = policy["LaunchTemplateSpecification"]["Version"]
    manager = shared.groups()["quorate-lab-manager-use1-az4-1"]["LaunchTemplate"]["LaunchTemplateId"]
    data = ec2.describe_launch_template_versions(LaunchTemplateId=manager, Versions=["$Latest"])
    claims = data["LaunchTemplateVersions"][0]["LaunchTemplateData"]["UserData"]
    assert json.loads(base64.b64decode(claims))["role"] == "manager"

    def launch_with(version: str, count: int) -> None:
        specification = {"LaunchTemplateId": template, "Version": version}
        scaling.update_auto_scaling_group(
            AutoScalingGroupName=pool["AutoScalingGroupName"],
            MixedInstancesPolicy={"LaunchTemplate": {**policy, "LaunchTemplateSpecification": specification}},
            DesiredCapacity=count,
        )

    lying = ec2.create_launch_template_version(
        LaunchTemplateId=template, SourceVersion=honest, LaunchTemplateData={"UserData": claims}
    )["LaunchTemplateVersion"]["VersionNumber"]
    before = {host.instance_id for host in shared.lab.hosts()}
    try:
        launch_with(str(lying), 4)
        liar = eventually(lambda: next((h for h in shared.lab.hosts() if h.instance_id not in before), None))
        assert liar.role == "manager", "the host does not claim to be a manager: the test tests nothing"
        eventually(lambda: any(n["Status"].get("Addr") == liar.address for n in shared.nodes()), 60)
        until = time.monotonic() + 15
        while time.monotonic() < until:
            at_its_address = [n for n in shared.nodes() if n["Status"].get("Addr") == liar.address]
            assert all(n["Spec"]["Role"] == "worker" for n in at_its_address)
            assert len(shared.managers()) == 5
            time.sleep(0.5)
    finally:
        launch_with(honest, 3)
        settled(shared, before)


def settled(shared: Witness, before: set[str]) -> None:
    """Eight nodes again, all of them honest: what was launched meanwhile is ended."""
    scaling = shared.aws("autoscaling")
    for instance in shared.groups()["quorate-lab-worker-general"]["Instances"]:
        if instance["InstanceId"] not in before and not instance["LifecycleState"].startswith("Terminating"):
            scaling.terminate_instance_in_auto_scaling_group(
                InstanceId=instance["InstanceId"], ShouldDecrementDesiredCapacity=False
            )
    eventually(lambda: shared.lab.status().healthy)


def test_no_token_is_in_state_table_user_data_tags_or_logs_also_after_a_refresh(shared: Witness):
    engine = shared.manager()
    tokens = [shared.docker(engine, "swarm", "join-token", "-q", role) for role in ("worker", "manager")]
    stored = shared.aws("ssm").get_parameter(Name="/quorate-lab/worker-token", WithDecryption=True)
    assert stored["Parameter"]["Value"] == tokens[0], "the search below would find nothing"

    shared.lab.refresh()
    looked = {"state.json": (shared.lab.directory / "state.json").read_bytes()}
    looked |= {str(log): log.read_bytes() for log in shared.lab.directory.rglob("*.log")}
    assert len(looked) > 20
    looked["table"] = repr(shared.aws("dynamodb").scan(TableName="quorate-lab")["Items"]).encode()
    looked["tags"] = repr(shared.aws("ec2").describe_tags()["Tags"]).encode()
    for template in shared.aws("ec2").describe_launch_templates()["LaunchTemplates"]:
        versions = shared.aws("ec2").describe_launch_template_versions(
            LaunchTemplateId=template["LaunchTemplateId"]
        )["LaunchTemplateVersions"]
        for version in versions:
            looked[template["LaunchTemplateName"]] = base64.b64decode(
                version["LaunchTemplateData"]["UserData"]
            )
    for place, content in looked.items():
        assert not TOKEN.search(content), place
        for token in tokens:
            assert token.split("-")[-1].encode() not in content, place


def test_a_manager_token_is_nowhere_on_aws(shared: Witness):
    token = shared.docker(shared.manager(), "swarm", "join-token", "-q", "manager")
    ssm = shared.aws("ssm")
    for parameter in ssm.describe_parameters()["Parameters"]:
        value = ssm.get_parameter(Name=parameter["Name"], WithDecryption=True)["Parameter"]["Value"]
        assert token not in value


def test_no_command_line_on_the_machine_holds_a_token(shared: Witness):
    from pathlib import Path

    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes()
        except OSError:
            continue
        assert not TOKEN.search(words), process
