"""The only way from the lab to AWS: boto3 clients of verified loopback endpoints, and one tree of errors."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

import boto3
import botocore.loaders
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from quorate.errors import Failed, Unknown

SERVICES: Final = ("autoscaling", "dynamodb", "ec2", "iam", "kms", "ssm", "sts")


_MODELS: Final = botocore.loaders.create_loader()
"""The services' models, read once in a process: reading them takes longer than most calls."""
_MAKING: Final = threading.Lock()


def _session(region: str) -> boto3.session.Session:
    inner = botocore.session.get_session()
    inner.register_component("data_loader", _MODELS)
    return boto3.session.Session("lab", "lab", region_name=region, botocore_session=inner)


class AwsRefused(Failed):
    """AWS answered, and the answer is no."""

    def __init__(self, call: str, code: str, message: str) -> None:
        super().__init__(f"{call}: {code}: {' '.join(message.split())}")
        self.code = code


class AwsSilent(Unknown):
    """AWS did not answer, or not so that it is known what happened."""


class Aws:
    """boto3 clients, made when first needed and kept; safe to use from several threads."""

    def __init__(self, endpoints: Mapping[str, str], region: str) -> None:
        self.region = region
        self._endpoints = dict(endpoints)
        self._session = _session(region)
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """The client of a service; a service without a verified endpoint has none."""
        with _MAKING:
            if service not in self._clients:
                self._clients[service] = self._session.client(
                    service,
                    endpoint_url=self._endpoints[service],
                    config=Config(
                        # A repeated create could make a second thing; the next run looks first.
                        retries={"total_max_attempts": 1},
                        proxies={},
                        max_pool_connections=64,
                        connect_timeout=5,
                        read_timeout=60,
                        parameter_validation=False,
                        tcp_keepalive=True,
                    ),
                )
            return self._clients[service]

    def call(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """One AWS call. Raises AwsRefused for a clear no, AwsSilent where the outcome is not known."""
        name = f"{service} {operation.replace('_', '-')}"
        try:
            answer: dict[str, Any] = getattr(self.client(service), operation)(**arguments)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            told = error.response.get("Error", {})
            if status >= 500 or status == 429:
                raise AwsSilent(
                    f"{name}: AWS failed ({status}: {told.get('Message') or 'no reason given'})"
                ) from None
            raise AwsRefused(name, str(told.get("Code")), str(told.get("Message"))) from None
        except ParamValidationError as error:
            raise AwsRefused(name, "ParamValidation", str(error)) from None
        except BotoCoreError as error:
            raise AwsSilent(f"{name}: AWS did not answer at {self._endpoints[service]} ({error})") from None
        return answer

    def lookup(
        self, service: str, operation: str, absent: tuple[str, ...], **arguments: Any
    ) -> dict[str, Any] | None:
        """As `call`, with None for the error codes that say the thing is not there."""
        try:
            return self.call(service, operation, **arguments)
        except AwsRefused as refused:
            if refused.code in absent:
                return None
            raise

    @cached_property
    def account(self) -> str:
        """The account's id."""
        return str(self.call("sts", "get_caller_identity")["Account"])

    @property
    def partition(self) -> str:
        """aws, aws-cn or aws-us-gov."""
        return str(self._session.get_partition_for_region(self.region))

    def arn(self, service: str, resource: str, *, regional: bool = True) -> str:
        """An ARN of this account."""
        region = self.region if regional else ""
        return f"arn:{self.partition}:{service}:{region}:{self.account}:{resource}"
