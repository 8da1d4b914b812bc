"""IAM's decisions: AWS's documented cases, and any policies against a small evaluator written here."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.lab.cloud.judge import statements
from quorate.lab.cloud.judge.ask import Ask
from quorate.lab.cloud.judge.decide import Identity, Kind, decide, decide_key

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/books"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders"
OWN = frozenset({"dynamodb:leadingkeys", "aws:username", "kms:encryptioncontext:*"})

Statement = dict[str, Any]


def allow(action: Any, resource: Any = "*", **more: Any) -> Statement:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> Statement:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def when(operator: str, key: str, *values: str) -> dict[str, Any]:
    return {operator: {key: list(values)}}


def read(*raw: Statement) -> tuple[statements.Statement, ...]:
    return statements.read(json.dumps({"Version": "2012-10-17", "Statement": list(raw)}))


def kind(raw: list[Statement], action: str, resource: str | None, **context: list[str]) -> Kind:
    keys = {name.replace("__", ":").lower(): tuple(values) for name, values in context.items() if values}
    return decide(read(*raw), Ask(action, resource, keys, OWN)).kind


YES, NO, DENIED, UNTOLD = Kind.ALLOWED, Kind.IMPLICIT, Kind.EXPLICIT, Kind.UNJUDGED
READ = "dynamodb:GetItem"

# Wording and examples: "Policy evaluation logic", "IAM JSON policy elements: Resource", "... Action"
WITHOUT_CONDITIONS: dict[str, tuple[list[Statement], str, str | None, Kind]] = {
    "nothing is allowed by default": ([], READ, TABLE, NO),
    "an allow allows": ([allow(READ, TABLE)], READ, TABLE, YES),
    "another action is not allowed": ([allow(READ, TABLE)], "dynamodb:PutItem", TABLE, NO),
    "another table is not allowed": ([allow(READ, TABLE)], READ, f"{TABLE}2", NO),
    "a deny wins over an allow": ([allow("*"), deny(READ)], READ, TABLE, DENIED),
    "a deny wins whatever comes first": ([deny(READ), allow("*")], READ, TABLE, DENIED),
    "a deny of something else does not matter": ([allow("*"), deny("dynamodb:Put*")], READ, TABLE, YES),
    "a wildcard in the action": ([allow("dynamodb:*Item")], READ, TABLE, YES),
    "a question mark is one letter": ([allow("dynamodb:?etItem")], READ, TABLE, YES),
    "case does not matter in actions": ([allow("DynamoDB:getitem")], READ, TABLE, YES),
    "case matters in resources": ([allow(READ, TABLE.upper())], READ, TABLE, NO),
    "a wildcard in the resource": ([allow(READ, TABLE[:-2] + "*")], READ, TABLE, YES),
    "one of several resources": ([allow(READ, [QUEUE, TABLE])], READ, TABLE, YES),
    "a shorter ARN is completed": ([allow("sqs:SendMessage", "arn:aws:sqs")], "sqs:SendMessage", QUEUE, YES),
    "a wildcard stays inside of its segment": (
        [allow("sqs:SendMessage", "arn:aws:s*x:us-east-1:123456789012:orders")],
        "sqs:SendMessage",
        "arn:aws:sqs:x:us-east-1:123456789012:orders",
        NO,
    ),
    "a group's id may be anything": (
        [allow("a:B", "arn:aws:autoscaling:r:1:autoScalingGroup:*:autoScalingGroupName/web")],
        "a:B",
        "arn:aws:autoscaling:r:1:autoScalingGroup:8d1f-22:autoScalingGroupName/web",
        YES,
    ),
    "what cannot be limited needs the star": (
        [allow("ec2:DescribeInstances", "arn:aws:ec2:*:*:instance/*")],
        "ec2:DescribeInstances",
        "*",
        NO,
    ),
    "all but an action": ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], READ, TABLE, YES),
    "not that action": ([{"Effect": "Allow", "NotAction": "dynamodb:*", "Resource": "*"}], READ, TABLE, NO),
    "all but a resource": ([{"Effect": "Deny", "Action": "*", "NotResource": TABLE}], READ, QUEUE, DENIED),
    "an unknown resource is not told": ([allow("*")], "ec2:RunInstances", None, UNTOLD),
    "an unknown resource that nothing allows": ([allow(READ)], "ec2:RunInstances", None, NO),
    "a policy variable is not told": ([allow(READ, TABLE + "${aws:username}")], READ, TABLE, UNTOLD),
    "a foreign element is not told": ([{**allow(READ), "NotPrincipal": "*"}], READ, TABLE, UNTOLD),
    "a deny that is not told denies": (
        [allow("*"), {**deny(READ), "NotPrincipal": "*"}],
        READ,
        TABLE,
        UNTOLD,
    ),
}


@pytest.mark.parametrize("case", WITHOUT_CONDITIONS)
def test_a_statement_is_held_against_action_and_resource_as_aws_documents_it(case: str) -> None:
    raw, action, resource, expected = WITHOUT_CONDITIONS[case]
    assert kind(raw, action, resource) is expected


KEY = "dynamodb:LeadingKeys"
# "IAM JSON policy elements: Condition operators", "Single-valued vs. multivalued context keys"
CONDITIONS: dict[str, tuple[dict[str, Any], list[str], Kind]] = {
    "equal": (when("StringEquals", KEY, "a"), ["a"], YES),
    "equal to one of several": (when("StringEquals", KEY, "b", "a"), ["a"], YES),
    "case matters": (when("StringEquals", KEY, "A"), ["a"], NO),
    "case ignored": (when("StringEqualsIgnoreCase", KEY, "A"), ["a"], YES),
    "no wildcards in equals": (when("StringEquals", KEY, "a*"), ["ab"], NO),
    "wildcards in like": (when("StringLike", KEY, "a*"), ["ab"], YES),
    "a key that is absent is not equal": (when("StringEquals", KEY, "a"), [], NO),
    "a key that is absent is fine if it need not exist": (when("StringEqualsIfExists", KEY, "a"), [], YES),
    "a key that is there counts though it need not": (when("StringEqualsIfExists", KEY, "a"), ["b"], NO),
    "a key that is absent is different": (when("StringNotEquals", KEY, "a"), [], YES),
    "different from all of several": (when("StringNotEquals", KEY, "a", "b"), ["b"], NO),
    "unlike": (when("StringNotLike", KEY, "a*"), ["ab"], NO),
    "all values are among them": (when("ForAllValues:StringEquals", KEY, "a", "b"), ["a", "b"], YES),
    "one value is not among them": (when("ForAllValues:StringEquals", KEY, "a"), ["a", "c"], NO),
    "no value at all holds for all": (when("ForAllValues:StringEquals", KEY, "a"), [], YES),
    "no value at all, forbidden by Null": (
        {**when("ForAllValues:StringEquals", KEY, "a"), **when("Null", KEY, "false")},
        [],
        NO,
    ),
    "some value is among them": (when("ForAnyValue:StringEquals", KEY, "a"), ["c", "a"], YES),
    "no value is none of them": (when("ForAnyValue:StringEquals", KEY, "a"), [], NO),
    "null means absent": (when("Null", KEY, "true"), [], YES),
    "null fails where there is one": (when("Null", KEY, "true"), ["a"], NO),
    "several values need a quantifier": (when("StringEquals", KEY, "a"), ["a", "b"], UNTOLD),
    "every operator must hold": ({**when("StringLike", KEY, "a*"), **when("Null", KEY, "true")}, ["ab"], NO),
    "the name of a key in any case": (when("StringEquals", KEY.upper(), "a"), ["a"], YES),
    "an ARN segment by segment": (when("ArnLike", KEY, "arn:aws:*:*:1:x/*"), ["arn:aws:s:r:1:x/y"], YES),
    "an ARN of another account": (when("ArnLike", KEY, "arn:aws:*:*:1:x/*"), ["arn:aws:s:1:2:x/y"], NO),
    "an unknown operator is not told": (when("NumericLessThan", KEY, "5"), ["3"], UNTOLD),
    "an unknown quantifier is not told": (when("ForNoValue:StringEquals", KEY, "5"), ["3"], UNTOLD),
    "an unknown key is not told": (when("StringEquals", "aws:SourceIp", "10.0.0.1"), ["a"], UNTOLD),
    "a variable is not told": (when("StringEquals", KEY, "${aws:username}"), ["a"], UNTOLD),
    "what fails anyway need not be told": (
        {**when("NumericLessThan", KEY, "5"), **when("StringEquals", KEY, "b")},
        ["a"],
        NO,
    ),
}


@pytest.mark.parametrize("case", CONDITIONS)
def test_a_condition_holds_as_aws_documents_it(case: str) -> None:
    block, values, expected = CONDITIONS[case]
    assert kind([allow(READ, TABLE, Condition=block)], READ, TABLE, dynamodb__leadingkeys=values) is expected


@pytest.mark.parametrize("case", [case for case, (_, _, told) in CONDITIONS.items() if told is UNTOLD])
def test_a_deny_whose_condition_cannot_be_told_denies(case: str) -> None:
    block, values, _ = CONDITIONS[case]
    raw = [allow("*"), deny(READ, TABLE, Condition=block)]
    assert kind(raw, READ, TABLE, dynamodb__leadingkeys=values) is UNTOLD


def test_what_is_missing_is_named_by_statement_operator_key_and_value() -> None:
    block = when("ForAllValues:StringLike", KEY, "claim", "request#*")
    raw = [allow(READ, TABLE, Sid="ReadClaim", Condition=block), allow(READ, QUEUE, Sid="Other")]

    verdict = decide(read(*raw), Ask(READ, TABLE, {"dynamodb:leadingkeys": ("plan",)}, OWN))

    assert verdict.near == (
        "statement ReadClaim is for ForAllValues:StringLike dynamodb:LeadingKeys claim | request#*, "
        f"and this is plan; statement Other is for {QUEUE}"
    )


# Key policies: "Key policies in AWS KMS", "Default key policy", "Policy evaluation" there

ROLE = "arn:aws:iam::123456789012:role/node"
WHO = Identity(ROLE, "arn:aws:sts::123456789012:assumed-role/node/i-1", "123456789012")
ROOT = {"AWS": "arn:aws:iam::123456789012:root"}
KMS = "arn:aws:kms:us-east-1:123456789012:key/1"
USE = [allow("kms:Decrypt", KMS)]
ELSE = {"AWS": "arn:aws:iam::123456789012:role/other"}

KEY_POLICIES: dict[str, tuple[list[Statement], list[Statement], Kind]] = {
    "the account decides, and its policy allows": ([allow("kms:*", Principal=ROOT)], USE, YES),
    "the account decides, and no policy allows": ([allow("kms:*", Principal=ROOT)], [], NO),
    "the account by its number": ([allow("kms:*", Principal={"AWS": "123456789012"})], USE, YES),
    "another account decides nothing": ([allow("kms:*", Principal={"AWS": "210987654321"})], USE, NO),
    "the account decides on another action only": ([allow("kms:Encrypt", Principal=ROOT)], USE, NO),
    "an empty key policy shuts everybody out": ([], USE, NO),
    "another role alone may use it": ([allow("kms:*", Principal=ELSE)], USE, NO),
    "the role itself is named, and needs no policy": ([allow("kms:*", Principal={"AWS": [ROLE]})], [], YES),
    "everybody is named": ([allow("kms:*", Principal="*")], [], YES),
    "the key policy denies": (
        [allow("kms:*", Principal=ROOT), deny("kms:Decrypt", Principal={"AWS": ROLE})],
        USE,
        DENIED,
    ),
    "the key policy denies the whole account": (
        [allow("kms:*", Principal={"AWS": ROLE}), deny("kms:Decrypt", Principal=ROOT)],
        USE,
        DENIED,
    ),
    "the role's own policy denies": ([allow("kms:*", Principal="*")], [deny("kms:*")], DENIED),
    "a service is nobody of ours": (
        [allow("kms:*", Principal={"Service": "ec2.amazonaws.com"})],
        USE,
        NO,
    ),
    "an element that is not known": (
        [{**allow("kms:*"), "NotPrincipal": ELSE}],
        USE,
        UNTOLD,
    ),
}


@pytest.mark.parametrize("case", KEY_POLICIES)
def test_a_key_decides_first_and_may_leave_it_to_the_account(case: str) -> None:
    key, own, expected = KEY_POLICIES[case]
    assert decide_key(read(*key), read(*own), Ask("kms:Decrypt", KMS, {}, OWN), WHO).kind is expected


# Any policies at all

NAMES = st.sampled_from(["a", "b", "ab", "aab", "*", "a*", "*b", "?", "a?b"])
WORDS = st.sampled_from(["a", "b", "ab", "aab", "axb"])
ACTIONS = st.builds("s:{}".format, NAMES)
RESOURCES = st.one_of(st.just("*"), st.builds("arn:aws:s:r:1:{}".format, NAMES))
OPERATORS = st.sampled_from(
    [
        f"{quantifier}{operator}"
        for quantifier in ("", "ForAllValues:", "ForAnyValue:")
        for operator in ("StringEquals", "StringLike", "StringNotEquals", "StringNotLike")
    ]
)
KEYS = st.sampled_from(["k:one", "k:two"])
BLOCKS = st.one_of(
    st.just({}),
    st.dictionaries(OPERATORS, st.dictionaries(KEYS, st.lists(NAMES, min_size=1), min_size=1)),
    st.builds(lambda key, value: {"Null": {key: value}}, KEYS, st.sampled_from(["true", "false"])),
)
STATEMENTS = st.builds(
    lambda effect, actions, resources, block: {
        "Effect": effect, "Action": actions, "Resource": resources, "Condition": block
    },
    st.sampled_from(["Allow", "Deny"]),
    st.lists(ACTIONS, min_size=1, max_size=3),
    st.lists(RESOURCES, min_size=1, max_size=2),
    BLOCKS,
)  # fmt: skip
POLICIES = st.lists(STATEMENTS, max_size=5)
ASKS = st.builds(
    lambda action, resource, one, two: Ask(
        f"s:{action}",
        f"arn:aws:s:r:1:{resource}",
        {key: tuple(values) for key, values in {"k:one": one, "k:two": two}.items() if values},
        frozenset({"k:one", "k:two"}),
    ),
    WORDS,
    WORDS,
    st.lists(WORDS, max_size=2),
    st.lists(WORDS, max_size=1),
)


def matches(pattern: str, text: str) -> bool:
    """Letter by letter, without regular expressions."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return matches(pattern[1:], text) or (text != "" and matches(pattern, text[1:]))
    return text != "" and pattern[0] in ("?", text[0]) and matches(pattern[1:], text[1:])


def holds(operator: str, wanted: list[str], values: tuple[str, ...]) -> bool | None:
    """None where AWS documents no answer."""
    quantifier, _, name = operator.rpartition(":")
    found = []
    for value in values:
        hit = any(matches(pattern, value) for pattern in wanted) if "Like" in name else value in wanted
        found.append(not hit if "Not" in name else hit)
    if quantifier == "ForAllValues":
        return False not in found
    if quantifier == "ForAnyValue":
        return True in found
    if len(values) > 1:
        return None
    return found[0] if found else "Not" in name


def applies(statement: Statement, ask: Ask) -> bool | None:
    if not any(matches(pattern, ask.action) for pattern in statement["Action"]):
        return False
    if not any(matches(pattern, ask.resource or "") for pattern in statement["Resource"]):
        return False
    each: list[bool | None] = []
    for operator, tests in statement["Condition"].items():
        for key, wanted in tests.items():
            values = ask.context.get(key, ())
            if operator == "Null":
                each.append((wanted == "true") == (len(values) == 0))
            else:
                each.append(holds(operator, wanted, values))
    if False in each:
        return False
    return None if None in each else True


@given(POLICIES, ASKS)
@settings(max_examples=400, deadline=None)
def test_any_policy_is_decided_as_an_evaluator_of_another_making_decides(
    raw: list[Statement], ask: Ask
) -> None:
    hits = [(statement["Effect"], applies(statement, ask)) for statement in raw]
    denied = any(effect == "Deny" and hit is not False for effect, hit in hits)
    allowed = any(effect == "Allow" and hit is True for effect, hit in hits)

    assert decide(read(*raw), ask).allowed is (allowed and not denied)


@given(POLICIES, STATEMENTS, st.integers(0, 5), ASKS)
@settings(max_examples=200, deadline=None)
def test_an_allow_more_takes_no_permission_and_a_deny_more_gives_none(
    raw: list[Statement], another: Statement, place: int, ask: Ask
) -> None:
    before = decide(read(*raw), ask).allowed
    with_it = decide(read(*raw[:place], another, *raw[place:]), ask).allowed

    if another["Effect"] == "Allow":
        assert with_it >= before
    else:
        assert with_it <= before


@given(POLICIES, st.permutations(range(5)), ASKS)
@settings(max_examples=100, deadline=None)
def test_the_order_of_statements_does_not_matter(raw: list[Statement], order: list[int], ask: Ask) -> None:
    other = [raw[place] for place in order if place < len(raw)]
    assert decide(read(*raw), ask).kind is decide(read(*other), ask).kind


@given(POLICIES, POLICIES, STATEMENTS, ASKS, st.sampled_from(["*", ROOT, {"AWS": ROLE}, ELSE]))
@settings(max_examples=200, deadline=None)
def test_for_keys_too_an_allow_more_takes_nothing_and_a_deny_more_gives_nothing(
    key: list[Statement], own: list[Statement], another: Statement, ask: Ask, principal: Any
) -> None:
    named = [{**statement, "Principal": principal} for statement in key]
    before = decide_key(read(*named), read(*own), ask, WHO).allowed
    more_own = decide_key(read(*named), read(*own, another), ask, WHO).allowed
    more_key = decide_key(read(*named, {**another, "Principal": ROOT}), read(*own), ask, WHO).allowed

    for with_it in (more_own, more_key):
        assert with_it >= before if another["Effect"] == "Allow" else with_it <= before
