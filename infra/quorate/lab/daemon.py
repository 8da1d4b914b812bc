"""The process that a running lab is: the cloud, the fabric, the registry, and the hosts that follow them.

`python -m quorate.lab.daemon --directory D` detaches itself. Its truth is in memory: when it ends, in any
way, the lab is dead. Nothing is tidied at its end; `sweep` finds everything by the lab's id.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quorate.errors import Failed, QuorateError
from quorate.lab.control import ControlServer, Route
from quorate.lab.firewall.render import Services
from quorate.lab.firewall.wall import Wall
from quorate.lab.hosts.engine import REGISTRY_PORT, storage_driver
from quorate.lab.hosts.fabric import AWS_ADDRESS, METADATA_ADDRESS, Fabric
from quorate.lab.hosts.host import Host
from quorate.lab.hosts.inventory import Inventory
from quorate.lab.hosts.names import Names
from quorate.lab.hosts.namespaces import listen
from quorate.lab.hosts.registry import Registry
from quorate.lab.hosts.units import agent_environment
from quorate.lab.outages import Switches
from quorate.lab.process import Identity
from quorate.lab.truth import read_documents

if TYPE_CHECKING:
    from quorate.lab.cloud import Cloud
    from quorate.lab.cloud.metadata import MetadataService

AWS_PORT = 4615
METADATA_PORT = 80
RULES_SECONDS = 0.5
"""Between two looks at the security groups when no instance changes."""

log = logging.getLogger("quorate.lab")


class Daemon:
    """One running lab."""

    def __init__(self, names: Names, port: int) -> None:
        self.names = names
        self._wanted_port = port
        self._began = time.monotonic()
        self.fabric = Fabric(names)
        self.registry = Registry(names, self.fabric, say=log.warning)
        self.cloud: Cloud | None = None
        self.inventory: Inventory | None = None
        self.wall = Wall(self.fabric, Services(AWS_PORT, REGISTRY_PORT), say=log.warning)
        self.switches: Switches | None = None

    def start(self) -> Identity:
        """Everything up, nothing launched yet; what commands need to know of it."""
        self.fabric.create()
        self.wall.raise_up()
        self.registry.start()
        aws = self.fabric.listen(AWS_ADDRESS, AWS_PORT)
        self.cloud = cloud = self._cloud()
        cloud.serve(aws)
        aws.close()
        self.inventory = Inventory(
            self.names,
            self.fabric,
            metadata=self._metadata,
            environment=agent_environment(f"http://{AWS_ADDRESS}:{AWS_PORT}"),
            storage_driver=storage_driver(self.names.hosts),
            say=log.info,
        )
        self.switches = Switches(cloud, self.inventory, self._filter)
        threading.Thread(target=self._follow, name="follow", daemon=True).start()
        control = ControlServer(self.names.directory, self._routes())
        control.start()
        identity = Identity.own(self.names.lab_id, cloud.port, cloud.nonce)
        identity.write(self.names.directory)
        log.info("started in %.2f s; AWS on 127.0.0.1:%d", time.monotonic() - self._began, cloud.port)
        return identity

    def _cloud(self) -> Cloud:
        from quorate.lab.cloud import Cloud

        cloud = Cloud(port=self._wanted_port)
        try:
            cloud.start()
        except Failed as taken:
            if not self._wanted_port:
                raise
            log.warning("%s; another port is taken instead", taken)
            cloud = Cloud()
            cloud.start()
        return cloud

    def _metadata(self, instance_id: str, host: Host) -> MetadataService:
        from quorate.lab.cloud.metadata import MetadataService

        assert self.cloud is not None
        with listen(host.netns, METADATA_ADDRESS, METADATA_PORT) as listener:
            return MetadataService(listener, self.cloud, instance_id, faults=self.cloud.faults)

    def _follow(self) -> None:
        assert self.cloud is not None and self.inventory is not None
        seen = -1
        while True:
            before, seen = seen, self.cloud.wait_for_change(seen, RULES_SECONDS)
            try:
                self._filter()
                if seen != before:
                    self.inventory.follow(self.cloud.instances())
            except Exception:
                log.exception("the hosts cannot follow the cloud's instances")

    def _filter(self) -> None:
        """Filters as groups and outages are now; before a host starts, so that none begins without."""
        assert self.cloud is not None and self.inventory is not None
        self.wall.follow(self.cloud.instances(), self.inventory.outages.cut)

    def _routes(self) -> dict[tuple[str, str], Route]:
        assert self.switches is not None
        return {
            ("GET", "/hosts"): self._hosts,
            ("GET", "/asked"): lambda _: read_documents(),
            **self.switches.routes(),
        }

    def _hosts(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        assert self.cloud is not None and self.inventory is not None and self.switches is not None
        return {
            "hosts": [asdict(host) for host in self.inventory.states()],
            "outages": self.switches.to_json(),
            "denied": [each.to_json() for each in self.wall.denials()],
            "denied_calls": self.cloud.denials.news(),
        }


def detach() -> None:
    """The caller's process ends at once, the lab goes on as nobody's child, deaf to the terminal."""
    if os.fork():
        os._exit(0)
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def main() -> None:
    parser = argparse.ArgumentParser(description="The lab's daemon; `scripts/lab start` starts it.")
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ready", type=int, required=True, help="descriptor to write the outcome to")
    arguments = parser.parse_args()
    detach()
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    names = Names.of(arguments.directory)
    with os.fdopen(arguments.ready, "w") as ready:
        try:
            identity = Daemon(names, arguments.port).start()
        except QuorateError as error:
            log.error("cannot start: %s", error)
            ready.write(json.dumps({"error": str(error)}))
            sys.exit(1)
        except Exception as error:
            log.exception("cannot start")
            ready.write(json.dumps({"error": f"the lab's daemon failed: {error!r}"}))
            sys.exit(1)
        ready.write(json.dumps(identity.to_json()))
    threading.Event().wait()


if __name__ == "__main__":
    main()
