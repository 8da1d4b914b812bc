"""Whom the provider may speak to: this machine's own cloud, and no one else.

The provider answers to the name of the official one, so it first makes sure that every endpoint is a
loopback address and that the cloud behind it is the lab that the caller means, by its nonce.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from quorate.errors import Refused, UsageError
from quorate.lab.provider.aws import SERVICES

NONCE_PATH: Final = "/quorate-lab/nonce"
NONCE_VARIABLE: Final = "QUORATE_LAB_NONCE"

IGNORED: Final = frozenset(
    {
        "accessKey",
        "secretKey",
        "token",
        "version",
        "pluginDownloadURL",
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRegionValidation",
        "skipRequestingAccountId",
        "s3UsePathStyle",
    }
)
"""What the official provider reads and a loopback endpoint has no use for."""


@dataclass(frozen=True)
class Configuration:
    """A region, and an endpoint for every service that the lab uses."""

    region: str
    endpoints: Mapping[str, str]

    @classmethod
    def everywhere(cls, endpoint: str, region: str) -> Configuration:
        """One endpoint for all services."""
        return cls(region, dict.fromkeys(SERVICES, endpoint))

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Configuration:
        """From a provider's inputs; values may be JSON text, as the CLI hands them over."""
        values = {name: _decoded(value) for name, value in given.items() if value is not None}
        strange = sorted(set(values) - IGNORED - {"region", "endpoints"})
        if strange:
            raise UsageError(f"aws:{strange[0]}: the lab's provider does not know this setting; take it out")
        region = values.get("region")
        if not isinstance(region, str) or not region:
            raise UsageError(
                "aws:region is not set; set it to the region that the stack names, such as us-east-1"
            )
        endpoints: dict[str, str] = {}
        for block in values.get("endpoints") or []:
            endpoints |= {service: url for service, url in block.items() if url}
        return cls(region, endpoints)


def _decoded(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def verify(configuration: Configuration, nonce: str) -> None:
    """Raises Refused unless every endpoint is this machine's and answers with the lab's nonce."""
    missing = [service for service in SERVICES if service not in configuration.endpoints]
    if missing:
        raise Refused(
            f"aws:endpoints without {', '.join(missing)}",
            "every service needs an endpoint on this machine",
            "without one it would be the real AWS",
            'Use the stack "lab", or for a real stack the official provider: leave out scripts/lab env',
        )
    if not nonce:
        raise Refused(
            f"{NONCE_VARIABLE} is not set",
            "it must hold the running lab's nonce",
            "without it this could be another's cloud",
            'Run eval "$(scripts/lab env)" first',
        )
    for endpoint in sorted(set(configuration.endpoints.values())):
        _require_loopback(endpoint)
        _require_nonce(endpoint, nonce)


def _require_loopback(endpoint: str) -> None:
    parts = urlsplit(endpoint)
    try:
        local = ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        local = False
    if not local or parts.scheme != "http":
        raise Refused(
            f"aws:endpoints {endpoint}",
            "only http:// on 127.0.0.0/8 or ::1 is allowed",
            "the lab's provider never speaks to another machine",
            "Set it to the address that scripts/lab env shows",
        )


def _require_nonce(endpoint: str, nonce: str) -> None:
    found = ask_nonce(endpoint)
    if found != nonce:
        raise Refused(
            f"the cloud at {endpoint}",
            "its nonce is not this lab's",
            "it is another lab's cloud, or this lab's was started anew",
            'Run eval "$(scripts/lab env)" again',
        )


def ask_nonce(endpoint: str) -> str | None:
    """The nonce of the cloud there; None where something else answers. Raises Refused for silence."""
    parts = urlsplit(endpoint)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=10)
    try:
        connection.request("GET", NONCE_PATH)
        answer = connection.getresponse()
        body = answer.read(4096)
    except (OSError, http.client.HTTPException) as error:
        raise Refused(
            f"the lab's cloud at {endpoint}",
            f"it does not answer ({error})",
            "it is not running",
            "Start it with scripts/lab start; the state is kept",
        ) from None
    finally:
        connection.close()
    try:
        return str(json.loads(body)["nonce"]) if answer.status == 200 else None
    except (ValueError, KeyError, TypeError):
        return None
