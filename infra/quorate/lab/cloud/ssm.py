"""Parameter Store: which key encrypts a SecureString, as AWS says it."""

from __future__ import annotations

from typing import Any, ClassVar

from moto.kms.models import kms_backends
from moto.ssm.exceptions import SSMException
from moto.ssm.models import Parameter, SimpleSystemManagerBackend, ssm_backends
from moto.ssm.responses import SimpleSystemManagerResponse

DEFAULT_KEY = "alias/aws/ssm"
"""Used when a call names no key, even where the version before was under another ("PutParameter")."""


class InvalidKeyId(SSMException):
    """The named key does not exist or cannot be used."""

    code = "InvalidKeyId"

    def __init__(self, key_id: str) -> None:
        super().__init__("InvalidKeyId", f"Invalid keyId {key_id}")


class Backend(SimpleSystemManagerBackend):
    """moto's Systems Manager; a call without KeyId can be told from one with it."""

    @property
    def _url_module(self) -> Any:
        return _Urls

    def put_parameter(  # noqa: PLR0917 (moto's signature)
        self,
        name: str,
        description: str,
        value: str,
        parameter_type: str,
        allowed_pattern: str,
        keyid: str,
        *args: Any,
        **kwargs: Any,
    ) -> Parameter:
        known = self._parameters.get(name)
        kind = parameter_type or (known[-1].parameter_type if known else "")
        if kind == "SecureString":
            keyid = self._key(keyid)
        return super().put_parameter(
            name, description, value, parameter_type, allowed_pattern, keyid, *args, **kwargs
        )

    def _key(self, key_id: str) -> str:
        if not key_id or key_id == DEFAULT_KEY:
            return DEFAULT_KEY
        keys = kms_backends[self.account_id][self.region_name]
        resolved = keys.any_id_to_key_id(key_id)
        key = keys.keys.get(resolved)
        if key is None or key.key_state != "Enabled":
            raise InvalidKeyId(key_id)
        return key_id


class _Urls:
    url_bases: ClassVar[list[str]] = [
        r"https?://ssm\.(.+)\.amazonaws\.com",
        r"https?://ssm\.(.+)\.amazonaws\.com\.cn",
    ]
    url_paths: ClassVar[dict[str, Any]] = {"{0}/$": SimpleSystemManagerResponse.dispatch}


def install() -> None:
    """From now on moto's Systems Manager is this one."""
    ssm_backends.backend = Backend
