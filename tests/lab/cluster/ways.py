"""Every way that AWS's APIs offer from a node to a manager's seat, or against a manager."""

from __future__ import annotations

from typing import Any

TABLE, TOKEN = "quorate-lab", "/quorate-lab/worker-token"
SLOT, POOL = "quorate-lab-manager-use1-az4-1", "quorate-lab-worker-general"


def item(key: str, **more: str) -> dict[str, Any]:
    return {"id": {"S": key}, **{name: {"S": value} for name, value in more.items()}}


def hook(group: str, instance: str, name: str = "quorate-launch") -> dict[str, Any]:
    return {"AutoScalingGroupName": group, "InstanceId": instance, "LifecycleHookName": name}


def towards_a_manager(facts: dict[str, str]) -> list[list[Any]]:
    """Every way that AWS's APIs offer from a worker to a manager's seat, or against a manager."""
    manager, key = facts["manager"], facts["token_key"]
    claim = {"TableName": TABLE, "Key": item("claim")}
    own = {"RoleName": "quorate-lab-worker", "PolicyName": "more", "PolicyDocument": "{}"}
    managers = {"RoleName": "quorate-lab-manager", "PolicyName": "quorate-lab-manager"}
    token = {"Name": TOKEN, "Value": "SWMTKN-1-mine", "Overwrite": True, "Type": "SecureString", "KeyId": key}
    return [
        ["read the plan", "dynamodb", "get_item", {"TableName": TABLE, "Key": item("plan")}],
        ["read the epoch", "dynamodb", "get_item", {"TableName": TABLE, "Key": item("epoch")}],
        ["read a request", "dynamodb", "get_item", {"TableName": TABLE, "Key": item("request#1")}],
        ["read all items", "dynamodb", "scan", {"TableName": TABLE}],
        ["query the plan", "dynamodb", "query", {
            "TableName": TABLE, "KeyConditionExpression": "id = :k",
            "ExpressionAttributeValues": {":k": {"S": "plan"}},
        }],
        ["read claim and plan together", "dynamodb", "batch_get_item", {
            "RequestItems": {TABLE: {"Keys": [item("claim"), item("plan")]}},
        }],
        ["read the plan in a transaction", "dynamodb", "transact_get_items", {
            "TransactItems": [{"Get": {"TableName": TABLE, "Key": item("plan")}}],
        }],
        ["read the plan in PartiQL", "dynamodb", "execute_statement", {
            "Statement": f"SELECT * FROM \"{TABLE}\" WHERE id = 'plan'",
        }],
        ["write the claim", "dynamodb", "put_item", {
            "TableName": TABLE, "Item": item("claim", state="READY"),
        }],
        ["change the claim", "dynamodb", "update_item", {
            **claim, "UpdateExpression": "SET owner = :o", "ExpressionAttributeValues": {":o": {"S": "me"}},
        }],
        ["delete the claim", "dynamodb", "delete_item", claim],
        ["write the claim in a transaction", "dynamodb", "transact_write_items", {
            "TransactItems": [{"Put": {"TableName": TABLE, "Item": item("claim")}}],
        }],
        ["write the claim in a batch", "dynamodb", "batch_write_item", {
            "RequestItems": {TABLE: [{"PutRequest": {"Item": item("claim")}}]},
        }],
        ["take the epoch", "dynamodb", "put_item", {"TableName": TABLE, "Item": item("epoch")}],
        ["post a request", "dynamodb", "put_item", {"TableName": TABLE, "Item": item("request#1")}],
        ["write the plan", "dynamodb", "put_item", {"TableName": TABLE, "Item": item("plan")}],
        ["delete the table", "dynamodb", "delete_table", {"TableName": TABLE}],
        ["write the token", "ssm", "put_parameter", token],
        ["delete the token", "ssm", "delete_parameter", {"Name": TOKEN}],
        ["read old tokens", "ssm", "get_parameter_history", {"Name": TOKEN, "WithDecryption": True}],
        ["read all parameters", "ssm", "get_parameters_by_path", {"Path": "/", "Recursive": True}],
        ["list parameters", "ssm", "describe_parameters", {}],
        ["run a command on a manager", "ssm", "send_command", {
            "DocumentName": "AWS-RunShellScript", "InstanceIds": [manager],
        }],
        ["open a shell on a manager", "ssm", "start_session", {"Target": manager}],
        ["encrypt with the token's key", "kms", "encrypt", {"KeyId": key, "Plaintext": "x"}],
        ["open another text of the token's key", "kms", "decrypt", {
            "CiphertextBlob": bytes.fromhex(facts["other_context"]).decode("latin-1"),
            "EncryptionContext": {"PARAMETER_ARN": "other"},
        }],
        ["use the volumes' key", "kms", "generate_data_key", {
            "KeyId": facts["volume_key"], "KeySpec": "AES_256",
        }],
        ["grant the token's key", "kms", "create_grant", {
            "KeyId": key, "Operations": ["Encrypt"],
            "GranteePrincipal": "arn:aws:iam::123456789012:role/other",
        }],
        ["rewrite the key's policy", "kms", "put_key_policy", {"KeyId": key, "Policy": "{}"}],
        ["delete the token's key", "kms", "schedule_key_deletion", {"KeyId": key}],
        ["list instances", "ec2", "describe_instances", {}],
        ["list groups", "autoscaling", "describe_auto_scaling_groups", {}],
        ["terminate a manager", "ec2", "terminate_instances", {"InstanceIds": [manager]}],
        ["stop a manager", "ec2", "stop_instances", {"InstanceIds": [manager]}],
        ["launch an instance", "ec2", "run_instances", {
            "ImageId": "ami-0123456789abcdef0", "MinCount": 1, "MaxCount": 1,
        }],
        ["change a manager's user-data", "ec2", "modify_instance_attribute", {
            "InstanceId": manager, "UserData": {"Value": b"{}".hex()},
        }],
        ["change the launch template", "ec2", "create_launch_template_version", {
            "LaunchTemplateName": SLOT, "LaunchTemplateData": {"InstanceType": "t3.nano"},
        }],
        ["open the firewall", "ec2", "authorize_security_group_ingress", {
            "GroupId": "sg-0", "IpProtocol": "-1", "CidrIp": "0.0.0.0/0",
        }],
        ["tag itself as a manager", "ec2", "create_tags", {
            "Resources": [manager], "Tags": [{"Key": "quorate:role", "Value": "manager"}],
        }],
        ["attach itself to a slot", "autoscaling", "attach_instances", {"AutoScalingGroupName": SLOT}],
        ["have a manager replaced", "autoscaling", "set_instance_health", {
            "InstanceId": manager, "HealthStatus": "Unhealthy",
        }],
        ["end a manager by its group", "autoscaling", "terminate_instance_in_auto_scaling_group", {
            "InstanceId": manager, "ShouldDecrementDesiredCapacity": True,
        }],
        ["abandon a manager's launch", "autoscaling", "complete_lifecycle_action", {
            **hook(SLOT, manager), "LifecycleActionResult": "ABANDON",
        }],
        ["hurry a manager's end", "autoscaling", "complete_lifecycle_action", {
            **hook(SLOT, manager, "quorate-termination"), "LifecycleActionResult": "CONTINUE",
        }],
        ["hold a manager's hook open", "autoscaling", "record_lifecycle_action_heartbeat", {
            **hook(SLOT, manager),
        }],
        ["empty a slot", "autoscaling", "update_auto_scaling_group", {
            "AutoScalingGroupName": SLOT, "MinSize": 0,
        }],
        ["grow its own pool", "autoscaling", "set_desired_capacity", {
            "AutoScalingGroupName": POOL, "DesiredCapacity": 6,
        }],
        ["give itself more", "iam", "put_role_policy", own],
        ["read what managers may", "iam", "get_role_policy", managers],
        ["become a manager's role", "sts", "assume_role", {
            "RoleArn": "arn:aws:iam::123456789012:role/quorate-lab-manager", "RoleSessionName": "someone",
        }],
    ]  # fmt: skip
