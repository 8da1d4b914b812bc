"""IAM and KMS rows, read back by boto3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

ROLE = "aws:iam/role:Role"
POLICY = "aws:iam/rolePolicy:RolePolicy"
PROFILE = "aws:iam/instanceProfile:InstanceProfile"
KEY = "aws:kms/key:Key"
ALIAS = "aws:kms/alias:Alias"
GRANT = "aws:kms/grant:Grant"

Boto = Callable[[str], Any]

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def allowing(action: str) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
    )


def role_of(make: Any, name: str) -> Any:
    return make(ROLE, name=name, assumeRolePolicy=json.dumps(TRUST), tags={"Name": name})


def test_a_role_trusts_whom_it_is_told(make: Any, boto: Boto) -> None:
    made = make(ROLE, name="boss", description="of all", assumeRolePolicy=json.dumps(TRUST), tags={"a": "1"})

    seen = boto("iam").get_role(RoleName="boss")["Role"]
    assert seen["AssumeRolePolicyDocument"] == TRUST
    assert seen["Description"] == "of all"
    assert made.id == "boss"
    assert made.outputs["arn"] == seen["Arn"]
    assert make.unchanged(ROLE, made)

    narrower = {**TRUST, "Statement": [{**TRUST["Statement"][0], "Effect": "Deny"}]}
    changed = make.update(ROLE, made, name="boss", assumeRolePolicy=json.dumps(narrower), tags={"b": "2"})
    assert boto("iam").get_role(RoleName="boss")["Role"]["AssumeRolePolicyDocument"] == narrower
    assert boto("iam").list_role_tags(RoleName="boss")["Tags"] == [{"Key": "b", "Value": "2"}]

    make.delete(ROLE, changed)
    assert "boss" not in [each["RoleName"] for each in boto("iam").list_roles()["Roles"]]


def test_an_inline_policy_is_part_of_its_role(make: Any, boto: Boto) -> None:
    role = role_of(make, "inlined")
    made = make(POLICY, name="small", role=role.id, policy=allowing("ssm:GetParameter"))

    def document() -> dict[str, Any]:
        return boto("iam").get_role_policy(RoleName="inlined", PolicyName="small")["PolicyDocument"]

    assert made.id == "inlined:small"
    assert document() == json.loads(allowing("ssm:GetParameter"))
    assert make.unchanged(POLICY, made)
    changed = make.update(POLICY, made, name="small", role=role.id, policy=allowing("ssm:PutParameter"))
    assert document() == json.loads(allowing("ssm:PutParameter"))

    make.delete(POLICY, changed)
    assert boto("iam").list_role_policies(RoleName="inlined")["PolicyNames"] == []


def test_a_profile_carries_one_role_and_changes_it(make: Any, boto: Boto) -> None:
    first, second = role_of(make, "first"), role_of(make, "second")
    made = make(PROFILE, name="carrier", role=first.id, tags={"a": "1"})

    def roles() -> list[str]:
        profile = boto("iam").get_instance_profile(InstanceProfileName="carrier")["InstanceProfile"]
        return [each["RoleName"] for each in profile["Roles"]]

    assert roles() == ["first"]
    assert make.unchanged(PROFILE, made)
    changed = make.update(PROFILE, made, name="carrier", role=second.id, tags={"a": "1"})
    assert roles() == ["second"]

    make.delete(PROFILE, changed)
    assert boto("iam").list_instance_profiles()["InstanceProfiles"] == []


def test_a_key_is_made_with_rotation_and_goes_into_its_deletion_window(make: Any, boto: Boto) -> None:
    asked = {
        "description": "token",
        "enableKeyRotation": True,
        "deletionWindowInDays": 7.0,
        "tags": {"a": "1"},
    }
    made = make(KEY, **asked)

    seen = boto("kms").describe_key(KeyId=made.id)["KeyMetadata"]
    assert seen["Description"] == "token"
    assert made.outputs["arn"] == seen["Arn"]
    assert made.outputs["keyId"] == made.id
    assert boto("kms").get_key_rotation_status(KeyId=made.id)["KeyRotationEnabled"] is True
    assert make.unchanged(KEY, made)

    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    changed = make.update(
        KEY, made, description="more", deletionWindowInDays=7, policy=policy, tags={"b": "2"}
    )
    assert boto("kms").describe_key(KeyId=made.id)["KeyMetadata"]["Description"] == "more"
    assert boto("kms").get_key_rotation_status(KeyId=made.id)["KeyRotationEnabled"] is False
    assert json.loads(
        boto("kms").get_key_policy(KeyId=made.id, PolicyName="default")["Policy"]
    ) == json.loads(policy)
    assert boto("kms").list_resource_tags(KeyId=made.id)["Tags"] == [{"TagKey": "b", "TagValue": "2"}]

    make.delete(KEY, changed)
    assert boto("kms").describe_key(KeyId=made.id)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def test_a_key_takes_a_deletion_window_of_seven_to_thirty_days(make: Any) -> None:
    checked = make.provider.check(KEY, "x", {}, {"deletionWindowInDays": 3})
    assert checked.failures[0].reason == "is 3; KMS takes 7 to 30 days"


def test_an_alias_points_to_a_key_and_moves(make: Any, boto: Boto) -> None:
    first, second = make(KEY, description="1"), make(KEY, description="2")
    made = make(ALIAS, name="alias/token", targetKeyId=first.outputs["keyId"])

    def target() -> list[str]:
        aliases = boto("kms").list_aliases()["Aliases"]
        return [each["TargetKeyId"] for each in aliases if each["AliasName"] == "alias/token"]

    assert target() == [first.id]
    assert made.outputs["targetKeyArn"] == first.outputs["arn"]
    assert make.unchanged(ALIAS, made)
    changed = make.update(ALIAS, made, name="alias/token", targetKeyId=second.outputs["arn"])
    assert target() == [second.id]

    make.delete(ALIAS, changed)
    assert target() == []


def test_a_grant_lets_one_principal_do_some_operations(make: Any, boto: Boto) -> None:
    key, role = make(KEY, description="granted"), role_of(make, "grantee")
    made = make(
        GRANT,
        name="launch",
        keyId=key.id,
        granteePrincipal=role.outputs["arn"],
        operations=["Decrypt", "CreateGrant"],
    )

    (seen,) = boto("kms").list_grants(KeyId=key.id)["Grants"]
    assert (seen["Name"], seen["GranteePrincipal"]) == ("launch", role.outputs["arn"])
    assert set(seen["Operations"]) == {"Decrypt", "CreateGrant"}
    assert made.id == f"{key.id}:{seen['GrantId']}"
    assert make.unchanged(GRANT, made)

    make.delete(GRANT, made)
    assert boto("kms").list_grants(KeyId=key.id)["Grants"] == []
