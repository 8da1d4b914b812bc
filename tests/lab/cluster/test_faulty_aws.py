"""AWS fails while the program runs: one clear line, what is done stays known, the next run goes on."""

from __future__ import annotations

import json

import pytest

from quorate.errors import QuorateError
from quorate.lab.lab import Lab

from .conftest import Witness

FAILURES = {
    "errors": {"kind": "error", "action": "autoscaling:CreateAutoScalingGroup", "status": 500},
    "throttling": {"kind": "throttle", "action": "iam:PutRolePolicy"},
    "connections that break": {"kind": "cut", "action": "ec2:CreateLaunchTemplate"},
    "a refusal": {
        "kind": "error",
        "action": "kms:CreateKey",
        "code": "AccessDeniedException",
        "message": "not authorized to perform kms:CreateKey",
        "status": 400,
    },
}


def own_vpcs(cloud: Witness) -> list[str]:
    own = [{"Name": "tag-key", "Values": ["quorate:cluster"]}]
    return [vpc["VpcId"] for vpc in cloud.aws("ec2").describe_vpcs(Filters=own)["Vpcs"]]


@pytest.mark.parametrize("failure", FAILURES)
def test_a_deploy_under_failing_aws_ends_in_one_line_and_the_next_goes_on(empty: Lab, failure: str):
    empty.start()
    cloud = Witness(empty)
    with cloud.fault(**FAILURES[failure]), pytest.raises(QuorateError) as raised:
        empty.deploy()
    assert "\n" not in str(raised.value).strip()
    assert "Traceback" not in str(raised.value)
    state = json.loads((empty.directory / "state.json").read_text())
    assert state
    before = own_vpcs(cloud)
    empty.deploy()
    after = own_vpcs(cloud)
    assert len(after) == 1
    assert before in ([], after), "the next run began anew"
    assert [c for c in empty.preview() if c.custom and c.action != "same"] == []
