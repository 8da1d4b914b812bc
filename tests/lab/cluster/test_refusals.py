"""Configuration that cannot be used is refused on a living cluster in one line, and nothing is touched."""

from __future__ import annotations

import json

import pytest

from quorate.errors import QuorateError

from .conftest import Witness


def pool(**given: object) -> dict[str, object]:
    return {"name": "general", "min": 1, "max": 6, "desired": 3, "instanceTypes": ["t3.small"], **given}


REFUSED = {
    "five managers over two zones cannot survive a zone": (
        {"zones": '["use1-az1", "use1-az2"]'},
        ["survive", "zone", "2-2-1"],
    ),
    "an even count": ({"managers": "4"}, ["managers", "4", "3", "5"]),
    "an even layout that misses the goal": ({"layout": "[2, 2, 0]"}, ["layout", "zone"]),
    "a zone that the region does not have": (
        {"zones": '["use1-az1", "use1-az2", "euc1-az1"]'},
        ["zones", "euc1-az1", "use1-az4"],
    ),
    "a VPC too small": ({"vpcCidr": "10.20.0.0/24"}, ["vpcCidr", "10.20.0.0/24", "/22"]),
    "an overlay pool inside the VPC": ({"overlayCidr": "10.20.128.0/17"}, ["overlayCidr", "10.20.0.0/16"]),
    "an overlay pool on docker0": ({"overlayCidr": "172.17.0.0/16"}, ["overlayCidr", "docker0"]),
    "an overlay pool on docker_gwbridge": ({"overlayCidr": "172.18.0.0/16"}, ["docker_gwbridge"]),
    "one NAT gateway where a zone must be survived": ({"egress": "single"}, ["egress", "single", "per-zone"]),
    "two pools of one name": ({"workers": json.dumps([pool(), pool()])}, ["workers", "general"]),
    "min above max": ({"workers": json.dumps([pool(min=7)])}, ["workers", "min", "7", "6"]),
    "a misspelt key": ({"manager": "3"}, ["manager", "managers"]),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_before_anything_is_touched(shared: Witness, what: str):
    given, words = REFUSED[what]
    before = (shared.lab.directory / "state.json").read_bytes()
    with pytest.raises(QuorateError) as raised:
        shared.lab.deploy({f"quorate:{key}": value for key, value in given.items()})
    told = str(raised.value)
    assert "\n" not in told
    for word in words:
        assert word in told
    assert (shared.lab.directory / "state.json").read_bytes() == before
    assert len(shared.instances()) == 8
