"""`quorum-layout gate --members N --reachable R --target up|down`: may one member leave the swarm now."""

from __future__ import annotations

from collections.abc import Sequence

from quorate.cli.planner import arguments, words
from quorate.cli.quorum_layout import refuse
from quorate.layout import bounds
from quorate.layout.membership import gate

EXAMPLES = (
    (
        "quorum-layout gate --members 5 --reachable 4 --target down",
        """\
yes: 4 of the 4 that remain answer, 3 are needed (slack 1)
""",
    ),
    (
        "quorum-layout gate --members 5 --reachable 3 --target up",
        """\
no: 2 of the 4 that would remain answer, 3 are needed for a quorum. Bring back a
  manager that is down first (slack -1)
""",
    ),
)


def run(given: Sequence[str]) -> int:
    parser = arguments.Words("gate", __doc__ or "", EXAMPLES)
    count = arguments.counted("members", 1, bounds.MAX_MANAGERS)
    reachable = arguments.counted("reachable members", 0, bounds.MAX_MANAGERS)
    parser.add_argument("--members", type=count, required=True, metavar="N", help="all managers")
    parser.add_argument(
        "--reachable", type=reachable, required=True, metavar="R", help="managers that answer, of all"
    )
    parser.add_argument("--target", required=True, metavar="up|down", help="whether the one to go answers")
    parser.add_json()
    asked = parser.read(given)
    verdict = gate(asked.members, asked.reachable, asked.target)
    if asked.json:
        print(words.as_json(verdict.to_json()))
    else:
        answer = words.paint("yes" if verdict.allowed else "no", words.GOOD if verdict.allowed else words.BAD)
        print(words.wrapped(f"{answer}: {verdict.reason} (slack {verdict.slack})"))
    return 0 if verdict.allowed else refuse(verdict.reason)
