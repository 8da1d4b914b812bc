"""The rows against pulumi_aws itself: names, required ones, types, outputs."""

from __future__ import annotations

import importlib
import inspect
import re
import types
import typing
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws
import pytest
from pulumi import _types

from quorate.lab.provider.row import Row
from quorate.lab.provider.rows import ROWS
from quorate.lab.provider.schema import Kind, Property

KINDS = {
    Kind.TEXT: {str},
    Kind.JSON: {str},
    Kind.FLAG_TEXT: {str},
    Kind.WHOLE: {int},
    Kind.FLAG: {bool},
}


def resource_class(row: Row) -> type:
    module, _, name = row.token.removeprefix("aws:").partition(":")
    return getattr(importlib.import_module(f"pulumi_aws.{module.partition('/')[0]}"), name)


def args_class(row: Row) -> type:
    cls = resource_class(row)
    return getattr(importlib.import_module(cls.__module__), f"{cls.__name__}Args")


def parameters(cls: type) -> dict[str, inspect.Parameter]:
    """Constructor parameters by their Pulumi names."""
    names = _types.input_type_py_to_pulumi_names(cls)
    found = inspect.signature(cls.__init__).parameters
    return {names[name]: each for name, each in found.items() if name in names}


def plain(annotation: Any) -> Any:
    """Without awaitables, outputs and enumerations of what may stand for it."""
    members = [each for each in typing.get_args(annotation) if each is not type(None)]
    if typing.get_origin(annotation) not in (typing.Union, types.UnionType):
        return annotation
    kept = [each for each in members if typing.get_origin(each) not in (Awaitable, pulumi.Output)]
    return str if str in kept else plain(kept[0])


def problems(cls: type, properties: Mapping[str, Property], where: str) -> list[str]:
    """Where the row disagrees with the class."""
    found = []
    theirs = parameters(cls)
    shapes = _types.input_type_types(cls)
    for name, wanted in properties.items():
        if name not in theirs:
            found.append(f"{where}{name}: pulumi_aws has no such property")
            continue
        parameter = theirs[name]
        required = parameter.default is inspect.Parameter.empty
        if required and not wanted.required:
            found.append(f"{where}{name}: pulumi_aws requires it")
        found += disagreement(plain(shapes[name]), wanted, f"{where}{name}")
    for name, parameter in theirs.items():
        if parameter.default is inspect.Parameter.empty and name not in properties:
            found.append(f"{where}{name}: pulumi_aws requires it, and the row does not know it")
    return found


def disagreement(type_: Any, wanted: Property, where: str) -> list[str]:
    origin = typing.get_origin(type_) or type_
    if wanted.kind in KINDS:
        return [] if type_ in KINDS[wanted.kind] else [f"{where}: {type_} is not {wanted.kind}"]
    if wanted.kind is Kind.TEXT_MAP:
        return [] if issubclass(origin, Mapping) else [f"{where}: {type_} is not {wanted.kind}"]
    if wanted.kind is Kind.BLOCK:
        return problems(type_, wanted.fields, where + ".")
    if not issubclass(origin, Sequence) or origin is str:
        return [f"{where}: {type_} is not {wanted.kind}"]
    item = plain(typing.get_args(type_)[0])
    if wanted.kind in (Kind.BLOCKS, Kind.BLOCK_SET):
        return problems(item, wanted.fields, where + "[].")
    return [] if item is str else [f"{where}: a list of {item} is not {wanted.kind}"]


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_row_knows_its_properties_as_pulumi_aws_has_them(row: Row) -> None:
    assert problems(args_class(row), row.properties, "") == []


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_row_requires_what_pulumi_aws_requires_and_nothing_else_without_a_reason(row: Row) -> None:
    theirs = {
        name for name, each in parameters(args_class(row)).items() if each.default is inspect.Parameter.empty
    }
    assert {name for name, wanted in row.properties.items() if wanted.required} == theirs | EXTRA.get(
        row.token, set()
    )


EXTRA = {
    # Optional in Pulumi for the sake of gateways, IPv6 and prefix lists, which the lab does not have.
    "aws:ec2/route:Route": {"destinationCidrBlock"},
    "aws:ec2/routeTableAssociation:RouteTableAssociation": {"subnetId"},
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_the_outputs_of_a_row_are_attributes_of_the_class(row: Row) -> None:
    theirs = set(_types.resource_py_to_pulumi_names(resource_class(row)).values())
    assert set(row.outputs) <= theirs


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_the_token_of_a_row_is_the_one_that_the_class_registers(row: Row) -> None:
    source = inspect.getsource(resource_class(row)._internal_init)
    assert re.search(r"super\(.*?\).__init__\(\s*'([^']+)'", source).group(1) == row.token


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_secrets_of_pulumi_aws_are_write_only_in_the_lab(row: Row) -> None:
    source = inspect.getsource(resource_class(row)._internal_init)
    secret = set(re.findall(r"additional_secret_outputs=\[(.*?)\]", source))
    names = {name for text in secret for name in re.findall(r'"(\w+)"', text)}
    kept = {name for name, wanted in row.properties.items() if not wanted.write_only} | set(row.outputs)
    assert not names & kept


def test_every_function_is_one_of_pulumi_aws() -> None:
    from quorate.lab.provider.functions import FUNCTIONS

    for token, (_, arguments) in FUNCTIONS.items():
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", token.rpartition(":")[2]).lower()
        function = getattr(pulumi_aws, name)
        assert token in inspect.getsource(function)
        assert arguments <= set(inspect.signature(function).parameters)
