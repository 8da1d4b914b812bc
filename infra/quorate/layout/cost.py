"""What a layout costs a month: its managers, their disks, and the way out of each zone.

Only what the choice of a layout changes is counted: no workers, no traffic, no tax.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from quorate.layout.bounds import MAX_ZONES, Spread, as_spread
from quorate.layout.errors import LayoutError
from quorate.layout.goals import Goal, meets
from quorate.layout.spreads import even_spread

PER_ZONE, SINGLE, ENDPOINTS = "per-zone", "single", "endpoints"
EGRESS = (PER_ZONE, SINGLE, ENDPOINTS)
"""The values of the config key `egress`."""


class Prices(NamedTuple):
    """List prices on `date` in `region`: `instances` and gateways by the hour, disks by GiB and month."""

    date: str
    region: str
    currency: str
    hours: float
    instances: Mapping[str, float]
    disk_gib: float
    nat_gateway: float
    interface_endpoint: float


LIST_PRICES = Prices(
    date="2026-06-17",
    region="us-east-1",
    currency="USD",
    hours=730,
    instances={
        "t3.micro": 0.0104,
        "t3.small": 0.0208,
        "t3.medium": 0.0416,
        "t3.large": 0.0832,
        "t3a.small": 0.0188,
        "t3a.medium": 0.0376,
        "t4g.small": 0.0168,
        "t4g.medium": 0.0336,
        "m5.large": 0.096,
        "m6i.large": 0.096,
        "m6g.large": 0.077,
        "m7g.large": 0.0816,
        "c6i.large": 0.085,
        "c6g.large": 0.068,
    },
    disk_gib=0.08,
    nat_gateway=0.045,
    interface_endpoint=0.01,
)
"""Linux on demand and gp3: https://aws.amazon.com/ec2/pricing/on-demand/, /ebs/pricing/ and /vpc/pricing/."""


class Bill(NamedTuple):
    """What one layout's managers are: instance type, disk in GiB, the way out, interface endpoints."""

    instance_type: str = "t3.small"
    disk_gib: int = 30
    egress: str = PER_ZONE
    endpoints: int = 10


USUAL = Bill()


def monthly(spread: Spread, bill: Bill = USUAL, prices: Prices = LIST_PRICES) -> float:
    """The month's cost of `spread` in the table's currency; every zone of the network is paid for."""
    checked = as_spread(spread)
    if bill.instance_type not in prices.instances:
        raise LayoutError(
            f"instance type {bill.instance_type!r} is not in the price table of {prices.date}: use one of "
            f"{', '.join(sorted(prices.instances))}, or give a table that has it"
        )
    if bill.egress not in EGRESS:
        raise LayoutError(f"egress {bill.egress!r} is unknown: use one of {', '.join(EGRESS)}")
    manager = prices.instances[bill.instance_type] * prices.hours + prices.disk_gib * bill.disk_gib
    zones = len(checked)
    ways_out = {
        PER_ZONE: zones * prices.nat_gateway,
        SINGLE: prices.nat_gateway,
        ENDPOINTS: zones * bill.endpoints * prices.interface_endpoint,
    }
    return sum(checked) * manager + ways_out[bill.egress] * prices.hours


def cheapest(goal: Goal, bill: Bill = USUAL, prices: Prices = LIST_PRICES) -> Spread:
    """The cheapest spread of an odd number of managers that meets `goal`; of equals the fewest zones."""
    found = [_fewest(zones, goal) for zones in range(1, MAX_ZONES + 1)]
    return min((spread for spread in found if spread), key=lambda spread: monthly(spread, bill, prices))


def _fewest(zones: int, goal: Goal) -> Spread | None:
    """The even spread of the fewest managers over `zones` that meets `goal`; None where there is none."""
    # over three zones and more 4 x zones managers survive all that a goal can name; below it no number may do
    counts = (count for count in range(1, 4 * zones + 2, 2) if count >= zones)
    return next(
        (even_spread(count, zones) for count in counts if meets(even_spread(count, zones), goal)), None
    )
