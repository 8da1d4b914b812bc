"""Security groups, and their rules as resources of their own."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from quorate.lab.provider.aws import Aws
from quorate.lab.provider.row import Change, Made, Wait, in_use, pick
from quorate.lab.provider.rows.ec2 import PAGE, TAGS, Ec2Row, retag, tag_map
from quorate.lab.provider.rows.ec2_network import interfaces
from quorate.lab.provider.schema import Failure, Kind, Property
from quorate.lab.provider.values import Values

ALL_EGRESS: Final = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


class SecurityGroup(Ec2Row):
    token = "aws:ec2/securityGroup:SecurityGroup"
    page = PAGE + "security_group"
    kind = "security-group"
    describe = ("describe_security_groups", "GroupIds", "SecurityGroups")
    absent = ("InvalidGroup.NotFound",)
    # "A simple security group name change forces new the security group ... Likewise, description,
    # name_prefix, or vpc_id cannot be changed" (the page, under Recreating a Security Group).
    properties: ClassVar = {
        "name": Property(Kind.TEXT, computed=True, replaces='the page: a name change "forces new" the group'),
        "description": Property(
            Kind.TEXT,
            default="Managed by Pulumi",
            replaces="the page: likewise, description cannot be changed",
        ),
        "vpcId": Property(Kind.TEXT, computed=True, replaces="the page: likewise, vpc_id cannot be changed"),
        "tags": TAGS,
    }
    outputs = frozenset({"arn", "ownerId"})
    name_property = "name"
    delete_seconds = 900.0

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        made = aws.call(
            "ec2",
            "create_security_group",
            Description=inputs.get("description", "Managed by Pulumi"),
            **pick(inputs, GroupName="name", VpcId="vpcId"),
            **self.tagged(inputs),
        )
        return Made(made["GroupId"], {"arn": made["SecurityGroupArn"], "ownerId": aws.account})

    def settle(self, aws: Aws, id_: str, inputs: Values, told: Values, wait: Wait) -> Values:
        # AWS lets a new group talk to everyone; the official provider takes that rule away.
        gone = ("InvalidPermission.NotFound",)
        aws.lookup("ec2", "revoke_security_group_egress", gone, GroupId=id_, IpPermissions=ALL_EGRESS)
        return {}

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        group = self.seen(aws, id_)
        if group is None:
            return None
        return {
            "arn": group["SecurityGroupArn"],
            "ownerId": group["OwnerId"],
            "name": group["GroupName"],
            "description": group["Description"],
            "vpcId": group["VpcId"],
            "tags": tag_map(group.get("Tags")),
        }

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        retag(aws, id_, change.old, change.new)
        return {}

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        holders = interfaces(aws, "group-id", id_) + self._referers(aws, id_)
        if holders:
            raise in_use(
                f"security group {id_}", ", ".join(holders), "Delete these first (DependencyViolation)"
            )
        aws.lookup("ec2", "delete_security_group", self.absent, GroupId=id_)

    @staticmethod
    def _referers(aws: Aws, id_: str) -> list[str]:
        groups = aws.call("ec2", "describe_security_groups")["SecurityGroups"]
        return [
            group["GroupId"]
            for group in groups
            if group["GroupId"] != id_
            for rule in (*group["IpPermissions"], *group["IpPermissionsEgress"])
            if any(pair.get("GroupId") == id_ for pair in rule.get("UserIdGroupPairs", []))
        ]

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        return [
            group["GroupId"]
            for group in self.where(aws, group_name=inputs["name"], vpc_id=inputs["vpcId"])
            if tag_map(group.get("Tags")) == inputs.get("tags", {})
        ]


class _Rule(Ec2Row):
    """One rule of a group, for one peer."""

    kind = "security-group-rule"
    describe = ("describe_security_group_rules", "SecurityGroupRuleIds", "SecurityGroupRules")
    absent = ("InvalidSecurityGroupRuleId.NotFound", "InvalidGroup.NotFound")
    properties: ClassVar = {
        "securityGroupId": Property(
            Kind.TEXT,
            required=True,
            replaces="vpc_security_group_*_rule schema: security_group_id RequiresReplace",
        ),
        "ipProtocol": Property(Kind.TEXT, required=True),
        "fromPort": Property(Kind.WHOLE),
        "toPort": Property(Kind.WHOLE),
        "cidrIpv4": Property(Kind.TEXT),
        "prefixListId": Property(Kind.TEXT),
        "referencedSecurityGroupId": Property(Kind.TEXT),
        "description": Property(Kind.TEXT),
        "tags": TAGS,
    }
    outputs = frozenset({"arn", "securityGroupRuleId"})
    peers: ClassVar = ("cidrIpv4", "prefixListId", "referencedSecurityGroupId")
    egress: ClassVar[bool]

    def check(self, inputs: Values) -> list[Failure]:
        given = [peer for peer in self.peers if peer in inputs]
        return (
            []
            if len(given) == 1
            else [Failure("cidrIpv4", f"exactly one of {', '.join(self.peers)} names the peer")]
        )

    def forces_new(self, old: Values, new: Values, changed: list[str]) -> set[str]:
        # vpc_security_group_*_rule, ModifyPlan: the kind of peer of a rule cannot be modified.
        before = {peer for peer in self.peers if old.get(peer)}
        after = {peer for peer in self.peers if new.get(peer)}
        return before | after if before != after else set()

    def _ports(self, inputs: Values) -> dict[str, int]:
        # AWS keeps -1 where a protocol has no ports; moto fails unless it is told so.
        return {"FromPort": inputs.get("fromPort", -1), "ToPort": inputs.get("toPort", -1)}

    def _permission(self, inputs: Values) -> dict[str, Any]:
        about = pick(inputs, Description="description")
        permission: dict[str, Any] = {"IpProtocol": inputs["ipProtocol"], **self._ports(inputs)}
        if "cidrIpv4" in inputs:
            permission["IpRanges"] = [{"CidrIp": inputs["cidrIpv4"], **about}]
        if "prefixListId" in inputs:
            permission["PrefixListIds"] = [{"PrefixListId": inputs["prefixListId"], **about}]
        if "referencedSecurityGroupId" in inputs:
            permission["UserIdGroupPairs"] = [{"GroupId": inputs["referencedSecurityGroupId"], **about}]
        return permission

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        side = "egress" if self.egress else "ingress"
        rule = aws.call(
            "ec2",
            f"authorize_security_group_{side}",
            GroupId=inputs["securityGroupId"],
            IpPermissions=[self._permission(inputs)],
            **self.tagged(inputs),
        )["SecurityGroupRules"][0]
        return Made(rule["SecurityGroupRuleId"], self._told(aws, rule["SecurityGroupRuleId"]), settled=True)

    def _told(self, aws: Aws, id_: str) -> Values:
        return {"arn": aws.arn("ec2", f"security-group-rule/{id_}"), "securityGroupRuleId": id_}

    def _rules(self, aws: Aws, group: str) -> list[dict[str, Any]]:
        wanted = [{"Name": "group-id", "Values": [group]}]
        answer = aws.lookup("ec2", "describe_security_group_rules", self.absent, Filters=wanted)
        rules = answer["SecurityGroupRules"] if answer else []
        return [rule for rule in rules if rule["IsEgress"] == self.egress]

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        rules = self._rules(aws, inputs["securityGroupId"])
        rule = next((each for each in rules if each["SecurityGroupRuleId"] == id_), None)
        return None if rule is None else self._told(aws, id_) | self._as_inputs(rule)

    @staticmethod
    def _as_inputs(rule: dict[str, Any]) -> Values:
        return {
            "securityGroupId": rule["GroupId"],
            "ipProtocol": rule["IpProtocol"],
            "fromPort": None if rule.get("FromPort") == -1 else rule.get("FromPort"),
            "toPort": None if rule.get("ToPort") == -1 else rule.get("ToPort"),
            "cidrIpv4": rule.get("CidrIpv4", ""),
            "prefixListId": rule.get("PrefixListId", ""),
            "referencedSecurityGroupId": rule.get("ReferencedGroupInfo", {}).get("GroupId", ""),
            "description": rule.get("Description"),
            "tags": tag_map(rule.get("Tags")),
        }

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        if change.names != ["tags"]:
            rule = {"IpProtocol": change.new["ipProtocol"], **self._ports(change.new)} | pick(
                change.new,
                CidrIpv4="cidrIpv4",
                PrefixListId="prefixListId",
                ReferencedGroupId="referencedSecurityGroupId",
                Description="description",
            )
            aws.call(
                "ec2",
                "modify_security_group_rules",
                GroupId=change.new["securityGroupId"],
                SecurityGroupRules=[{"SecurityGroupRuleId": id_, "SecurityGroupRule": rule}],
            )
        retag(aws, id_, change.old, change.new)
        return {}

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        side = "egress" if self.egress else "ingress"
        gone = (*self.absent, "InvalidPermission.NotFound")
        group = inputs["securityGroupId"]
        aws.lookup("ec2", f"revoke_security_group_{side}", gone, GroupId=group, SecurityGroupRuleIds=[id_])

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        # AWS takes no rule twice, so protocol, ports and peer name it.
        facts = ("ipProtocol", "fromPort", "toPort", *self.peers)
        wanted = {fact: inputs.get(fact) or None for fact in facts}
        rules = [
            (rule["SecurityGroupRuleId"], self._as_inputs(rule))
            for rule in self._rules(aws, inputs["securityGroupId"])
        ]
        return [id_ for id_, seen in rules if {fact: seen.get(fact) or None for fact in facts} == wanted]


class IngressRule(_Rule):
    token = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    page = PAGE + "vpc_security_group_ingress_rule"
    egress = False


class EgressRule(_Rule):
    token = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
    page = PAGE + "vpc_security_group_egress_rule"
    egress = True
