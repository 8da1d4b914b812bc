"""KMS: the key by its ARN, and the encryption context; also for the services that call it in one's name.

Source: "Condition keys for AWS KMS": kms:EncryptionContext:KEY, in the names of which case does not matter.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from quorate.lab.cloud.judge.ask import Ask
from quorate.lab.cloud.judge.needs.question import Question

CONTEXT = "kms:EncryptionContext:"

_CRYPTO = frozenset(
    {
        "Encrypt",
        "Decrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
    }
)
_KEY = frozenset(
    {
        "DescribeKey",
        "GetKeyPolicy",
        "PutKeyPolicy",
        "CreateGrant",
        "ListGrants",
        "RevokeGrant",
        "GetKeyRotationStatus",
        "DisableKeyRotation",
        "DisableKey",
        "EnableKey",
        "ScheduleKeyDeletion",
        "CancelKeyDeletion",
        "ListResourceTags",
        "ListKeyPolicies",
    }
)
_UNLIMITED = frozenset({"CreateKey", "ListKeys", "ListAliases", "GenerateRandom"})
_KEY_ID_BYTES = 36
"""What moto puts in front of a ciphertext."""


def asks(question: Question) -> list[Ask] | None:
    """None for a call that cannot be judged."""
    action = question.call.action
    if action in _UNLIMITED:
        return [question.ask(question.call.name, "*")]
    if action not in _CRYPTO and action not in _KEY:
        return None
    key_id = question.text("KeyId") or _inside(question.text("CiphertextBlob"))
    given = question.call.parameters.get("EncryptionContext")
    pairs = given if action in _CRYPTO and isinstance(given, dict) else {}
    return [use(question, action, key_id, {str(k): str(v) for k, v in pairs.items()})]


def use(
    question: Question, action: str, key_id: str | None, encryption: Mapping[str, str], via: str = ""
) -> Ask:
    """An action with a key; a key that there is not has no ARN, and cannot be judged.

    `via` is the service that calls KMS in the caller's name, empty where nobody does.
    """
    key = question.stored.key(question.call.region, key_id) if key_id else None
    pairs: list[tuple[str, str | list[str]]] = [
        ("kms:CallerAccount", question.stored.account),
        ("kms:ViaService", f"{via}.{question.call.region}.amazonaws.com" if via else []),
        ("kms:EncryptionContextKeys", list(encryption)),
        *((f"{CONTEXT}{name}", value) for name, value in encryption.items()),
    ]
    return question.ask(
        f"kms:{action}",
        key.arn if key else None,
        pairs,
        [f"{CONTEXT}*", "kms:EncryptionContextKeys", "kms:ViaService"],
    )


def _inside(ciphertext: str | None) -> str | None:
    """The id of the key that a ciphertext was made with."""
    try:
        blob = base64.b64decode(ciphertext or "", validate=True)
        return blob[:_KEY_ID_BYTES].decode("ascii") or None
    except (binascii.Error, UnicodeDecodeError):
        return None
