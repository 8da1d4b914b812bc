"""`build-image`: node images from their sources to the parameters that stacks read."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from quorate.errors import QuorateError, UsageError

if TYPE_CHECKING:
    from quorate.operations.image.build import Workshop

PROGRAM = "scripts/build-image"
ROLES = ("manager", "worker")
DESCRIPTION = """\
Node images: built by Packer from Debian 12, as AMIs or as the same node's disk for local VMs;
published to the SSM parameters that stacks read, rolled back, pruned by a rule."""

EXAMPLES = """\
examples:
  scripts/build-image disk                     both roles as disks in .images/manager and .images/worker
  scripts/build-image disk worker --fresh-base one role, on a base disk made anew
  scripts/build-image pin                      newest Debian AMI and SSM agent pinned in images/packer/vars
  scripts/build-image ami                      both roles as AMIs; their manifests are .images/ami-*.json
  scripts/build-image publish                  these AMIs to the parameters /quorate/images/{manager,worker}
  scripts/build-image roll-back manager        that parameter names the image before
  scripts/build-image prune --yes              old images that nothing uses are gone, their snapshots too

exit codes: 0 done; 1 refused or failed, the reason on stderr; 2 bad usage
"""


class Parser(argparse.ArgumentParser):
    """Complains in one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}. `{self.prog} --help` shows examples")


def main() -> None:
    """Runs the command line of this process and exits with its code."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except QuorateError as error:
        print(f"build-image: {error}", file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt as error:
        left = str(error) or "nothing is left running"
        print(f"build-image: interrupted. Nothing was published; {left}", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        sys.stdout = None
        code = 0
    sys.exit(code)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def run(words: Sequence[str]) -> int:
    """Carries out one call and returns its exit code."""
    parser = build_parser()
    if not words:
        parser.print_help(sys.stderr)
        return 2
    arguments = parser.parse_args(words)
    code: int = arguments.handler(arguments)
    return code


def disk(arguments: argparse.Namespace) -> int:
    from quorate.operations.image.build import build_disk

    shop = _workshop(arguments)
    for role in arguments.roles or ROLES:
        made = build_disk(
            shop,
            role,
            accelerator=arguments.accelerator,
            fresh_base=arguments.fresh_base,
            without_ssm_agent=arguments.without_ssm_agent,
        )
        facts = json.loads(made.manifest.read_text())["disk"]
        print(f"{made.image}  {facts['bytes'] / 2**20:.0f} MiB  sha256:{facts['sha256'][:16]}…")
    return 0


def base(arguments: argparse.Namespace) -> int:
    from quorate.operations.image.base import base_disk

    shop = _workshop(arguments)
    with shop.places.one_build():
        print(base_disk(shop.places, shop.say, fresh=arguments.fresh_base).image)
    return 0


def ami(arguments: argparse.Namespace) -> int:
    from quorate.operations.image.build import build_ami

    shop = _workshop(arguments)
    for role in arguments.roles or ROLES:
        manifest = build_ami(shop, role, without_ssm_agent=arguments.without_ssm_agent)
        amis = json.loads(manifest.read_text())["amis"]
        print(f"{role}: {', '.join(f'{region} {ami}' for region, ami in amis.items())}")
    print(f"not published yet; next: {PROGRAM} publish")
    return 0


def publish(arguments: argparse.Namespace) -> int:
    from quorate.operations.image.aws import Region
    from quorate.operations.image.publish import publish as publish_all

    top = _directory(arguments)
    manifests = [Path(one) for one in arguments.manifests] or [
        top / f"ami-{role}.json" for role in ROLES if (top / f"ami-{role}.json").exists()
    ]
    if not manifests:
        raise UsageError(f"no manifest of an AMI in {top}. Build some first: {PROGRAM} ami")
    return _show(publish_all(manifests, Region.of, arguments.prefix), arguments)


def roll_back(arguments: argparse.Namespace) -> int:
    from quorate.operations.image.aws import Region
    from quorate.operations.image.publish import roll_back as roll_all_back

    region = Region.of(_region(arguments))
    return _show(roll_all_back(arguments.roles or ROLES, region, arguments.prefix), arguments)


def prune(arguments: argparse.Namespace) -> int:
    from quorate.operations.image.aws import Region
    from quorate.operations.image.publish import prune as prune_all
    from quorate.operations.image.retention import Rule

    rule = Rule(arguments.newest, arguments.days)
    region = Region.of(_region(arguments))
    verdicts = prune_all(region, ROLES, rule, prefix=arguments.prefix, really=arguments.yes)
    gone = [verdict for verdict in verdicts if verdict.stays is None]
    if arguments.json:
        images = [{"image": v.image.id, "name": v.image.name, "stays": v.stays} for v in verdicts]
        print(json.dumps({"schema": 1, "removed": arguments.yes, "images": images}))
        return 0
    for verdict in verdicts:
        fate = verdict.stays or ("gone" if arguments.yes else "goes")
        print(f"{verdict.image.id}  {verdict.image.name}  {fate}")
    print(f"{len(gone)} of {len(verdicts)} {'removed' if arguments.yes else 'would go; --yes removes them'}")
    return 0


def pin(arguments: argparse.Namespace) -> int:
    from quorate.operations.image import pin as pins
    from quorate.operations.image.aws import Region
    from quorate.operations.image.places import REPOSITORY

    folder = Path(arguments.vars or REPOSITORY / "images/packer/vars")
    if arguments.what in ("all", "base"):
        old, new = pins.pin_base(Region.of(_region(arguments)), folder)
        print(f"base AMI: {old} -> {new}" if old != new else f"base AMI: {new}, as before")
    if arguments.what in ("all", "ssm-agent"):
        old, new = pins.pin_ssm_agent(folder)
        print(f"SSM agent: {old or 'none'} -> {new}" if old != new else f"SSM agent: {new}, as before")
    return 0


def _role(word: str) -> str:
    if word not in ROLES:
        raise UsageError(f"{word!r} is no role of a node: use manager or worker, or neither for both")
    return word


def _show(outcomes: list[dict[str, object]], arguments: argparse.Namespace) -> int:
    if arguments.json:
        print(json.dumps({"schema": 1, "parameters": outcomes}))
        return 0
    for one in outcomes:
        before = f" (before: {one['previous']})" if one["previous"] else ""
        words = f"{one['image']}{before}" if one["changed"] else f"{one['image']}, as before"
        print(f"{one['region']} {one['parameter']}: {words}")
    return 0


def _workshop(arguments: argparse.Namespace) -> Workshop:
    from quorate.operations.image.build import Workshop
    from quorate.operations.image.packer import Packer
    from quorate.operations.image.places import Places

    began = time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {words}", file=sys.stderr, flush=True)

    top = _directory(arguments)
    folder = Path(arguments.vars).resolve() if arguments.vars else None
    program = str(Path(arguments.packer).resolve()) if "/" in arguments.packer else arguments.packer
    packer = Packer(program=program, vars_folder=folder, log=top / "packer.log")
    return Workshop(Places(top), packer, say)


def _directory(arguments: argparse.Namespace) -> Path:
    from quorate.operations.image.places import Places

    return Path(arguments.directory).resolve() if arguments.directory else Places().top


def _region(arguments: argparse.Namespace) -> str:
    from quorate.operations.image.packer import read_variables

    return arguments.region or os.environ.get("AWS_REGION") or read_variables("region")["region"]


def build_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=PROGRAM,
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    _build_verbs(verbs)
    _aws_verbs(verbs)
    return parser


def _build_verbs(verbs: argparse._SubParsersAction[Parser]) -> None:
    for handler, about in (
        (disk, "build disks for local VMs"),
        (ami, "build AMIs; publishes nothing"),
        (base, "make the disk that local builds start from"),
    ):
        verb = verbs.add_parser(handler.__name__, help=about, description=about)
        verb.set_defaults(handler=handler)
        verb.add_argument("--directory", help="where everything is kept (default: .images)")
        verb.add_argument("--vars", help="folder of the var files (default: images/packer/vars)")
        verb.add_argument("--packer", default="packer", help="the packer to run")
        if handler is not base:
            verb.add_argument("roles", nargs="*", type=_role, metavar="ROLE", help="manager, worker")
        if handler is not ami:
            verb.add_argument("--fresh-base", action="store_true", help="make the base disk anew")
        if handler is disk:
            verb.add_argument("--accelerator", default="tcg", choices=["tcg", "kvm"], help="of qemu")
        if handler is not base:
            verb.add_argument(
                "--without-ssm-agent", action="store_true", help="an image nobody can log in to"
            )


def _aws_verbs(verbs: argparse._SubParsersAction[Parser]) -> None:
    from quorate.operations.image.publish import PREFIX

    pinning = verbs.add_parser("pin", help="pin the newest base AMI and SSM agent in the var files")
    pinning.set_defaults(handler=pin)
    pinning.add_argument("what", nargs="?", default="all", choices=["all", "base", "ssm-agent"])
    pinning.add_argument("--vars", help="folder of the var files (default: images/packer/vars)")
    pinning.add_argument("--region", help="where to look for AMIs")
    for handler, name, about in (
        (publish, "publish", "the AMIs of the last build to the SSM parameters"),
        (roll_back, "roll-back", "the SSM parameters name the image before"),
        (prune, "prune", "which old AMIs would go; with --yes they do"),
    ):
        verb = verbs.add_parser(name, help=about, description=about)
        verb.set_defaults(handler=handler)
        verb.add_argument("--json", action="store_true", help="for scripts")
        verb.add_argument("--prefix", default=PREFIX, help=f"of the parameters (default: {PREFIX})")
        if handler is publish:
            verb.add_argument("manifests", nargs="*", metavar="MANIFEST", help="default: those in .images")
            verb.add_argument("--directory", help="where builds keep everything (default: .images)")
            continue
        verb.add_argument("--region", help="default: AWS_REGION, or that of images/packer/vars")
        if handler is roll_back:
            verb.add_argument("roles", nargs="*", type=_role, metavar="ROLE", help="manager, worker")
            continue
        verb.add_argument("--newest", type=int, default=3, help="so many of each role stay (default: 3)")
        verb.add_argument("--days", type=int, default=14, help="younger ones stay (default: 14)")
        verb.add_argument("--yes", action="store_true", help="remove them")


if __name__ == "__main__":
    main()
