"""AWS through botocore: the few calls that a node makes, and botocore's errors turned into ours once.

A client is made when it is first needed: EC2's model alone costs a tenth of a second to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from quorate.errors import Failed, Unknown
from quorate.swarm.snapshot import Group, GroupInstance, Instance

FILTER_VALUES = 200  # EC2 takes at most this many values in one filter
GROUPS_A_CALL = 100  # Auto Scaling's bound on a page
NO_ACTION = "No active Lifecycle Action"  # how Auto Scaling says that a hook is complete, or not waiting

ACCOUNTED = {"ReturnConsumedCapacity": "TOTAL"}
"""DynamoDB answers with the capacity used: a read of no item and a write have nothing else to be told by."""


class ConditionFailed(Failed):
    """A conditional write found something else than it expected; nothing was written."""


class Denied(Unknown):
    """AWS refused the call; in a node's first seconds its role may not have reached every endpoint yet."""


class Absent(Unknown):
    """The thing that was asked for does not exist, or does not exist yet."""


DENIALS = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "KMSAccessDeniedException",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    }
)
ABSENCES = frozenset({"ParameterNotFound", "ResourceNotFoundException"})


class Aws:
    """One region, as one node's role. Every method raises Unknown, Denied, Absent or ConditionFailed."""

    def __init__(self, region: str, metadata: str | None = None) -> None:
        self._region = region
        self._metadata = metadata
        self._session: botocore.session.Session | None = None
        self._clients: dict[str, Any] = {}

    def _client(self, service: str) -> Any:
        if self._session is None:
            self._session = botocore.session.Session()
            self._session.set_config_variable("metadata_service_num_attempts", 3)
            self._session.set_config_variable("ec2_metadata_v1_disabled", True)
            if self._metadata:
                self._session.set_config_variable("ec2_metadata_service_endpoint", self._metadata)
        if service not in self._clients:
            config = Config(
                connect_timeout=2,
                read_timeout=5,
                retries={"total_max_attempts": 2, "mode": "standard"},
                parameter_validation=False,
            )
            self._clients[service] = self._session.create_client(
                service, region_name=self._region, config=config
            )
        return self._clients[service]

    def _call(self, service: str, operation: str, **arguments: Any) -> Any:
        what = f"{service} {operation}"
        try:
            return getattr(self._client(service), operation)(**arguments)
        except NoCredentialsError as error:
            self._session, self._clients = None, {}  # a client made without credentials never finds any
            raise Denied(
                f"{what}: the metadata service gave no credentials of this instance's role"
            ) from error
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            said = f"{what}: AWS said {code}: {error.response.get('Error', {}).get('Message', '')}".strip()
            if code == "ConditionalCheckFailedException":
                raise ConditionFailed(f"{what}: somebody else wrote first") from error
            if code in DENIALS:
                raise Denied(said) from error
            if code in ABSENCES:
                raise Absent(said) from error
            raise Unknown(said) from error
        except BotoCoreError as error:
            raise Unknown(f"{what}: AWS did not answer ({error})") from error

    # The table

    def get_item(self, table: str, key: str) -> dict[str, Any] | None:
        """The item, read consistently; None if there is none."""
        answer = self._call(
            "dynamodb", "get_item", TableName=table, Key={"id": {"S": key}}, ConsistentRead=True, **ACCOUNTED
        )
        _told(answer, "ConsumedCapacity", "dynamodb get_item")
        item: dict[str, Any] | None = answer.get("Item")
        return item

    def put_item(
        self,
        table: str,
        item: Mapping[str, Any],
        condition: str,
        names: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the whole item if the condition holds; ConditionFailed if not, Unknown if none says."""
        more: dict[str, Any] = {}
        if names:
            more["ExpressionAttributeNames"] = dict(names)
        if values:
            more["ExpressionAttributeValues"] = dict(values)
        answer = self._call(
            "dynamodb",
            "put_item",
            TableName=table,
            Item=dict(item),
            ConditionExpression=condition,
            **more,
            **ACCOUNTED,
        )
        _told(answer, "ConsumedCapacity", "dynamodb put_item")

    # The worker token

    def get_parameter(self, name: str) -> str:
        answer = self._call("ssm", "get_parameter", Name=name, WithDecryption=True)
        return str(_told(answer, "Parameter", "ssm get_parameter")["Value"])

    def put_parameter(self, name: str, value: str, key: str) -> None:
        """Write a SecureString; the key is always named: without it SSM takes the account's default key."""
        answer = self._call(
            "ssm", "put_parameter", Name=name, Value=value, Type="SecureString", KeyId=key, Overwrite=True
        )
        _told(answer, "Version", "ssm put_parameter")

    # Auto Scaling

    def groups(self, names: Sequence[str]) -> dict[str, Group]:
        """The groups that exist among `names`."""
        found: dict[str, Group] = {}
        for batch in _batches(names, GROUPS_A_CALL):
            found |= self._groups(AutoScalingGroupNames=list(batch))
        return found

    def groups_tagged(self, cluster: str) -> dict[str, Group]:
        """The groups that carry the cluster's tag, also those that no plan names any more."""
        return self._groups(Filters=[{"Name": "tag:quorate:cluster", "Values": [cluster]}])

    def _groups(self, **which: Any) -> dict[str, Group]:
        arguments = {**which, "MaxRecords": GROUPS_A_CALL}
        return {
            raw["AutoScalingGroupName"]: read_group(raw)
            for answer in self._pages("autoscaling", "describe_auto_scaling_groups", arguments)
            for raw in _told(answer, "AutoScalingGroups", "autoscaling describe_auto_scaling_groups")
        }

    def complete(self, hook: str, group: str, instance: str, result: str) -> bool:
        """Complete a lifecycle hook (CONTINUE or ABANDON); False if it was not waiting any more."""
        return self._hook("complete_lifecycle_action", hook, group, instance, LifecycleActionResult=result)

    def heartbeat(self, hook: str, group: str, instance: str) -> bool:
        """Start a lifecycle hook's time anew; False if it was not waiting any more."""
        return self._hook("record_lifecycle_action_heartbeat", hook, group, instance)

    def _hook(self, operation: str, hook: str, group: str, instance: str, **more: Any) -> bool:
        try:
            self._call(
                "autoscaling",
                operation,
                LifecycleHookName=hook,
                AutoScalingGroupName=group,
                InstanceId=instance,
                **more,
            )
        except Unknown as error:
            if NO_ACTION.lower() in str(error).lower():
                return False
            raise
        return True

    def mark_unhealthy(self, instance: str) -> None:
        """Tell Auto Scaling that the instance is to be replaced, whatever its age."""
        self._call(
            "autoscaling",
            "set_instance_health",
            InstanceId=instance,
            HealthStatus="Unhealthy",
            ShouldRespectGracePeriod=False,
        )

    # EC2

    def instances(self, asker: str, ids: Iterable[str]) -> dict[str, Instance]:
        """The instances that EC2 knows among `ids`; Unknown unless each answer includes the asker itself.

        By filter, not by id: asking by id fails as a whole if one is absent, and absence is what matters.
        """
        return self._instances(asker, "instance-id", asker, sorted(set(ids) - {asker}))

    def instances_at(self, asker: str, own_address: str, addresses: Iterable[str]) -> dict[str, Instance]:
        """The instances at these private addresses; Unknown unless each answer includes the asker itself."""
        return self._instances(
            asker, "private-ip-address", own_address, sorted(set(addresses) - {own_address})
        )

    def _instances(self, asker: str, name: str, own: str, values: Sequence[str]) -> dict[str, Instance]:
        found: dict[str, Instance] = {}
        for batch in _batches(values, FILTER_VALUES - 1) or [()]:
            part: dict[str, Instance] = {}
            arguments = {"Filters": [{"Name": name, "Values": [own, *batch]}], "MaxResults": 1000}
            for answer in self._pages("ec2", "describe_instances", arguments):
                for reservation in _told(answer, "Reservations", "ec2 describe_instances"):
                    part |= {raw["InstanceId"]: read_instance(raw) for raw in reservation["Instances"]}
            if asker not in part:
                raise Unknown(
                    f"ec2 describe_instances: the answer lacks {asker}, who asked: it is not complete"
                )
            found |= part
        return found

    def zone_ids(self) -> dict[str, str]:
        """Zone names to zone ids; the names are this account's own, the ids everybody's."""
        answer = self._call("ec2", "describe_availability_zones")
        zones = _told(answer, "AvailabilityZones", "ec2 describe_availability_zones")
        return {zone["ZoneName"]: zone["ZoneId"] for zone in zones}

    def _pages(self, service: str, operation: str, arguments: Mapping[str, Any]) -> Iterable[Any]:
        more: dict[str, str] = {}
        while True:
            answer = self._call(service, operation, **arguments, **more)
            yield answer
            if not answer.get("NextToken"):
                return
            more = {"NextToken": answer["NextToken"]}


def _told(answer: Any, member: str, what: str) -> Any:
    """What every complete answer to the call has; Unknown without it: it says neither yes nor no."""
    if not isinstance(answer, Mapping) or member not in answer:
        raise Unknown(f"{what}: AWS's answer lacks {member}: it is not complete")
    return answer[member]


def _batches(values: Sequence[str], size: int) -> list[Sequence[str]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def read_group(raw: Mapping[str, Any]) -> Group:
    """One entry of DescribeAutoScalingGroups; zones are names there."""
    return Group(
        name=raw["AutoScalingGroupName"],
        desired=int(raw["DesiredCapacity"]),
        deleting=bool(raw.get("Status")),
        instances=tuple(
            GroupInstance(
                id=one["InstanceId"],
                lifecycle=one["LifecycleState"],
                healthy=one["HealthStatus"].lower() == "healthy",
                zone=one["AvailabilityZone"],
            )
            for one in raw.get("Instances", [])
        ),
    )


def read_instance(raw: Mapping[str, Any]) -> Instance:
    """One entry of DescribeInstances; the zone is a name there. An ended instance has no address."""
    state = raw["State"]["Name"]
    return Instance(
        id=raw["InstanceId"],
        state=state,
        address=raw.get("PrivateIpAddress") if state not in {"terminated", "shutting-down"} else None,
        zone=raw.get("Placement", {}).get("AvailabilityZone", ""),
    )
