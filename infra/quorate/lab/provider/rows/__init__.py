"""The rows: one resource type each, one file for each concern of an AWS service."""

from __future__ import annotations

from quorate.lab.provider.row import Row
from quorate.lab.provider.rows.autoscaling import Group
from quorate.lab.provider.rows.dynamodb import Table, TableItem
from quorate.lab.provider.rows.ec2_endpoints import VpcEndpoint
from quorate.lab.provider.rows.ec2_firewall import EgressRule, IngressRule, SecurityGroup
from quorate.lab.provider.rows.ec2_gateways import Eip, InternetGateway, NatGateway
from quorate.lab.provider.rows.ec2_network import Subnet, Vpc
from quorate.lab.provider.rows.ec2_routes import Route, RouteTable, RouteTableAssociation
from quorate.lab.provider.rows.ec2_templates import LaunchTemplate
from quorate.lab.provider.rows.iam import InstanceProfile, Role, RolePolicy
from quorate.lab.provider.rows.kms import Alias, Grant, Key
from quorate.lab.provider.rows.ssm import Parameter

ROWS: dict[str, Row] = {
    row.token: row()
    for row in (
        Vpc,
        Subnet,
        InternetGateway,
        Eip,
        NatGateway,
        RouteTable,
        Route,
        RouteTableAssociation,
        VpcEndpoint,
        SecurityGroup,
        IngressRule,
        EgressRule,
        Role,
        RolePolicy,
        InstanceProfile,
        Key,
        Alias,
        Grant,
        Table,
        TableItem,
        Parameter,
        LaunchTemplate,
        Group,
    )
}

__all__ = ["ROWS"]
