"""Tables that a person gives as files: prices, and round trips between zones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from quorate.cli.planner.arguments import Usage, shortened
from quorate.layout.cost import LIST_PRICES, Prices
from quorate.layout.errors import LayoutError
from quorate.layout.latency import Matrix, as_matrix

NUMBERS = ("hours", "disk_gib", "nat_gateway", "interface_endpoint")
TEXTS = ("date", "region", "currency")


def read_prices(name: str) -> Prices:
    """A price table: the fields of the built-in one, what is left out is taken from there but the date."""
    raw = _read(name, "price table")
    unknown = set(raw) - {"schema", "instances", *NUMBERS, *TEXTS}
    if unknown:
        raise Usage(
            f"price table {name!r}: {shortened(min(unknown))} is no field of it; fields are date, region, "
            f"currency, instances, {', '.join(NUMBERS)}"
        )
    if not isinstance(raw.get("date"), str):
        raise Usage(f"price table {name!r} has no date: say as a text of which day its prices are")
    instances = raw.get("instances", {})
    if not isinstance(instances, Mapping):
        raise Usage(f"price table {name!r}: instances must map instance types to prices an hour")
    return Prices(
        date=str(raw["date"]),
        region=str(raw.get("region", LIST_PRICES.region)),
        currency=str(raw.get("currency", LIST_PRICES.currency)),
        instances={
            **LIST_PRICES.instances,
            **{kind: _price(name, kind, value) for kind, value in instances.items()},
        },
        **{field: _price(name, field, raw.get(field, getattr(LIST_PRICES, field))) for field in NUMBERS},
    )


def read_round_trips(name: str, zones: Sequence[str]) -> Matrix:
    """A matrix {"zones": […], "rtt_ms": [[…]]}, brought into the order of `zones`."""
    raw = _read(name, "round-trip table")
    named, rows = raw.get("zones"), raw.get("rtt_ms")
    if not isinstance(named, list) or not isinstance(rows, list):
        raise Usage(
            f"round-trip table {name!r} needs both lists: "
            '{"zones": ["a", "b"], "rtt_ms": [[0.2, 0.8], [0.8, 0.2]]}'
        )
    try:
        matrix = as_matrix([row if isinstance(row, list) else [] for row in rows], len(named))
    except LayoutError as error:
        raise Usage(f"{name}: {error}") from None
    missing = [zone for zone in zones if zone not in named]
    if missing:
        raise Usage(
            f"round-trip table {name!r} has no zone {missing[0]!r}: it has {', '.join(map(str, named))}. "
            f"Name the layout's zones with --zone"
        )
    order = [named.index(zone) for zone in zones]
    return [[matrix[a][b] for b in order] for a in order]


def _read(name: str, what: str) -> Mapping[str, object]:
    import json

    try:
        raw = json.loads(Path(name).read_text())
    except OSError as error:
        raise Usage(f"{what} {name!r} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise Usage(f"{what} {name!r} is no JSON: {error}") from None
    if not isinstance(raw, dict):
        raise Usage(f"{what} {name!r} is no JSON object")
    return raw


def _price(name: str, field: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise Usage(f"price table {name!r}: {field} is {shortened(str(value))}, a price from 0 is needed")
    return float(value)
