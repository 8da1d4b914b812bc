"""`quorum-layout`: plan a layout of managers and prove a change, before paying for either.

Starts fast: a verb's module, and what it needs, is imported only when the verb is called.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

PROGRAM = "quorum-layout"
VERBS = {
    "check": "one layout against a goal: what it survives, what takes its quorum",
    "plan": "the best layouts of a number of managers over some zones",
    "move": "the safest way from one layout to another, and the check before each step",
    "gate": "may one member leave the swarm now",
    "live": "is the living swarm as good as its plan, and what is next to fatal",
    "completion": "completion of these words for bash, zsh or fish",
}
USAGE = """\
usage: quorum-layout VERB … (quorum-layout VERB --help shows each with worked examples)

{verbs}

exit codes: 0 holds or done; 1 does not hold or refused, the reason on stderr; 2 bad usage
"""


def main() -> None:
    """Runs the command line of this process and exits with its code."""
    if sys.version_info < (3, 11):  # noqa: UP036  the system's own Python may be older
        sys.exit(f"{PROGRAM}: Python {sys.version.split()[0]} is too old: 3.11 or newer is needed")
    gc.disable()  # the process ends before there is anything worth collecting
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        # the reader (head, less) has seen enough; Python would complain again at exit
        sys.stdout = None
        code = 0
    sys.exit(code)


def run(words: Sequence[str]) -> int:
    """Carries out one call and returns its exit code."""
    if not words or words[0] in ("-h", "--help", "help"):
        listed = "\n".join(f"  {verb:<12}{about}" for verb, about in VERBS.items())
        print(USAGE.format(verbs=listed), end="", file=sys.stdout if words else sys.stderr)
        return 0 if words else 2
    verb = words[0]
    if verb not in VERBS:
        from quorate.cli.planner.arguments import nearest

        return complain(f"{verb!r} is no verb{nearest(verb, VERBS)}: use one of {', '.join(VERBS)}")
    return _call(verb, words[1:])


def _call(verb: str, words: Sequence[str]) -> int:
    from importlib import import_module

    from quorate.cli.planner.arguments import Usage
    from quorate.errors import QuorateError
    from quorate.layout.errors import LayoutError

    module = import_module(f"quorate.cli.planner.{verb}")
    try:
        outcome: int = module.run(words)
    except (LayoutError, Usage) as error:
        return complain(str(error))
    except QuorateError as error:
        complain(str(error))
        return error.exit_code
    return outcome


def complain(message: str) -> int:
    """One line on stderr about words that cannot be used; returns exit code 2."""
    print(f"{PROGRAM}: {message}", file=sys.stderr)
    return 2


def refuse(message: str) -> int:
    """One line on stderr about what does not hold; returns exit code 1."""
    print(f"{PROGRAM}: {message}", file=sys.stderr)
    return 1
