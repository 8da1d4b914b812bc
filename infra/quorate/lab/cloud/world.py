"""moto, held by the hand: its imports, its reset, and the one place that reaches into its backends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any

from quorate.lab.cloud import quick_start  # isort: skip  (before any other import of moto)

from moto.autoscaling.models import autoscaling_backends
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.utils import get_service_model
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sts.models import sts_backends

from quorate.lab.cloud import ec2, scaling, ssm
from quorate.lab.cloud.principals import Credentials
from quorate.lab.cloud.scaling.backend import Backend
from quorate.lab.cloud.timing import Timing

ACCOUNT: str = DEFAULT_ACCOUNT_ID
PARTITION = "aws"
SERVICES = ("ec2", "iam", "autoscaling", "kms", "ssm", "dynamodb", "sts")
"""What a cluster is made of."""


def create(timing: Timing, closed_zones: set[str]) -> DomainDispatcherApplication:
    """An empty AWS as a WSGI application. moto keeps it in module-level names: one at a time in a process."""
    quick_start.without_images()
    clear()
    ec2.install(closed_zones)
    scaling.install(timing)
    ssm.install()
    return DomainDispatcherApplication(create_backend_app)


def clear() -> None:
    """Everything that was created is forgotten."""
    BackendDict.reset()
    reset_model_data()


def preload(application: DomainDispatcherApplication, lock: RLock) -> None:
    """Make what the first caller of each service would otherwise wait for."""
    for service in SERVICES:
        scope = f"AWS4-HMAC-SHA256 Credential=none/20000101/us-east-1/{service}/aws4_request"
        with lock:
            application.get_application(
                {"HTTP_AUTHORIZATION": scope, "HTTP_X_AMZ_TARGET": "DynamoDB_20120810.", "PATH_INFO": "/"}
            )
        get_service_model(service)


def ec2_in_use() -> Iterator[ec2.Backend]:
    for _account, _region, backend in ec2_backends.iter_backends():
        assert isinstance(backend, ec2.Backend)
        yield backend


def members() -> Iterator[Any]:
    """Every instance that belongs to an Auto Scaling group, as its group knows it."""
    for _account, _region, backend in autoscaling_backends.iter_backends():
        assert isinstance(backend, Backend)
        for group in backend.groups():
            yield from group.members


def role_of(profile_arn: str) -> str | None:
    """The name of the role in an instance profile, None when either is gone."""
    account = profile_arn.split(":")[4]
    for profile in iam_backends[account][PARTITION].instance_profiles.values():
        if profile.arn == profile_arn and profile.roles:
            return str(profile.roles[0].name)
    return None


def assume_role(role_name: str, instance_id: str, region: str, seconds: int) -> Credentials | None:
    """Temporary credentials of a role for an instance, None when there is no such role."""
    roles = [r for r in iam_backends[ACCOUNT][PARTITION].roles.values() if r.name == role_name]
    if not roles:
        return None
    assumed = sts_backends[ACCOUNT][PARTITION].assume_role(
        region_name=region,
        role_session_name=instance_id,
        role_arn=roles[0].arn,
        policy="",
        duration=seconds,
        external_id="",
    )
    now = datetime.now(UTC)
    return Credentials(
        access_key_id=assumed.access_key_id,
        secret_access_key=assumed.secret_access_key,
        token=assumed.session_token,
        expiration=now + timedelta(seconds=seconds),
        last_updated=now,
        role_name=role_name,
    )
