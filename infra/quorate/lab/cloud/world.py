"""moto, held by the hand: its imports, its reset, and the one place that reaches into its backends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import moto.settings

moto.settings.DISABLE_GLOBAL_CORS = True  # a browser's concern, and a hook on every request

from moto.autoscaling.models import autoscaling_backends  # noqa: E402
from moto.core.models import DEFAULT_ACCOUNT_ID  # noqa: E402
from moto.core.base_backend import BackendDict  # noqa: E402
from moto.core.model_instances import reset_model_data  # noqa: E402
from moto.ec2.models import ec2_backends  # noqa: E402
from moto.iam.models import iam_backends  # noqa: E402
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402
from moto.sts.models import sts_backends  # noqa: E402

from quorate.lab.cloud import ec2, scaling, ssm  # noqa: E402
from quorate.lab.cloud.principals import Credentials  # noqa: E402
from quorate.lab.cloud.scaling.backend import Backend  # noqa: E402
from quorate.lab.cloud.timing import Timing  # noqa: E402

ACCOUNT: str = DEFAULT_ACCOUNT_ID
PARTITION = "aws"


def create(timing: Timing, closed_zones: set[str]) -> Any:
    """An empty AWS as a WSGI application. moto keeps it in module-level names: one at a time in a process."""
    moto.settings.ec2_load_default_amis = lambda: False
    clear()
    ec2.install(closed_zones)
    scaling.install(timing)
    ssm.install()
    return DomainDispatcherApplication(create_backend_app)


def clear() -> None:
    """Everything that was created is forgotten."""
    BackendDict.reset()
    reset_model_data()


def warm_up(region: str) -> None:
    """Make what every lab needs before the first caller would wait for it."""
    ec2_backends[ACCOUNT][region]
    autoscaling_backends[ACCOUNT][region]
    iam_backends[ACCOUNT][PARTITION]


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
