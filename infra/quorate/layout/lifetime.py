"""The mean time until the quorum is first lost, from everything up, exactly.

Each zone and each node fails and is repaired by itself, at constant rates: a Markov chain. Zones with as many
managers and the same rates are exchangeable, so its states are how many zones are in which condition. The
mean times t of all states with a quorum solve A t = 1, where A t = exit_i t_i + sum_j rate_ij (t_i - t_j).

Losses are rare, so A is nearly singular and plain elimination or iteration loses the answer in rounding. The
chain is reversible, so A is symmetric in the inner product of the stationary weights; conjugate gradients
with the constant vector deflated (Nicolaides, SIAM J. Numer. Anal. 24(2), 1987) converge fast and keep the
digits: what is rare enters only as the flux into loss, a sum of positive terms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from math import comb, factorial, prod

from quorate.layout.bounds import Spread, as_spread
from quorate.layout.errors import LayoutError
from quorate.layout.majority import quorum

MAX_STATES = 20_000
PRECISION = 1e-13
ROUNDS = 5_000


@dataclass(frozen=True)
class Rates:
    """Mean hours between failures of one node and one zone, and mean hours until each is back."""

    node_mtbf: float
    node_mttr: float
    zone_mtbf: float
    zone_mttr: float

    def __post_init__(self) -> None:
        for name in ("node_mtbf", "node_mttr", "zone_mtbf", "zone_mttr"):
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not 0 < value < float("inf"):
                raise LayoutError(f"{name.replace('_', ' ')} is {value!r}: hours above 0 are needed")

    @property
    def node_outage(self) -> float:
        """The share of time that a node is out by itself."""
        return self.node_mttr / (self.node_mtbf + self.node_mttr)

    @property
    def zone_outage(self) -> float:
        """The share of time that a zone is out."""
        return self.zone_mttr / (self.zone_mtbf + self.zone_mttr)


Condition = tuple[bool, int]
"""Whether a zone is up, and how many of its nodes would answer if it is."""
State = tuple[tuple[Condition, ...], ...]
"""For each group of zones with as many managers: their conditions, in order."""


def mean_time_to_quorum_loss(spread: Spread, rates: Rates) -> float:
    """Hours, on average, from everything up until no quorum answers. LayoutError where it is too large."""
    checked = as_spread(spread)
    groups = [(size, checked.count(size)) for size in sorted({count for count in checked if count})]
    states = prod(comb(2 * (size + 1) + zones - 1, zones) for size, zones in groups)
    if states > MAX_STATES:
        raise LayoutError(
            f"the mean time to quorum loss of {sum(checked)} managers over {len(checked)} zones has {states} "
            f"states, more than {MAX_STATES}: ask for fewer managers"
        )
    chain = _Chain(groups, quorum(sum(checked)), rates)
    return chain.solve()


class _Chain:
    """The states with a quorum, their weights, and the rates between them and out of them."""

    def __init__(self, groups: Sequence[tuple[int, int]], needed: int, rates: Rates) -> None:
        self.rates = rates
        every = product(*(_conditions(size, zones) for size, zones in groups))
        good = [state for state in every if _answering(state) >= needed]
        index = {state: number for number, state in enumerate(good)}
        self.start = index[tuple(((True, size),) * zones for size, zones in groups)]
        self.weights = [self._weight(state, groups) for state in good]
        self.into: list[list[tuple[int, float]]] = []
        self.exits: list[float] = []
        for state in good:
            there: dict[int, float] = {}
            lost = 0.0
            for rate, after in self._changes(state, groups):
                if after in index:
                    there[index[after]] = there.get(index[after], 0.0) + rate
                else:
                    lost += rate
            self.into.append(list(there.items()))
            self.exits.append(lost)

    def _weight(self, state: State, groups: Sequence[tuple[int, int]]) -> float:
        """The stationary probability of a state, up to a common factor."""
        zone_odds = self.rates.zone_mttr / self.rates.zone_mtbf
        node_odds = self.rates.node_mttr / self.rates.node_mtbf
        weight = 1.0
        for (size, zones), conditions in zip(groups, state, strict=True):
            weight *= factorial(zones)
            for condition in set(conditions):
                up, answering = condition
                share = (1.0 if up else zone_odds) * comb(size, answering) * node_odds ** (size - answering)
                alike = conditions.count(condition)
                weight *= share**alike / factorial(alike)
        return weight

    def _changes(self, state: State, groups: Sequence[tuple[int, int]]) -> Iterator[tuple[float, State]]:
        """Each thing that can happen next: its rate an hour, and the state it leads to."""
        rates = self.rates
        for group, ((size, _), conditions) in enumerate(zip(groups, state, strict=True)):
            for place, (up, answering) in enumerate(conditions):
                changes = [(1 / rates.zone_mtbf if up else 1 / rates.zone_mttr, (not up, answering))]
                if answering:
                    changes.append((answering / rates.node_mtbf, (up, answering - 1)))
                if answering < size:
                    changes.append(((size - answering) / rates.node_mttr, (up, answering + 1)))
                for rate, changed in changes:
                    after = tuple(sorted((*conditions[:place], changed, *conditions[place + 1 :])))
                    yield rate, (*state[:group], after, *state[group + 1 :])

    def solve(self) -> float:
        """The mean time from the state in which everything is up."""
        size = len(self.weights)
        flux = self._inner(self.exits, [1.0] * size)
        scale = [
            lost + sum(rate for _, rate in into) for lost, into in zip(self.exits, self.into, strict=True)
        ]
        solution = [0.0] * size
        residual = self._deflate([1.0] * size, flux)
        total = sum(self.weights)
        near = PRECISION**2 * max(total, self._inner(residual, residual))
        direction: list[float] = []
        before = 0.0
        for _ in range(ROUNDS):
            if self._inner(residual, residual) <= near:
                break
            scaled = [value / by for value, by in zip(residual, scale, strict=True)]
            now = self._inner(residual, scaled)
            direction = (
                [value + now / before * old for value, old in zip(scaled, direction, strict=True)]
                if direction
                else scaled
            )
            ahead = self._deflate(self._apply(direction), flux)
            step = now / self._inner(direction, ahead)
            solution = [value + step * move for value, move in zip(solution, direction, strict=True)]
            residual = [value - step * move for value, move in zip(residual, ahead, strict=True)]
            before = now
        return (total - self._inner(self.exits, solution)) / flux + solution[self.start]

    def _apply(self, times: Sequence[float]) -> list[float]:
        return [
            lost * time + sum(rate * (time - times[other]) for other, rate in into)
            for time, lost, into in zip(times, self.exits, self.into, strict=True)
        ]

    def _deflate(self, vector: Sequence[float], flux: float) -> list[float]:
        share = self._inner(vector, [1.0] * len(vector)) / flux
        return [value - share * lost for value, lost in zip(vector, self.exits, strict=True)]

    def _inner(self, one: Sequence[float], other: Sequence[float]) -> float:
        return sum(w * a * b for w, a, b in zip(self.weights, one, other, strict=True))


def _conditions(size: int, zones: int) -> list[tuple[Condition, ...]]:
    each = sorted(product((False, True), range(size + 1)))
    return list(combinations_with_replacement(each, zones))


def _answering(state: State) -> int:
    return sum(answering for conditions in state for up, answering in conditions if up)
