"""The way from one layout to another, one member at a time, with as little risk as can be.

What a sequence costs, in this order: layouts on the way that do not meet the goal; catch-ups during which
the goal does not hold (a member counts from the moment it is added, and holds no log yet); steps. The search
is exact (A* over the layouts of at most `max_managers`): no other sequence within the same bounds is better
in that order.

Where members are to be replaced, slots matter: they are numbered, and a zone that shrinks loses its last. An
old member below the last slot can only leave by a replacement within its slot: it leaves, and its successor
joins. The lowest old member is replaced first, since those at the top may leave as the zone shrinks. So the
old members of a zone are always neighbours, and a zone's state is three numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count as counter
from typing import NamedTuple

from quorate.layout import bounds
from quorate.layout.bounds import Spread, as_spread, text
from quorate.layout.errors import LayoutError
from quorate.layout.goals import Goal, as_goal, worst_loss
from quorate.layout.majority import tolerated_nodes
from quorate.layout.survival import Tolerance, tolerance

ADD, REMOVE, REPLACE = "add", "remove", "replace"
SURGE = 2
"""How many managers more than either end a move may use where no bound is given."""
EFFORT = 80_000
"""Changes weighed before a move is given up as too large: some seconds."""

Place = tuple[int, int, int]
"""A zone's managers, how many of them are old and to be replaced, and how many stand above the old ones."""
State = tuple[Place, ...]
Alike = tuple[tuple[Place, int], ...]
"""A state without the order of its zones: each zone's place and its managers at the end."""
Cost = tuple[int, int, int]


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
    first = tuple((held, held if zone in renewed else 0, 0) for zone, held in enumerate(begin))
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


class _Change(NamedTuple):
    """What leads from one state to the next: a member more, one less, or a replacement within a slot."""

    kind: str
    zone: int
    slot: int


class _Search:
    """A* from one state to `finish`; costs are (unsafe layouts, exposed catch-ups, steps)."""

    def __init__(self, finish: Spread, goal: Goal, most: int) -> None:
        self.finish, self.goal, self.most = finish, goal, most
        self.judged: dict[Spread, tuple[bool, bool]] = {}

    def steps_from(self, first: State) -> Iterator[Step]:
        layout = _counts(first)
        for kind, zone, slot in self._way(first):
            for action in (REMOVE, ADD) if kind == REPLACE else (kind,):
                safe = action == REMOVE or self._judge(layout)[1]
                layout = _changed(layout, zone, 1 if action == ADD else -1)
                meets_goal = self._judge(layout)[0]
                yield Step(action, zone, slot, layout, tolerance(layout), meets_goal, safe, kind == REPLACE)

    def _way(self, first: State) -> list[_Change]:
        """Alike zones are exchangeable, so states are told apart by their zones as a set."""
        order = counter()
        # a step changes by at most one how far a layout is beyond the goal: the last ones are unsafe
        beyond = max(0, worst_loss(self.finish, self.goal) - tolerated_nodes(sum(self.finish)))
        key = self._alike(first)
        best: dict[Alike, Cost] = {key: (0, 0, 0)}
        came: dict[Alike, tuple[Alike, _Change]] = {}
        queue = [((0, 0, self._left(first), 0), next(order), key, first)]
        done: set[Alike] = set()
        while queue:
            _, number, key, state = heappop(queue)
            if key in done:
                continue
            done.add(key)
            if all(place[:2] == (held, 0) for place, held in zip(state, self.finish, strict=True)):
                return self._back(key, came)
            if number > EFFORT:
                raise LayoutError(
                    f"a move to {text(self.finish)} with up to {self.most} managers over {len(self.finish)} "
                    f"zones has too many ways to search. Allow fewer managers (--max-managers), or go in "
                    f"several moves"
                )
            unsafe, exposed, steps = best[key]
            for after, (more_unsafe, more_exposed, more_steps), change in self._changes(state):
                reached = self._alike(after)
                cost = (unsafe + more_unsafe, exposed + more_exposed, steps + more_steps)
                if reached not in done and (reached not in best or cost < best[reached]):
                    best[reached] = cost
                    came[reached] = (key, change)
                    left = self._left(after)
                    # of equally promising ones the nearest to the end goes first
                    promise = (cost[0] + min(left, beyond), cost[1], cost[2] + left, left)
                    heappush(queue, (promise, next(order), reached, after))
        raise LayoutError(
            f"no way from {text(_counts(first))} to {text(self.finish)} with at most {self.most} managers: "
            f"the last one can only leave once another has joined. Allow {self.most + 1} (--max-managers)"
        )

    @staticmethod
    def _back(key: Alike, came: dict[Alike, tuple[Alike, _Change]]) -> list[_Change]:
        changes: list[_Change] = []
        while key in came:
            key, change = came[key]
            changes.append(change)
        return changes[::-1]

    def _alike(self, state: State) -> Alike:
        return tuple(sorted(zip(state, self.finish, strict=True)))

    def _left(self, state: State) -> int:
        """No fewer steps lead to the end: old members leave, new ones are as many as wanted."""
        return sum(
            [
                old + abs(wanted - held + old)
                for (held, old, _), wanted in zip(state, self.finish, strict=True)
            ]
        )

    def _changes(self, state: State) -> Iterator[tuple[State, Cost, _Change]]:
        layout = _counts(state)
        total = sum(layout)
        safe, may_add = self._judge(layout)
        for zone, (held, old, above) in enumerate(state):
            if total < self.most:
                grown = self._judge(_changed(layout, zone, 1))[0]
                after = (held + 1, old, above + 1 if old else 0)
                yield _placed(state, zone, after), (not grown, not may_add, 1), _Change(ADD, zone, held + 1)
            if held and total > 1:
                shrunk, may_add_again = self._judge(_changed(layout, zone, -1))
                after = (held - 1, old, above - 1) if above else (held - 1, max(0, old - 1), 0)
                yield _placed(state, zone, after), (not shrunk, 0, 1), _Change(REMOVE, zone, held)
                if old:
                    cost = ((not shrunk) + (not safe), not may_add_again, 2)
                    after = (held, old - 1, above if old > 1 else 0)
                    lowest = held - above - old + 1
                    yield _placed(state, zone, after), cost, _Change(REPLACE, zone, lowest)

    def _judge(self, layout: Spread) -> tuple[bool, bool]:
        """Whether `layout` meets the goal, and whether one more may catch up without leaving it."""
        known = self.judged.get(layout)
        if known is None:
            total, loss = sum(layout), worst_loss(layout, self.goal)
            known = (loss <= tolerated_nodes(total), loss + 1 <= total // 2)
            self.judged[layout] = known
        return known


def _counts(state: State) -> Spread:
    return tuple([held for held, _, _ in state])


def _changed(layout: Spread, zone: int, by: int) -> Spread:
    return (*layout[:zone], layout[zone] + by, *layout[zone + 1 :])


def _placed(state: State, zone: int, place: Place) -> State:
    return (*state[:zone], place, *state[zone + 1 :])
