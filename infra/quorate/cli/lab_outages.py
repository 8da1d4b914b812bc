"""`lab zone` and `lab host`: power and network taken away by hand, and given back."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from quorate.errors import UsageError

if TYPE_CHECKING:
    from quorate.lab.lab import Lab

ZONE_HELP = """\
down              cut the power of every host in the zone; launches there fail, EC2 has no answer for it
down --partition  cut the zone off from the others and from AWS; what is in it goes on
up                power and network back; the hosts boot from their disks and find their way by themselves

examples:
  scripts/lab zone down use1-az1
  scripts/lab zone down use1-az4 --partition
  scripts/lab zone up use1-az1 && scripts/lab status
"""

HOST_HELP = """\
kill    cut its power: kill -9 of everything on it at once
stop    power it off in order; its engine ends first
start   boot it from the disk it has
clock   set the clock of its agents wrong by --seconds, or right again by 0; AWS refuses what is signed
        more than five minutes off

EC2 goes on to say "running", so Auto Scaling replaces nothing. To see a replacement, terminate the
instance instead, for instance with boto3 or the aws command after eval "$(scripts/lab env)".

examples:
  scripts/lab host kill ip-10-20-0-4
  scripts/lab host start ip-10-20-0-4
  scripts/lab host clock ip-10-20-0-4 --seconds -3600
"""


def zone(lab: Lab, arguments: argparse.Namespace) -> int:
    switches = lab.switches
    if arguments.action == "up":
        if arguments.partition:
            raise UsageError("--partition goes with `zone down`; `zone up` ends a power cut and a partition")
        print(switches.zone_up(arguments.zone))
    elif arguments.partition:
        print(switches.zone_cut(arguments.zone))
    else:
        print(switches.zone_down(arguments.zone))
    print(f"next: {lab.command('status')}")
    return 0


def host(lab: Lab, arguments: argparse.Namespace) -> int:
    switches = lab.switches
    if (arguments.action == "clock") != (arguments.seconds is not None):
        raise UsageError(
            "--seconds goes with `host clock`, and only with it. For instance: host clock HOST --seconds 3600"
        )
    if arguments.action == "clock":
        print(switches.host_clock(arguments.host, arguments.seconds))
        return 0
    act = {"kill": switches.host_kill, "stop": switches.host_stop, "start": switches.host_start}
    print(act[arguments.action](arguments.host))
    return 0


def take_zone(verb: argparse.ArgumentParser) -> None:
    verb.epilog, verb.formatter_class = ZONE_HELP, argparse.RawDescriptionHelpFormatter
    verb.add_argument("action", choices=("down", "up"))
    verb.add_argument("zone", metavar="ZONE", help="a zone id, for instance use1-az1")
    verb.add_argument("--partition", action="store_true", help="cut off but running")


def take_host(verb: argparse.ArgumentParser) -> None:
    verb.epilog, verb.formatter_class = HOST_HELP, argparse.RawDescriptionHelpFormatter
    verb.add_argument("action", choices=("kill", "stop", "start", "clock"))
    verb.add_argument("host", metavar="HOST", help="its name, address or instance id")
    verb.add_argument(
        "--seconds", type=float, metavar="N", help="by how much a clock is ahead; behind when negative"
    )
