"""The figures beside survival: cost always, mean time to quorum loss and commit latency where asked for."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from quorate.cli.planner import arguments
from quorate.cli.planner.arguments import Usage
from quorate.layout.bounds import Spread
from quorate.layout.checks import Check
from quorate.layout.cost import EGRESS, LIST_PRICES, USUAL, Bill, Prices, monthly
from quorate.layout.durability import durability, loss_probability
from quorate.layout.probability import NODE_OUTAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from quorate.layout.latency import LeaderLatency, Matrix
    from quorate.layout.lifetime import Rates

RATES = ("node_mtbf", "node_mttr", "zone_mtbf", "zone_mttr")
HOURS_A_YEAR = 8766.0


class Terms:
    """What figures are reckoned with; `rates`, `round_trips`, `losses` only where they were given.

    `losses`: the chances that a zone and that a node by itself is destroyed.
    """

    def __init__(
        self,
        bill: Bill,
        prices: Prices,
        rates: Rates | None,
        round_trips: Matrix | None,
        losses: tuple[float, float] | None,
    ) -> None:
        self.bill, self.prices = bill, prices
        self.rates, self.round_trips, self.losses = rates, round_trips, losses


class Figures:
    """The figures of one layout; times in hours and milliseconds."""

    def __init__(
        self,
        cost: float,
        terms: Terms,
        lifetime: float | None,
        latencies: tuple[LeaderLatency, ...] | None,
        loss: float | None,
    ) -> None:
        self.cost, self.terms = cost, terms
        self.lifetime, self.latencies, self.loss = lifetime, latencies, loss

    def to_json(self, layout: Spread, zones: tuple[str, ...]) -> dict[str, object]:
        bill, prices = self.terms.bill, self.terms.prices
        document: dict[str, object] = {
            "durability": durability(layout).to_json()
            | ({} if self.loss is None else {"loss_probability": self.loss}),
            "monthly_cost": {
                "amount": round(self.cost, 2),
                "currency": prices.currency,
                "prices_of": prices.date,
                "region": prices.region,
                "instance_type": bill.instance_type,
                "egress": bill.egress,
            },
        }
        if self.lifetime is not None:
            document["mean_hours_to_quorum_loss"] = self.lifetime
        if self.latencies is not None:
            document["commit_latency_ms"] = [
                {
                    "leader_zone": zones[latency.zone],
                    "whole": latency.whole,
                    "zone_lost": dict(zip(zones, latency.without, strict=True)),
                }
                for latency in self.latencies
            ]
        return document


def add_options(parser: arguments.Words) -> None:
    """The options of cost, time and latency."""
    parser.add_argument(
        "--instance-type",
        default=USUAL.instance_type,
        metavar="TYPE",
        help="of the managers, for the cost (default %(default)s)",
    )
    parser.add_argument(
        "--egress",
        choices=EGRESS,
        default=USUAL.egress,
        metavar="KIND",
        help=f"way out of the zones, for the cost: {', '.join(EGRESS)} (default %(default)s)",
    )
    parser.add_argument(
        "--prices", metavar="FILE", help=f"a JSON table instead of the list prices of {LIST_PRICES.date}"
    )
    parser.add_argument(
        "--rtt", metavar="FILE", help="a JSON matrix of round trips between zones in ms: adds commit latency"
    )
    for which in ("zone", "node"):
        parser.add_argument(
            f"--{which}-loss",
            type=arguments.chance,
            metavar="P",
            help=f"chance that a {which} is destroyed for good: adds the chance of losing a committed write",
        )
    for rate in RATES:
        which, _, kind = rate.partition("_")
        what = "between failures" if kind == "mtbf" else "until it is back"
        parser.add_argument(
            f"--{which}-{kind}",
            type=arguments.hours,
            metavar="H",
            help=f"mean hours {what} of one {which}; all four add the mean time to quorum loss",
        )


def terms(asked: argparse.Namespace, zones: tuple[str, ...], given: Rates | None) -> Terms:
    """What was asked to reckon with; Usage for what contradicts itself."""

    bill = Bill(instance_type=asked.instance_type, egress=asked.egress)
    prices, round_trips = LIST_PRICES, None
    if asked.prices or asked.rtt:
        from quorate.cli.planner import tables

        prices = tables.read_prices(asked.prices) if asked.prices else LIST_PRICES
        round_trips = tables.read_round_trips(asked.rtt, zones) if asked.rtt else None
    monthly((1,), bill, prices)  # a type that is not in the table is refused before anything is shown
    losses = None
    if asked.zone_loss is not None or asked.node_loss is not None:
        losses = (asked.zone_loss or 0.0, asked.node_loss or 0.0)
    return Terms(bill, prices, given, round_trips, losses)


def rates(asked: argparse.Namespace) -> Rates | None:
    """The failure and repair rates, if all four were given."""
    given: Mapping[str, float | None] = {name: getattr(asked, name) for name in RATES}
    if all(value is None for value in given.values()):
        return None
    missing = [f"--{name.replace('_', '-')}" for name, value in given.items() if value is None]
    if missing:
        raise Usage(f"the mean time to quorum loss needs all four rates: {', '.join(missing)} is missing")
    from quorate.layout.lifetime import Rates

    return Rates(**{name: float(value or 0) for name, value in given.items()})


def settle_outages(asked: argparse.Namespace) -> Rates | None:
    """Fills in the outages that were not given: from the rates where those were, else the usual ones."""
    found = rates(asked)
    if found is None:
        asked.node_outage = NODE_OUTAGE if asked.node_outage is None else asked.node_outage
        return None
    for which, share in (("node", found.node_outage), ("zone", found.zone_outage)):
        name = f"{which}_outage"
        if getattr(asked, name) is not None:
            raise Usage(
                f"--{which}-outage beside --{which}-mtbf and --{which}-mttr: the rates say it already"
            )
        setattr(asked, name, share)
    return found


def reckon(found: Check, given: Terms) -> Figures:
    """The figures of one layout."""
    lifetime = latencies = None
    if given.rates is not None:
        from quorate.layout.lifetime import mean_time_to_quorum_loss

        lifetime = mean_time_to_quorum_loss(found.layout, given.rates)
    if given.round_trips is not None:
        from quorate.layout.latency import commit_latency

        latencies = commit_latency(found.layout, given.round_trips)
    loss = None
    if given.losses is not None:
        zone, node = given.losses
        loss = loss_probability(found.layout, [zone] * len(found.layout), node)
    return Figures(monthly(found.layout, given.bill, given.prices), given, lifetime, latencies, loss)


def years(hours: float) -> str:
    """A long time in years, a short one in hours."""
    return f"{hours / HOURS_A_YEAR:,.3g} years" if hours >= HOURS_A_YEAR else f"{hours:,.3g} hours"
