"""What to do about what was seen: pure, and the same every time for the same snapshot and memory.

At most one change of membership comes out, and none while another is under way. What is unknown changes
nothing. Order: the dead leave before the new arrive, the new arrive before the living leave.
"""

from __future__ import annotations

from quorate.agent.steward.actions import Decision, Draft, Memory, Tone
from quorate.agent.steward.chores import label, publish
from quorate.agent.steward.departed import dead_members, demote_dead, notice, remove_ghosts
from quorate.agent.steward.hanging import replace_hung
from quorate.agent.steward.leaving import dissolve, dissolving, see_off
from quorate.agent.steward.members import settle
from quorate.agent.steward.promotion import promote
from quorate.agent.steward.standing import Standing
from quorate.swarm.snapshot import Snapshot


def decide(snapshot: Snapshot, memory: Memory) -> Decision:
    """The actions of one pass of the leader, in the order in which they are to be carried out."""
    draft = Draft(snapshot.now, memory)
    publish(snapshot, draft)
    if snapshot.plan is None or snapshot.groups is None:
        what = "the plan" if snapshot.plan is None else "a complete list of the groups"
        draft.note("aws", Tone.UNKNOWN, f"AWS did not give {what}: no node is changed until it does")
        draft.keep("marked", memory.marked)
        draft.again(2.0)
        return draft.decided()
    standing = Standing(snapshot, snapshot.plan, snapshot.groups)
    if dissolving(standing):
        dissolve(standing, draft)
        return draft.decided()
    label(standing, draft)
    notice(standing, draft)
    settled = settle(standing, draft)
    if settled:
        demote_dead(standing, draft)
    free = settled and not draft.membership_taken
    promote(standing, draft, allowed=free and not dead_members(standing))
    free = free and not draft.membership_taken
    see_off(standing, draft, membership=free)
    replace_hung(standing, draft, allowed=free and not draft.membership_taken)
    remove_ghosts(standing, draft)
    return draft.decided()
