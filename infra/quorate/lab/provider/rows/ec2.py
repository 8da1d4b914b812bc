"""What every EC2 row shares: tags at birth, tags later, and looking one thing up by its id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from quorate.lab.provider.aws import Aws
from quorate.lab.provider.row import Row
from quorate.lab.provider.schema import Kind, Property
from quorate.lab.provider.values import Values

INTENT_TAG: Final = "quorate:intent"
"""Marks a thing without a name of its own, so that a run after a crash knows it again; reads leave it out."""

TAGS: Final = Property(Kind.TEXT_MAP)
PAGE: Final = "https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/"


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as most AWS services take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_map(tags: list[dict[str, str]] | None) -> dict[str, str]:
    """Tags as Pulumi has them, without AWS's and the lab's own."""
    return {
        tag["Key"]: tag["Value"]
        for tag in tags or []
        if not tag["Key"].startswith("aws:") and tag["Key"] != INTENT_TAG
    }


class Ec2Row(Row):
    """An EC2 resource that carries tags and is described by `describe`."""

    kind: ClassVar[str]
    """Its name in TagSpecifications."""
    describe: ClassVar[tuple[str, str, str]]
    """The describing operation, the argument that takes ids, the answer's list."""
    absent: ClassVar[tuple[str, ...]]
    """Error codes that say it is not there."""

    def tagged(self, inputs: Values, intent: str | None = None) -> dict[str, Any]:
        """The TagSpecifications argument of the making call."""
        tags = dict(inputs.get("tags", {}))
        if intent:
            tags[INTENT_TAG] = intent
        return {"TagSpecifications": [{"ResourceType": self.kind, "Tags": tag_list(tags)}]} if tags else {}

    def seen(self, aws: Aws, id_: str) -> dict[str, Any] | None:
        """The thing as AWS describes it, or None."""
        operation, ids, answers = self.describe
        answer = aws.lookup("ec2", operation, self.absent, **{ids: [id_]})
        found = answer[answers] if answer else []
        return found[0] if found else None

    def arn(self, aws: Aws, owner: str, id_: str) -> str:
        """The thing's ARN in its owner's account."""
        return f"arn:{aws.partition}:ec2:{aws.region}:{owner}:{self.kind}/{id_}"

    def where(self, aws: Aws, **filters: str) -> list[dict[str, Any]]:
        """All things of this kind that pass the filters (names with _ for -; `tag` takes a key and value)."""
        operation, _, answers = self.describe
        wanted = [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in filters.items()]
        found: list[dict[str, Any]] = aws.call("ec2", operation, Filters=wanted)[answers]
        return found

    def marked(self, aws: Aws, intent: str) -> list[dict[str, Any]]:
        """What carries the mark of this intent."""
        operation, _, answers = self.describe
        wanted = [{"Name": f"tag:{INTENT_TAG}", "Values": [intent]}]
        found: list[dict[str, Any]] = aws.call("ec2", operation, Filters=wanted)[answers]
        return found


def retag(aws: Aws, id_: str, old: Values, new: Values) -> None:
    """Brings the tags from old to new."""
    before, after = old.get("tags", {}), new.get("tags", {})
    gone = [{"Key": key} for key in before if key not in after]
    fresh = {key: value for key, value in after.items() if before.get(key) != value}
    if gone:
        aws.call("ec2", "delete_tags", Resources=[id_], Tags=gone)
    if fresh:
        aws.call("ec2", "create_tags", Resources=[id_], Tags=tag_list(fresh))
