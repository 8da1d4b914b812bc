"""Property values on Pulumi's wire (protobuf Structs) and off it."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import struct_pb2

from quorate.lab.provider.values import UNKNOWN, Values

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
"""The key that marks a value as special (sdk/proto and pulumi.runtime.rpc)."""
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"

UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWNS: Final = frozenset(
    {
        UNKNOWN_TEXT,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # flag
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # list
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # map
    }
)


class Decoder:
    """Turns Structs into plain values and notes which of the top-level ones hold a secret."""

    def __init__(self) -> None:
        self.secrets: set[str] = set()
        self._at = ""

    def struct(self, struct: struct_pb2.Struct) -> Values:
        """The properties of a Struct; nulls are left out."""
        values = {}
        for name, value in struct.fields.items():
            self._at = name
            decoded = self._value(value)
            if decoded is not None:
                values[name] = decoded
        return values

    def _value(self, value: struct_pb2.Value) -> Any:
        match value.WhichOneof("kind"):
            case "string_value":
                return UNKNOWN if value.string_value in UNKNOWNS else value.string_value
            case "number_value":
                number = value.number_value
                return int(number) if number.is_integer() else number
            case "bool_value":
                return value.bool_value
            case "list_value":
                return [self._value(item) for item in value.list_value.values]
            case "struct_value":
                return self._special(value.struct_value.fields)
            case _:
                return None

    def _special(self, fields: Any) -> Any:
        mark = fields[SIGNATURE].string_value if SIGNATURE in fields else None
        if mark == SECRET:
            self.secrets.add(self._at)
            return self._value(fields["value"])
        if mark == OUTPUT:
            if "secret" in fields and fields["secret"].bool_value:
                self.secrets.add(self._at)
            return self._value(fields["value"]) if "value" in fields else UNKNOWN
        if mark == RESOURCE:
            return self._value(fields["id"]) if "id" in fields else fields["urn"].string_value
        return {name: self._value(item) for name, item in fields.items()}


def decode(struct: struct_pb2.Struct) -> Values:
    """The properties of a Struct, secrets unwrapped."""
    return Decoder().struct(struct)


def encode(values: Values) -> struct_pb2.Struct:
    """Properties as a Struct."""
    struct = struct_pb2.Struct()
    for name, value in values.items():
        _set(struct.fields[name], value)
    return struct


def _set(target: struct_pb2.Value, value: Any) -> None:
    if value is UNKNOWN:
        target.string_value = UNKNOWN_TEXT
    elif value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, dict):
        target.struct_value.SetInParent()
        for name, item in value.items():
            _set(target.struct_value.fields[name], item)
    else:
        target.list_value.SetInParent()
        for item in value:
            _set(target.list_value.values.add(), item)
