"""`lab`: one machine as a cloud, with a real cluster on it. Each verb is a few lines over the Lab object."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from quorate.cli import lab_drill, lab_outages
from quorate.errors import QuorateError, UsageError
from quorate.lab.lab import HEALTHY_SECONDS, Lab

PROGRAM = "scripts/lab"
DESCRIPTION = """\
One machine as a cloud: AWS's APIs on loopback, and every instance a host with a real Docker
Engine in namespaces of its own. Needs root on Linux; one folder is one lab."""

EXAMPLES = """\
examples:
  scripts/lab up               a whole cluster, and what it survives
  scripts/lab status           the tree again; exit code 1 while it is not whole
  scripts/lab exec ip-10-20-0-4 -- docker node ls      any program inside a host
  docker -H "$(scripts/lab hosts --json | jq -r '.[0].docker_host')" node ls
  eval "$(scripts/lab env)"; pulumi preview --stack lab
  scripts/lab zone down use1-az1; scripts/lab status; scripts/lab zone up use1-az1
  scripts/lab down             nothing is left on the machine

exit codes: 0 done or holds; 1 does not hold or refused, the reason on stderr; 2 bad usage
"""


class Parser(argparse.ArgumentParser):
    """Complains in one line, with the nearest word that there is."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}. `{self.prog} --help` shows examples")


def main() -> None:
    """Runs the command line of this process and exits with its code."""
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except QuorateError as error:
        print(f"lab: {error}", file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt:
        print("lab: interrupted. What is done stays; run the same again to go on", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        sys.stdout = None  # the reader has seen enough
        code = 0
    sys.exit(code)


def run(words: Sequence[str]) -> int:
    """Carries out one call and returns its exit code."""
    parser = build_parser()
    if not words:
        parser.print_help(sys.stderr)
        return 2
    if not words[0].startswith("-") and words[0] not in VERBS:
        near = get_close_matches(words[0], VERBS, 1)
        hint = f", did you mean {near[0]}" if near else ""
        raise UsageError(f"{words[0]!r} is no verb{hint}: use one of {', '.join(VERBS)}")
    arguments = parser.parse_args(words)
    handler: Callable[[Lab, argparse.Namespace], int] = arguments.handler
    return handler(Lab(arguments.directory), arguments)


def start(lab: Lab, _: argparse.Namespace) -> int:
    from quorate.cli.progress import Steps

    with Steps() as steps:
        lab.start(steps)
    print(f"AWS answers on {lab.endpoint}; next: {lab.command('deploy')}")
    return 0


def deploy(lab: Lab, arguments: argparse.Namespace) -> int:
    from quorate.cli.progress import Steps

    config = overrides(arguments.config)
    if arguments.preview:
        return preview(lab, config)
    with Steps() as steps:
        if arguments.destroy:
            lab.destroy(steps)
            return 0
        if arguments.refresh:
            for change in lab.refresh():
                steps.note(f"had drifted: {change.type} {change.name}: {change.action}")
        outputs = lab.deploy(config, steps)
    for name, value in outputs.items():
        print(f"{name}: {value if isinstance(value, str) else json.dumps(value)}")
    return 0


def preview(lab: Lab, config: dict[str, str]) -> int:
    changes = [change for change in lab.preview(config) if change.custom and change.action != "same"]
    for change in changes:
        why = f" ({', '.join(change.properties)})" if change.properties else ""
        print(f"{change.action:<9}{change.type}  {change.name}{why}")
    print(f"{len(changes)} changes; nothing was touched" if changes else "no changes")
    return 0


def up(lab: Lab, arguments: argparse.Namespace) -> int:
    from quorate.cli import tree
    from quorate.cli.progress import Steps

    with Steps() as steps:
        seen = lab.up(overrides(arguments.config), steps, arguments.patience)
        seconds = steps.seconds
    print()
    tree.show(seen)
    first = seen.managers[0].hostname
    print(f"up in {seconds:.1f} s; next:")
    print(f"  {lab.command('status')}")
    print(f"  {lab.command('exec')} {first} -- docker node ls")
    print(f"  {lab.command('down')}")
    return 0


def overrides(words: Sequence[str]) -> dict[str, str]:
    """`managers=3` -> {"quorate:managers": "3"}."""
    config = {}
    for word in words:
        key, found, value = word.partition("=")
        if not found or not key:
            raise UsageError(f"--config {word!r}: not KEY=VALUE. For instance: --config managers=3")
        config[key if ":" in key else f"quorate:{key}"] = value
    return config


def down(lab: Lab, _: argparse.Namespace) -> int:
    ended = lab.down()
    print(
        f"the lab in {lab.directory} is down: {ended} ended" if ended else f"no lab runs in {lab.directory}"
    )
    return 0


def env(lab: Lab, _: argparse.Namespace) -> int:
    for name, value in lab.environment().items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def hosts(lab: Lab, arguments: argparse.Namespace) -> int:
    found = lab.hosts()
    if arguments.json:
        print_json([{"schema": 1, **host.to_json()} for host in found])
        return 0
    rows = [("NAME", "ROLE", "ZONE", "ADDRESS", "STATE", "INSTANCE")]
    rows += [(h.name, h.role, h.zone, h.address, h.state, h.instance_id) for h in found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip())
    return 0


def status(lab: Lab, arguments: argparse.Namespace) -> int:
    from quorate.cli import tree

    seen = lab.status()
    if arguments.json:
        print_json(seen.to_json())
        for trouble in seen.trouble:
            print(f"lab: {trouble}", file=sys.stderr)
    else:
        tree.show(seen)
    return 0 if seen.healthy else 1


def execute(lab: Lab, arguments: argparse.Namespace) -> int:
    words = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    if not words:
        raise UsageError(
            f"exec {arguments.host}: no command given. For instance: scripts/lab exec HOST -- docker ps"
        )
    argv, environment = lab.exec_argv(arguments.host, words)
    if "TERM" in os.environ:
        environment["TERM"] = os.environ["TERM"]
    sys.stdout.flush()
    os.execvpe(argv[0], argv, environment)  # noqa: S606 - no shell is wanted


def print_json(document: Any) -> None:
    print(json.dumps(document, indent=2))


VERBS: dict[str, tuple[Callable[[Lab, argparse.Namespace], int], str]] = {
    "start": (start, "the local cloud alone, without any resource"),
    "deploy": (deploy, "run the Pulumi program against the local cloud"),
    "up": (up, "all of it: cloud, program, and a whole cluster"),
    "down": (down, "end the lab, whatever its state, and leave nothing on the machine"),
    "env": (env, "export lines for a shell in which the Pulumi CLI talks to this lab"),
    "hosts": (hosts, "every host: name, role, zone, address, engine"),
    "status": (status, "the cluster as its engines tell it, and what may fail"),
    "exec": (execute, "run a program inside a host"),
    "zone": (lab_outages.zone, "take a zone down, by its power or its network, and up again"),
    "drill": (lab_drill.drill, "lose every zone and every host in turn; prediction beside reality"),
    "host": (lab_outages.host, "cut a host's power, power it off in order, start it again, set its clock"),
}


def build_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=PROGRAM,
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _take_directory(parser, None)
    verbs = parser.add_subparsers(metavar="VERB", required=True, parser_class=Parser)
    for name, (handler, about) in VERBS.items():
        verb = verbs.add_parser(name, help=about, description=about)
        _take_directory(verb, argparse.SUPPRESS)
        verb.set_defaults(handler=handler)
        if name in {"hosts", "status"}:
            verb.add_argument("--json", action="store_true", help="one JSON document on standard output")
        if name in {"deploy", "up"}:
            verb.add_argument(
                "--config",
                metavar="KEY=VALUE",
                action="append",
                default=[],
                help="over Pulumi.lab.yaml, for this run alone; for instance managers=3",
            )
        if name == "deploy":
            verb.add_argument("--preview", action="store_true", help="say what would change, touch nothing")
            verb.add_argument("--refresh", action="store_true", help="read everything back first")
            verb.add_argument("--destroy", action="store_true", help="delete every resource of the program")
        if name == "up":
            verb.add_argument(
                "--patience",
                metavar="SECONDS",
                type=float,
                default=HEALTHY_SECONDS,
                help="how long to wait until the cluster is whole (default: %(default)s)",
            )
        if name == "zone":
            lab_outages.take_zone(verb)
        if name == "drill":
            lab_drill.take(verb)
        if name == "host":
            lab_outages.take_host(verb)
        if name == "exec":
            verb.add_argument("host", metavar="HOST", help="its name, address or instance id")
            verb.add_argument("words", metavar="-- CMD", nargs=argparse.REMAINDER)
    return parser


def _take_directory(parser: argparse.ArgumentParser, default: str | None) -> None:
    """Before the verb or after it."""
    parser.add_argument(
        "--directory",
        type=Path,
        metavar="D",
        default=default,
        help="the lab's folder (default: .lab in the checkout)",
    )


if __name__ == "__main__":
    main()
