"""The way from one layout to another, one member at a time, with as little risk as can be.

What a sequence costs, in this order: layouts on the way that do not meet the goal; catch-ups during which
the goal does not hold (a member counts from the moment it is added, and holds no log yet); steps. The search
is exact (A* over the layouts of at most `max_managers`): no other sequence within the same bounds is better
in that order.

Where members are to be replaced, a zone's state is its count and how many of its first slots still hold the
member they held at the start. Slots are numbered and the last one goes first, so an old member below the
last slot can only leave by a replacement within its slot: it leaves, and its successor joins.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count as counter

from quorate.layout import bounds
from quorate.layout.bounds import Spread, as_spread, text
from quorate.layout.errors import LayoutError
from quorate.layout.goals import Goal, as_goal, worst_loss
from quorate.layout.majority import tolerated_nodes
from quorate.layout.survival import Tolerance, tolerance

ADD, REMOVE = "add", "remove"
SURGE = 2
"""How many managers more than either end a move may use where no bound is given."""
EFFORT = 60_000
"""Changes weighed before a move is given up as too large: some seconds."""

Place = tuple[int, int]
"""A zone's managers, and how many of its first slots hold their first member still (to be replaced)."""
State = tuple[Place, ...]
Alike = tuple[tuple[int, ...], ...]
"""A state without the order of its zones."""


@dataclass(frozen=True)
class Step:
    """One member more or less. `layout` is what stands afterwards, `slot` the slot's number in its zone.

    `in_slot`: half of a replacement within a slot; the config key `layout` keeps its value through both
    halves, otherwise it is set to `layout`. `catch_up_safe`: the goal also holds with the new member lost.
    """

    action: str
    zone: int
    slot: int
    layout: Spread
    tolerates: Tolerance
    meets_goal: bool
    catch_up_safe: bool
    in_slot: bool = False


@dataclass(frozen=True)
class Move:
    """The steps from `start` to `end`, and how many of them leave the goal."""

    start: Spread
    end: Spread
    goal: Goal
    max_managers: int
    spare_zone: bool
    replaced: tuple[int, ...]
    steps: tuple[Step, ...]

    @property
    def unsafe_steps(self) -> int:
        """Steps after which the goal does not hold."""
        return sum(not step.meets_goal for step in self.steps)

    @property
    def unsafe_catch_ups(self) -> int:
        """Steps whose new member must catch up before the goal holds."""
        return sum(not step.catch_up_safe for step in self.steps)

    def config_layouts(self) -> tuple[Spread, ...]:
        """The value of the config key `layout` after each step."""
        values, kept = [], self.start
        for step in self.steps:
            kept = kept if step.in_slot else step.layout
            values.append(kept)
        return tuple(values)


def plan_move(
    start: Spread,
    end: Spread,
    goal: Goal | str = Goal.ZONE,
    *,
    max_managers: int | None = None,
    spare_zone: bool = False,
    replaced: Collection[int] = (),
) -> Move:
    """The least risky, then shortest way from `start` to `end`.

    `spare_zone`: one more zone, empty at both ends, may be used on the way. `replaced`: zones (by index)
    none of whose members may stay. LayoutError for bad input and for a move too large to search.
    """
    begin, finish, wanted = as_spread(start), as_spread(end), as_goal(goal)
    if len(begin) != len(finish):
        raise LayoutError(
            f"from {text(begin)} to {text(finish)}: {len(begin)} zones and {len(finish)}. Write 0 for a zone "
            f"without managers"
        )
    for zone in replaced:
        bounds.whole(zone, "the zone to replace", 0, len(begin) - 1)
    if spare_zone:
        begin, finish = as_spread((*begin, 0)), as_spread((*finish, 0))
    most = _most(begin, finish, max_managers)
    renewed = frozenset(replaced)
    search = _Search(finish, wanted, most)
    first = tuple((held, held if zone in renewed else 0) for zone, held in enumerate(begin))
    return Move(
        begin, finish, wanted, most, spare_zone, tuple(sorted(renewed)), tuple(search.steps_from(first))
    )


def _most(begin: Spread, finish: Spread, asked: int | None) -> int:
    needed = max(sum(begin), sum(finish))
    if asked is None:
        return min(needed + SURGE, bounds.MAX_MANAGERS)
    bounds.managers(asked)
    if asked < needed:
        raise LayoutError(
            f"at most {asked} managers on the way from {text(begin)} to {text(finish)}: an end itself has "
            f"{needed}. Allow {needed} or more"
        )
    return asked


@dataclass(frozen=True)
class _Edge:
    """A step, or the two of a replacement within a slot: where it leads and what is passed on the way."""

    zone: int
    slot: int
    actions: tuple[str, ...]
    passed: tuple[Spread, ...]
    state: State


class _Search:
    """A* from one state to `finish`; costs are (unsafe layouts, exposed catch-ups, steps)."""

    def __init__(self, finish: Spread, goal: Goal, most: int) -> None:
        self.finish, self.goal, self.most = finish, goal, most
        self.judged: dict[Spread, tuple[bool, bool]] = {}

    def steps_from(self, first: State) -> Iterator[Step]:
        edges = self._way(first)
        layout = _counts(first)
        for edge in edges:
            for action, passed in zip(edge.actions, edge.passed, strict=True):
                safe_to_add = action == REMOVE or self._judge(layout)[1]
                in_slot = len(edge.actions) > 1
                held = tolerance(passed)
                yield Step(
                    action, edge.zone, edge.slot, passed, held, self._judge(passed)[0], safe_to_add, in_slot
                )
                layout = passed

    def _way(self, first: State) -> list[_Edge]:
        """Alike zones are exchangeable, so states are told apart by their zones as a set."""
        order = counter()
        key = self._alike(first)
        best = {key: (0, 0, 0)}
        came: dict[Alike, tuple[Alike, _Edge]] = {}
        queue = [((0, 0, self._left(first), self._left(first)), next(order), first, (0, 0, 0))]
        done: set[Alike] = set()
        while queue:
            _, _, state, spent = heappop(queue)
            key = self._alike(state)
            if key in done:
                continue
            done.add(key)
            if all(place == (held, 0) for place, held in zip(state, self.finish, strict=True)):
                return self._back(key, came)
            if next(order) > EFFORT:
                break
            for edge in self._edges(state):
                cost = self._cost(spent, _counts(state), edge)
                after = self._alike(edge.state)
                if after not in done and (after not in best or cost < best[after]):
                    best[after] = cost
                    came[after] = (key, edge)
                    left = self._left(edge.state)
                    # of equally promising ones the nearest to the end goes first
                    promise = (cost[0], cost[1], cost[2] + left, left)
                    heappush(queue, (promise, next(order), edge.state, cost))
        raise LayoutError(
            f"a move to {text(self.finish)} with up to {self.most} managers over {len(self.finish)} zones "
            f"has too many ways to search. Allow fewer managers (--max-managers), or go in several moves"
        )

    @staticmethod
    def _back(key: Alike, came: dict[Alike, tuple[Alike, _Edge]]) -> list[_Edge]:
        edges: list[_Edge] = []
        while key in came:
            key, edge = came[key]
            edges.append(edge)
        return edges[::-1]

    def _alike(self, state: State) -> Alike:
        return tuple(sorted((*place, held) for place, held in zip(state, self.finish, strict=True)))

    def _left(self, state: State) -> int:
        """No fewer steps lead to the end: old members leave, new ones are as many as wanted."""
        return sum(
            old + abs(wanted - held + old) for (held, old), wanted in zip(state, self.finish, strict=True)
        )

    def _edges(self, state: State) -> Iterator[_Edge]:
        layout = _counts(state)
        total = sum(layout)
        for zone, (held, old) in enumerate(state):
            more, fewer = _changed(layout, zone, 1), _changed(layout, zone, -1)
            if total < self.most:
                yield _Edge(zone, held + 1, (ADD,), (more,), _placed(state, zone, (held + 1, old)))
            if held and total > 1:
                yield _Edge(
                    zone, held, (REMOVE,), (fewer,), _placed(state, zone, (held - 1, min(old, held - 1)))
                )
            if 0 < old < held:
                yield _Edge(zone, old, (REMOVE, ADD), (fewer, layout), _placed(state, zone, (held, old - 1)))

    def _cost(self, spent: tuple[int, int, int], before: Spread, edge: _Edge) -> tuple[int, int, int]:
        unsafe, exposed, steps = spent
        for action, passed in zip(edge.actions, edge.passed, strict=True):
            exposed += action == ADD and not self._judge(before)[1]
            unsafe += not self._judge(passed)[0]
            steps += 1
            before = passed
        return unsafe, exposed, steps

    def _judge(self, layout: Spread) -> tuple[bool, bool]:
        """Whether `layout` meets the goal, and whether one more may catch up without leaving it."""
        known = self.judged.get(layout)
        if known is None:
            total, loss = sum(layout), worst_loss(layout, self.goal)
            known = (loss <= tolerated_nodes(total), loss + 1 <= total // 2)
            self.judged[layout] = known
        return known


def _counts(state: State) -> Spread:
    return tuple(held for held, _ in state)


def _changed(layout: Spread, zone: int, by: int) -> Spread:
    return (*layout[:zone], layout[zone] + by, *layout[zone + 1 :])


def _placed(state: State, zone: int, place: Place) -> State:
    return (*state[:zone], place, *state[zone + 1 :])
