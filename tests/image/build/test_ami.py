"""An AMI from the template to the parameter that stacks read: Packer, Ansible over ssh, moto for AWS."""

from __future__ import annotations

import base64
import json
import os
import shutil
import urllib.parse
from dataclasses import replace
from pathlib import Path

import boto3

from quorate.operations.image.aws import Region
from quorate.operations.image.build import Workshop, build_ami
from quorate.operations.image.pin import write_variables
from quorate.operations.image.places import REPOSITORY, digest
from quorate.operations.image.programs import output_of
from quorate.operations.image.publish import publish, roll_back

from .conftest import AMI, DebianHost
from .packages import make_package, served


def test_an_ami_is_built_tagged_published_and_rolled_back(
    tmp_path: Path, aws: Region, debian_host: DebianHost, shop: Workshop
) -> None:
    # given a Debian host that is the instance, and nothing published
    folder = Path(shutil.copytree(REPOSITORY / "images/packer/vars", tmp_path / "vars"))
    shop = replace(shop, packer=replace(shop.packer, vars_folder=folder))
    ec2 = boto3.client("ec2", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="us-east-1")

    # when an AMI for workers is built, with the SSM agent as it is pinned
    unit = {"lib/systemd/system/amazon-ssm-agent.service": "[Service]\nExecStart=/usr/bin/amazon-ssm-agent\n"}
    source = tmp_path / "source"
    source.mkdir()
    package = make_package(source, "amazon-ssm-agent", "3.3.1.0-1", unit)
    with served(source) as address:
        pin = {"ssm_agent_version": "3.3.1.0", "ssm_agent_url": f"{address}/{package.name}"}
        write_variables("access", folder, {**pin, "ssm_agent_sha256": digest(package)})
        manifest = build_ami(shop, "worker")

    # then there is one AMI, of that name, encrypted, tagged, from the pinned base
    document = json.loads(manifest.read_text())
    ami = document["amis"]["us-east-1"]
    (image,) = ec2.describe_images(ImageIds=[ami])["Images"]
    tags = {tag["Key"]: tag["Value"] for tag in image["Tags"]}
    assert image["Name"] == document["name"] == f"quorate-worker-{document['build_time']}"
    assert tags["quorate:git"] == document["revision"] and tags["quorate:built"] == document["build_time"]
    assert tags["quorate:engine"] == document["engine_version"]
    assert ami != AMI

    # and its snapshot was asked to be encrypted (the stand-in does not keep that, only what it was asked)
    asked = [form for form in recorded(tmp_path / "calls") if form.get("Action") == ["CopyImage"]]
    assert [(form["Encrypted"], form["KmsKeyId"]) for form in asked] == [(["true"], ["alias/aws/ebs"])]

    # and the host was provisioned and sealed by the same steps as a disk
    assert (debian_host.root / "opt/quorate/bin/python").exists()
    wanted = debian_host.root / "etc/systemd/system/multi-user.target.wants"
    assert (wanted / "amazon-ssm-agent.service").is_symlink() and tags["quorate:ssm"] == "3.3.1.0"
    assert (debian_host.root / "lib/systemd/system/amazon-ssm-agent.service").exists()
    assert (debian_host.root / "etc/machine-id").read_text() == ""
    left = {path.name for path in (debian_host.root / "home/admin").iterdir()}
    assert left <= {".bashrc", ".profile", ".bash_logout"}
    assert not list(debian_host.root.glob("opt/quorate/lib/python3*/site-packages/quorate/agent/steward"))

    # and its bill of materials lists what dpkg says there, and the agent's libraries
    bill = json.loads(manifest.with_suffix(".sbom.cdx.json").read_text())
    listed = {(one["name"], one["version"]) for one in bill["components"]}
    fields = "${Package} ${Version} ${db:Status-Status}\n"
    lines = output_of(["chroot", debian_host.root, "dpkg-query", "-W", "-f", fields]).splitlines()
    installed = {tuple(line.split()[:2]) for line in lines if line.endswith(" installed")}
    assert installed and installed <= listed
    assert "botocore" in {name for name, _ in listed - installed}

    # and nothing of the build is left: no instance, no security group of Packer's
    states = {
        instance["State"]["Name"]
        for reservation in ec2.describe_instances()["Reservations"]
        for instance in reservation["Instances"]
    }
    assert states <= {"terminated"}
    assert not [g for g in ec2.describe_security_groups()["SecurityGroups"] if "packer" in g["GroupName"]]

    # when it is published, then the parameter names it; again changes nothing
    (outcome,) = publish([manifest], lambda _: aws)
    assert outcome["changed"] and aws.published("/quorate/images/worker").current == ami
    assert not publish([manifest], lambda _: aws)[0]["changed"]

    # when another is published and rolled back, then the parameter names the first again
    second = _same_again(ec2, ami, tags)
    again = tmp_path / "second.json"
    again.write_text(json.dumps(document | {"amis": {"us-east-1": second}}))
    publish([again], lambda _: aws)
    assert aws.published("/quorate/images/worker").current == second
    roll_back(["worker"], aws)
    assert aws.published("/quorate/images/worker").current == ami


def recorded(calls: Path) -> list[dict[str, list[str]]]:
    """The forms of every call that the stand-in was sent."""
    bodies = (json.loads(line).get("body") or "" for line in calls.read_text().splitlines())
    return [urllib.parse.parse_qs(base64.b64decode(body).decode()) for body in bodies]


def _same_again(ec2: object, ami: str, tags: dict[str, str]) -> str:
    copied = ec2.copy_image(Name="second", SourceImageId=ami, SourceRegion="us-east-1")["ImageId"]  # type: ignore[attr-defined]
    ec2.create_tags(Resources=[copied], Tags=[{"Key": k, "Value": v} for k, v in tags.items()])  # type: ignore[attr-defined]
    return str(copied)
