"""Security group rules: protocols without ports, and descriptions on every kind of source."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import InvalidParameterValue
from moto.ec2.models.security_groups import SecurityGroupRule

_WITH_PORTS = frozenset({"tcp", "udp", "6", "17"})
_ALL_PORTS = "-1"


class Rule(SecurityGroupRule):
    """A rule as "AuthorizeSecurityGroupIngress" takes it: ESP and the like have no ports."""

    def __init__(  # noqa: PLR0917 (moto's signature)
        self,
        ec2_backend: Any,
        ip_protocol: str,
        group_id: str,
        from_port: str | None,
        to_port: str | None,
        ip_range: dict[str, str] | None,
        source_group: dict[str, str] | None = None,
        prefix_list_id: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        if str(ip_protocol).lower() in _WITH_PORTS and None in (from_port, to_port):
            raise InvalidParameterValue(
                "Invalid value for portRange. Must specify both from and to ports with TCP/UDP."
            )
        super().__init__(
            ec2_backend,
            ip_protocol,
            group_id,
            _ALL_PORTS if from_port is None else from_port,
            _ALL_PORTS if to_port is None else to_port,
            ip_range,
            source_group,
            prefix_list_id,
            **more,
        )
        self._said_of_list = (prefix_list_id or {}).get("Description")

    @property
    def description(self) -> str | None:
        return super().description or self.source_group.get("Description") or self._said_of_list
