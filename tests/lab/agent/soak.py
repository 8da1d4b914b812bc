"""Boot after boot, each drawn from another seed, until one breaks an invariant or all are done.

make soak                        three hundred boots
make soak BOOTS=20 SEED=1        those of test_boots.py
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from quorate.errors import QuorateError
from quorate.lab.lab import Lab

from .boots import Boots
from .cluster import Cluster
from .handmade import Handmade

DIRECTORY = Path(__file__).resolve().parents[3] / ".lab-soak"


class Stop:
    """Ends the run when a signal says so; remembers it, as an exception in a finalizer goes nowhere."""

    told = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.told = True
        raise KeyboardInterrupt

    def look(self) -> None:
        if self.told:
            raise KeyboardInterrupt


STOP = Stop()


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--boots", type=int, default=300, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the first; the next is one more")
    parser.add_argument("--tell", action="store_true", help="everything that happened, of each boot")
    arguments = parser.parse_args()
    if arguments.boots < 1:
        parser.error(f"--boots {arguments.boots}: 1 or more")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, STOP)
    lab = Lab(DIRECTORY)
    if lab.is_running():
        print(f"soak: one runs already in {DIRECTORY}; end it first (Ctrl-C), or {lab.command('down')}")
        return 1
    code = 1
    try:
        lab.start()
        code = _soak(lab, range(arguments.seed, arguments.seed + arguments.boots), tell=arguments.tell)
    except QuorateError as error:
        print(f"soak: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("soak: interrupted; every boot above held", file=sys.stderr)
        code = 130
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        lab.down()
        if code != 1:
            shutil.rmtree(DIRECTORY, ignore_errors=True)
    return code


def _soak(lab: Lab, seeds: range, *, tell: bool) -> int:
    made = Handmade(lab)
    made.prepare()
    boots = Boots(Cluster(lab, made))
    boots.prepare()
    began = time.monotonic()
    for number, seed in enumerate(seeds, 1):
        STOP.look()
        try:
            seconds = boots.run(seed)
        except AssertionError as broken:
            print(f"boot {number} of {len(seeds)}  seed {seed}  BROKEN: {broken}")
            print(f"the same fate again: make soak BOOTS=1 SEED={seed}; logs: {lab.names.logs}", flush=True)
            return 1
        print(f"boot {number} of {len(seeds)}  seed {seed}  {seconds:.1f} s  {boots.summary}", flush=True)
        if tell:
            print(boots.account(seed), flush=True)
    print(f"{len(seeds)} boots, one whole swarm each, in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
