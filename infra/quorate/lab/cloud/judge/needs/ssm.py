"""Parameter Store: the parameter's ARN, and what a SecureString needs of its key.

Source: "How AWS Systems Manager Parameter Store uses AWS KMS": standard parameters are encrypted by Encrypt,
advanced ones under a data key, and the encryption context holds PARAMETER_ARN. The account's own key
(alias/aws/ssm) is open to everybody of the account through SSM.
"""

from __future__ import annotations

from quorate.lab.cloud.judge.ask import Ask
from quorate.lab.cloud.judge.needs import kms
from quorate.lab.cloud.judge.needs.question import Question
from quorate.lab.cloud.judge.stored import Parameter

_BY_NAME = frozenset(
    {
        "GetParameter",
        "GetParameterHistory",
        "DeleteParameter",
        "LabelParameterVersion",
        "UnlabelParameterVersion",
    }
)
_BY_NAMES = frozenset({"GetParameters", "DeleteParameters"})
_TAGGING = frozenset({"AddTagsToResource", "RemoveTagsFromResource", "ListTagsForResource"})


def asks(question: Question) -> list[Ask] | None:
    """None for a call that cannot be judged."""
    action = question.call.action
    if action == "PutParameter":
        return _put(question)
    if action == "GetParametersByPath":
        return _below(question, question.text("Path") or "")
    if action == "DescribeParameters":
        return [question.ask(question.call.name, "*")]
    names = _names(question, action)
    return None if names is None else _named(question, names)


def _names(question: Question, action: str) -> list[str | None] | None:
    if action in _BY_NAME:
        return [question.text("Name")]
    if action in _BY_NAMES:
        return [*question.texts("Names")] or [None]
    if action in _TAGGING and question.text("ResourceType") == "Parameter":
        return [question.text("ResourceId")]
    return None


def _below(question: Question, path: str) -> list[Ask]:
    """AWS looks at the path alone, whatever may be said of the parameters below it."""
    below = question.stored.parameters_below(question.call.region, path)
    asked = question.ask(question.call.name, _arn(question, path))
    return [asked, *(key for one in below for key in _open(question, one))]


def _named(question: Question, names: list[str | None]) -> list[Ask]:
    needed = []
    for name in names:
        plain = _without_selector(name) if name else None
        needed.append(question.ask(question.call.name, _arn(question, plain) if plain else None))
        if plain:
            held = question.stored.parameter(question.call.region, _name(plain))
            needed += _open(question, held) if held else []
    return needed


def _open(question: Question, held: Parameter) -> list[Ask]:
    """What reading a text needs of its key: nothing unless it is to be decrypted."""
    if question.call.parameters.get("WithDecryption") is not True or not held.secure or held.key_id is None:
        return []
    encryption = {"PARAMETER_ARN": _arn(question, held.name)}
    return [kms.use(question, "Decrypt", held.key_id, encryption, via="ssm")]


def _put(question: Question) -> list[Ask]:
    name = question.text("Name")
    overwrite = str(question.call.parameters.get("Overwrite") is True).lower()
    put = question.ask(
        question.call.name, _arn(question, name) if name else None, [("ssm:Overwrite", overwrite)]
    )
    if name is None:
        return [put]
    needed = [put]
    if question.call.parameters.get("Tags"):
        needed.append(question.ask("ssm:AddTagsToResource", put.resource))
    held = question.stored.parameter(question.call.region, _name(name))
    kind = question.text("Type") or ("SecureString" if held and held.secure else "String")
    key_id = question.text("KeyId")
    if kind == "SecureString" and key_id and not key_id.startswith("alias/aws/"):
        action = "Encrypt" if question.text("Tier") in (None, "Standard") else "GenerateDataKey"
        encryption = {"PARAMETER_ARN": _arn(question, name)}
        needed.append(kms.use(question, action, key_id, encryption, via="ssm"))
    return needed


def _arn(question: Question, name: str) -> str:
    if name.startswith("arn:"):
        return name
    return question.arn("ssm", f"parameter/{name.removeprefix('/')}")


def _name(name: str) -> str:
    """A parameter's name, also from its ARN."""
    return "/" + name.partition(":parameter/")[2] if name.startswith("arn:") else name


def _without_selector(name: str) -> str:
    """Without the version or label that a read may ask for (`name:3`)."""
    if name.startswith("arn:"):
        return ":".join(name.split(":")[:6])
    return name.partition(":")[0]
