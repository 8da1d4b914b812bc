"""What would make a move safer: tried out, not guessed."""

from __future__ import annotations

from quorate.layout import bounds
from quorate.layout.errors import LayoutError
from quorate.layout.goals import meets
from quorate.layout.moves import SURGE, Move, plan_move
from quorate.layout.spreads import LOSSES


def advise_move(move: Move) -> tuple[str, ...]:
    """Lines of advice; empty where the move is safe throughout."""
    if not move.unsafe_steps and not move.unsafe_catch_ups:
        return ()
    lines = []
    if not meets(move.end, move.goal):
        lines.append(f"the layout at the end does not survive the loss of {LOSSES[move.goal]} itself")
    if not meets(move.start, move.goal):
        lines.append(f"the layout at the start does not survive the loss of {LOSSES[move.goal]} itself")
    helped = [line for line in (_with_spare_zone(move), _with_more_managers(move)) if line]
    if not helped and not lines:
        lines.append("neither a spare zone nor more managers on the way would make it safer")
    return (*lines, *helped)


def _with_spare_zone(move: Move) -> str | None:
    if move.spare_zone or len(move.start) == bounds.MAX_ZONES:
        return None
    return _improved(move, True, move.max_managers, "with a spare zone on the way (--spare-zone)")


def _with_more_managers(move: Move) -> str | None:
    most = min(move.max_managers + SURGE, bounds.MAX_MANAGERS)
    if most == move.max_managers:
        return None
    return _improved(move, False, most, f"with up to {most} managers on the way (--max-managers {most})")


def _improved(move: Move, spare_zone: bool, most: int, how: str) -> str | None:
    try:
        other = plan_move(
            move.start,
            move.end,
            move.goal,
            max_managers=most,
            spare_zone=spare_zone,
            replaced=move.replaced,
        )
    except LayoutError:
        return None
    if (other.unsafe_steps, other.unsafe_catch_ups) >= (move.unsafe_steps, move.unsafe_catch_ups):
        return None
    return (
        f"{how}: {other.unsafe_steps} unsafe and {other.unsafe_catch_ups} exposed steps instead of "
        f"{move.unsafe_steps} and {move.unsafe_catch_ups}"
    )
