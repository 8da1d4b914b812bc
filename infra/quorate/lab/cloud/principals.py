"""Who makes a call: the temporary credentials of an instance's role, or anybody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from quorate.lab.cloud.calls import Call
from quorate.lab.cloud.denials import Denial


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials of a role, as the metadata service hands them to an instance."""

    access_key_id: str
    secret_access_key: str
    token: str
    expiration: datetime
    last_updated: datetime
    role_name: str

    def __repr__(self) -> str:
        return f"Credentials({self.access_key_id}, role={self.role_name}, until={self.expiration:%H:%M:%S})"


@dataclass(frozen=True)
class Principal:
    """Who signed a call. The operator of the lab, with keys of no instance, has neither instance nor role."""

    access_key_id: str
    instance_id: str | None = None
    role_name: str | None = None

    @property
    def is_instance(self) -> bool:
        return self.instance_id is not None

    @property
    def name(self) -> str:
        """`role/instance`, or `operator`."""
        return f"{self.role_name}/{self.instance_id}" if self.is_instance else "operator"


Judge = Callable[[Principal, Call], Denial | None]
"""Why a call is denied, or None to let it through. It is asked with the cloud's lock held."""


def allow(_principal: Principal, _call: Call) -> Denial | None:
    """The judge that lets every call through."""
    return None


@dataclass(frozen=True)
class _Issued:
    credentials: Credentials
    principal: Principal


class Ledger:
    """Every credential that was handed to an instance, by access key."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._by_key: dict[str, _Issued] = {}
        self._current: dict[str, _Issued] = {}

    def record(self, instance_id: str, credentials: Credentials) -> None:
        principal = Principal(credentials.access_key_id, instance_id, credentials.role_name)
        issued = _Issued(credentials, principal)
        with self._lock:
            self._by_key[credentials.access_key_id] = issued
            self._current[instance_id] = issued

    def current(self, instance_id: str, role_name: str) -> Credentials | None:
        """The instance's credentials, unless half of their life is over or its role is another by now."""
        with self._lock:
            issued = self._current.get(instance_id)
        if issued is None or issued.credentials.role_name != role_name:
            return None
        life = issued.credentials.expiration - issued.credentials.last_updated
        used = datetime.now(UTC) - issued.credentials.last_updated
        return issued.credentials if used < life / 2 else None

    def principal(self, access_key_id: str) -> Principal:
        with self._lock:
            issued = self._by_key.get(access_key_id)
        return issued.principal if issued else Principal(access_key_id)

    def refuses(self, call: Call) -> str | None:
        """AWS's error code when an instance's credentials cannot be used any more or lack their token."""
        with self._lock:
            issued = self._by_key.get(call.access_key_id)
        if issued is None:
            return None
        if call.session_token != issued.credentials.token:
            return "InvalidClientTokenId"
        if issued.credentials.expiration <= datetime.now(UTC):
            return "ExpiredToken"
        return None

    def expire(self, instance_id: str) -> None:
        """The instance's present credentials end now."""
        with self._lock:
            issued = self._current.pop(instance_id, None)
            if issued is None:
                return
            past = datetime.now(UTC) - timedelta(seconds=1)
            ended = Credentials(
                issued.credentials.access_key_id,
                issued.credentials.secret_access_key,
                issued.credentials.token,
                past,
                issued.credentials.last_updated,
                issued.credentials.role_name,
            )
            self._by_key[ended.access_key_id] = _Issued(ended, issued.principal)
