"""Parameters whose value the program writes and nobody keeps."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from quorate.errors import Refused
from quorate.lab.provider.aws import Aws
from quorate.lab.provider.row import Change, Made, Row, Wait, pick
from quorate.lab.provider.rows.ec2 import PAGE, TAGS, tag_list, tag_map
from quorate.lab.provider.schema import Failure, Kind, Property
from quorate.lab.provider.values import Values

GONE: Final = ("ParameterNotFound",)


class Parameter(Row):
    token = "aws:ssm/parameter:Parameter"
    page = PAGE + "ssm_parameter"
    properties: ClassVar = {
        "name": Property(Kind.TEXT, computed=True, replaces="aws_ssm_parameter schema: name is ForceNew"),
        "description": Property(Kind.TEXT),
        "type": Property(Kind.TEXT, required=True),
        "keyId": Property(Kind.TEXT, computed=True),
        "valueWo": Property(Kind.TEXT, write_only=True),
        "valueWoVersion": Property(Kind.WHOLE),
        "tags": TAGS,
    }
    outputs = frozenset({"arn", "version", "tier", "dataType", "hasValueWo"})
    name_property = "name"

    def check(self, inputs: Values) -> list[Failure]:
        failures = []
        if "valueWo" not in inputs:
            failures.append(
                Failure("valueWo", "is required: every other way would leave the value in the state")
            )
        if "valueWoVersion" not in inputs:
            failures.append(
                Failure("valueWoVersion", "is required beside valueWo: a change of it writes the value")
            )
        if inputs.get("type") == "SecureString" and "keyId" not in inputs:
            failures.append(
                Failure("keyId", "is required for a SecureString: name the key that protects the value")
            )
        return failures

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        made = aws.call("ssm", "put_parameter", **self._put(inputs), Tags=tag_list(inputs.get("tags", {})))
        return Made(inputs["name"], self._told(aws, inputs["name"], made), settled=True)

    def fresh(self, new: Values, changed: list[str]) -> set[str]:
        return {"version"} if set(changed) - {"tags"} else set()

    @staticmethod
    def _put(inputs: Values) -> dict[str, Any]:
        return pick(
            inputs, Name="name", Description="description", Type="type", KeyId="keyId", Value="valueWo"
        )

    @staticmethod
    def _told(aws: Aws, name: str, found: dict[str, Any]) -> Values:
        arn = aws.arn("ssm", f"parameter/{name.removeprefix('/')}")
        version, tier = found["Version"], found.get("Tier", "Standard")
        return {"arn": arn, "version": version, "tier": tier, "dataType": "text", "hasValueWo": True}

    def _seen(self, aws: Aws, name: str) -> dict[str, Any] | None:
        # Never get-parameter: its answer would carry the value.
        wanted = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
        found = aws.call("ssm", "describe_parameters", ParameterFilters=wanted)["Parameters"]
        return found[0] if found else None

    @staticmethod
    def _tags(aws: Aws, name: str) -> dict[str, str]:
        answer = aws.call("ssm", "list_tags_for_resource", ResourceType="Parameter", ResourceId=name)
        return tag_map(answer["TagList"])

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        found = self._seen(aws, id_)
        if found is None:
            return None
        return self._told(aws, id_, found) | {
            "name": found["Name"],
            "description": found.get("Description", ""),
            "type": found["Type"],
            "keyId": found.get("KeyId"),
            "tags": self._tags(aws, id_),
        }

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        told: Values = {}
        if set(change.names) - {"tags"}:
            # put-parameter always writes a value: without a new one AWS answers with a ValidationException.
            if "valueWoVersion" not in change.names:
                names = ", ".join(sorted(set(change.names) - {"tags"}))
                raise Refused(
                    f"changing {names} of parameter {id_}",
                    "its value is written together with them",
                    "the value is kept nowhere, so it cannot be written again",
                    "Change valueWoVersion as well; this writes valueWo anew",
                )
            told = self._told(
                aws, id_, aws.call("ssm", "put_parameter", **self._put(change.new), Overwrite=True)
            )
        before, after = change.old.get("tags", {}), change.new.get("tags", {})
        target = {"ResourceType": "Parameter", "ResourceId": id_}
        gone = [name for name in before if name not in after]
        if gone:
            aws.call("ssm", "remove_tags_from_resource", TagKeys=gone, **target)
        if after != before and after:
            aws.call("ssm", "add_tags_to_resource", Tags=tag_list(after), **target)
        return told

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        aws.lookup("ssm", "delete_parameter", GONE, Name=id_)

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        found = self._seen(aws, inputs["name"])
        ours = found and self._tags(aws, inputs["name"]) == inputs.get("tags", {})
        return [inputs["name"]] if ours else []
