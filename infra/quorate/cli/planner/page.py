"""One self-contained page on which a person moves managers and switches zones and nodes off.

The page counts who is left, and looks everything else up: tolerance, probability and cost of each layout come
from a table that is computed here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from math import comb
from pathlib import Path
from typing import NamedTuple

from quorate.cli.planner.packages import enable
from quorate.layout.bounds import MAX_MANAGERS, Spread, text
from quorate.layout.cost import Bill, Prices, monthly
from quorate.layout.goals import Goal, meets
from quorate.layout.majority import quorum
from quorate.layout.move_files import MovePlan
from quorate.layout.probability import unavailability
from quorate.layout.spreads import LOSSES
from quorate.layout.survival import tolerance
from quorate.layout.zones import Zone

USUAL_MANAGERS = 9
MOST_LAYOUTS = 8_000
TEMPLATE = "page.html.j2"


class Page(NamedTuple):
    """What every layout on the page is reckoned with."""

    zones: tuple[Zone, ...]
    goal: Goal
    node_outage: float
    bill: Bill
    prices: Prices


def render(page: Page, layouts: Sequence[Spread], plan: MovePlan | None = None) -> str:
    """The page as HTML: the first of `layouts` is on the board, the others are listed, `plan` as steps."""
    enable("jinja2", "--html")
    from jinja2 import Environment, FileSystemLoader

    shown = [*layouts, *((step.layout for step in plan.move.steps) if plan else ())]
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    most = _most_managers(len(page.zones), max(sum(layout) for layout in shown))
    known = {text(layout): _entry(page, layout) for layout in _every(len(page.zones), most)}
    known |= {text(layout): _entry(page, layout) for layout in shown}
    data = {
        "zones": [zone.name for zone in page.zones],
        "outages": [zone.outage for zone in page.zones],
        "node_outage": page.node_outage,
        "goal": str(page.goal),
        "currency": page.prices.currency,
        "most": most,
        "start": list(layouts[0]),
        "layouts": [list(layout) for layout in layouts],
        "steps": [] if plan is None else _steps(plan),
        "known": known,
    }
    template = environment.get_template(TEMPLATE)
    # "</" would end the script element that holds the data
    return template.render(
        data=json.dumps(data, separators=(",", ":")).replace("</", "<\\/"),
        loss=LOSSES[page.goal],
        goal=str(page.goal),
        prices=page.prices,
        bill=page.bill,
        move=None if plan is None else f"{text(plan.move.start)} to {text(plan.move.end)}",
    )


def _entry(page: Page, layout: Spread) -> list[float | int]:
    """quorum, tolerated nodes, zones, zone plus nodes, whether the goal is met, unavailability, cost."""
    held = tolerance(layout)
    return [
        quorum(sum(layout)),
        held.nodes,
        held.zones,
        held.zone_plus_nodes,
        int(meets(layout, page.goal)),
        unavailability(layout, [zone.outage for zone in page.zones], page.node_outage),
        round(monthly(layout, page.bill, page.prices), 2),
    ]


def _most_managers(zones: int, needed: int) -> int:
    """The most managers up to which every layout is in the table."""
    most = min(max(USUAL_MANAGERS, needed), MAX_MANAGERS)
    while most > 1 and comb(most + zones, zones) > MOST_LAYOUTS:
        most -= 1
    return most


def _every(zones: int, most: int) -> Iterator[Spread]:
    def filled(left: int, over: int) -> Iterator[Spread]:
        if over == 0:
            yield ()
            return
        for count in range(left + 1):
            for rest in filled(left - count, over - 1):
                yield (count, *rest)

    return (layout for layout in filled(most, zones) if any(layout))


def _steps(plan: MovePlan) -> list[dict[str, object]]:
    return [
        {
            "text": f"{step.action} {plan.slot(step)}",
            "layout": list(step.layout),
            "meets_goal": step.meets_goal,
            "catch_up_safe": step.catch_up_safe,
        }
        for step in plan.move.steps
    ]
