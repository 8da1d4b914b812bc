"""The lab's AWS: started and stopped as one thing, watched by whoever boots hosts from it."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from secrets import token_hex
from threading import Condition, Lock, RLock, Thread
from typing import TYPE_CHECKING

from quorate.errors import Failed
from quorate.lab.cloud.control import Control
from quorate.lab.cloud.denials import Denials
from quorate.lab.cloud.faults import Faults
from quorate.lab.cloud.principals import Credentials, Judge, Ledger, allow
from quorate.lab.cloud.timing import Timing
from quorate.lab.cloud.views import InstanceView

if TYPE_CHECKING:
    from quorate.lab.cloud.front import Front
    from quorate.lab.cloud.observe import Observer
    from quorate.lab.cloud.scaling.loop import Loop
    from quorate.lab.cloud.server import Server

LOOPBACK = "127.0.0.1"

_one_at_a_time = Lock()


class Cloud:
    """AWS on 127.0.0.1, and on the listening sockets that it is given.

    Use it as a context manager or call `start` and `stop`. There is one at a time in a process, since moto
    keeps its state in module-level names; a stopped cloud has forgotten everything, and its `nonce` differs
    from that of every other.

        cloud = Cloud(port=4615)
        cloud.start([fabric_socket])
        seen = cloud.version
        while True:
            for instance in cloud.instances(): ...
            seen = cloud.wait_for_change(seen, timeout=5)

    Args:
        port: of the loopback endpoint; 0 takes a free one.
        region: where the lab is.
        timing: how fast things happen.
        judge: says for each call why it is denied, or None; without one, an instance's calls are judged by
            its role's policies. It can be replaced while the cloud runs.
    """

    def __init__(
        self,
        port: int = 0,
        region: str = "us-east-1",
        timing: Timing | None = None,
        judge: Judge | None = None,
    ) -> None:
        self.region = region
        self.timing = timing or Timing()
        self.judge = judge or allow
        self.faults = Faults()
        self.denials = Denials()
        self._judges_roles = judge is None
        self.nonce = token_hex(16)
        self._wanted_port = port
        self._port: int | None = None
        self._lock = RLock()
        self._changed = Condition()
        self._version = 0
        self._instances: tuple[InstanceView, ...] = ()
        self._ledger = Ledger()
        self._closed_zones: set[str] = set()
        self._servers: list[Server] = []
        self._front: Front | None = None
        self._observer: Observer | None = None
        self._loop: Loop | None = None
        self._preload: Thread | None = None

    @property
    def port(self) -> int:
        """The port on loopback; Failed before `start`."""
        if self._port is None:
            raise Failed("the lab's cloud is not started")
        return self._port

    @property
    def endpoint(self) -> str:
        """The URL of AWS on this machine's loopback."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self, listeners: Sequence[socket.socket] = ()) -> None:
        """Serve on loopback and on these bound sockets, which may live in other network namespaces.

        Returns when calls are answered. Failed when the port is taken or a cloud already runs here.
        """
        loopback = _bind(self._wanted_port)
        if not _one_at_a_time.acquire(blocking=False):
            loopback.close()
            raise Failed("a cloud of the lab already runs in this process; stop that one first")
        try:
            self._begin(loopback, listeners)
        except BaseException:
            self._end()
            raise
        finally:
            loopback.close()

    def _begin(self, loopback: socket.socket, listeners: Sequence[socket.socket]) -> None:
        from quorate.lab.cloud import world
        from quorate.lab.cloud.front import Front
        from quorate.lab.cloud.judge import Iam
        from quorate.lab.cloud.observe import Observer
        from quorate.lab.cloud.scaling.loop import Loop

        self._observer = Observer()
        self._loop = Loop(self._lock, self.timing, self._publish)
        application = world.create(self.timing, self._closed_zones)
        if self._judges_roles:
            self.judge = Iam()
        self._front = Front(
            moto=application,
            lock=self._lock,
            faults=self.faults,
            ledger=self._ledger,
            judge=lambda: self.judge,
            denials=self.denials,
            control=Control(self),
            changed=self._after_change,
        )
        self._port = int(loopback.getsockname()[1])
        self._serve(loopback, operator=True)
        for listener in listeners:
            self.serve(listener)
        self._loop.start()
        self._preload = Thread(target=world.preload, args=(application, self._lock), daemon=True)
        self._preload.start()

    def serve(self, listener: socket.socket) -> None:
        """Answer AWS's APIs on one more bound socket, for the lab's hosts.

        There are no control paths there, and only credentials that `credentials` gave out are taken.

        The socket is duplicated: the caller may close its own. `stop` ends both.
        """
        self._serve(listener, operator=False)

    def stop(self) -> None:
        """Every connection ends, everything is forgotten. Can be repeated."""
        if self._front is not None:
            self._end()

    def _end(self) -> None:
        from quorate.lab.cloud import world

        if self._loop is not None:
            self._loop.stop()
        if self._preload is not None:
            self._preload.join()
        for server in self._servers:
            server.stop()
        with self._lock:
            world.clear()
        self._servers.clear()
        self._front = self._loop = self._observer = self._port = None
        with self._changed:
            self._instances = ()
            self._version += 1
            self._changed.notify_all()
        _one_at_a_time.release()

    def __enter__(self) -> Cloud:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    @property
    def version(self) -> int:
        """Grows with every change of `instances()`."""
        return self._version

    def instances(self) -> tuple[InstanceView, ...]:
        """All instances in order of launch, terminated ones too until they vanish. Never waits."""
        return self._instances

    def instance(self, instance_id: str) -> InstanceView | None:
        """One of them, None when it is not (or no longer) known."""
        return next((i for i in self._instances if i.id == instance_id), None)

    def wait_for_change(self, since: int, timeout: float | None = None) -> int:
        """The version, as soon as it is greater than `since` or `timeout` seconds have passed."""
        with self._changed:
            self._changed.wait_for(lambda: self._version > since, timeout)
            return self._version

    def credentials(self, instance_id: str) -> Credentials | None:
        """Temporary credentials of the instance's role, the same ones until half of their life is over.

        None when the instance is not running or its profile has no role.
        """
        view = self.instance(instance_id)
        if view is None or not view.running or view.role_name is None or self._front is None:
            return None
        held = self._ledger.current(instance_id, view.role_name)
        if held is not None:
            return held
        from quorate.lab.cloud import world

        with self._lock:
            issued = world.assume_role(view.role_name, instance_id, view.region, self.timing.credentials)
        if issued is not None:
            self._ledger.record(instance_id, issued)
        return issued

    def expire_credentials(self, instance_id: str) -> None:
        """The instance's present credentials are refused from now on; it gets others when it asks."""
        self._ledger.expire(instance_id)

    def calls(self) -> dict[tuple[str, str], int]:
        """Calls so far, by principal (`role/instance` or `operator`) and action (`ssm:GetParameter`)."""
        return self._front.counts() if self._front else {}

    def closed_zones(self) -> tuple[str, ...]:
        """Zone ids in which launches fail."""
        return tuple(sorted(self._closed_zones))

    def close_zone(self, zone_id: str) -> None:
        """From now on no instance can be launched there; those that run are not touched."""
        with self._lock:
            self._closed_zones.add(zone_id)
        self.wake()

    def open_zone(self, zone_id: str) -> None:
        with self._lock:
            self._closed_zones.discard(zone_id)
        self.wake()

    def wake(self) -> None:
        """Let Auto Scaling look now, for instance after a test has moved its clock."""
        if self._loop is not None:
            self._loop.wake()

    def _serve(self, listener: socket.socket, operator: bool) -> None:
        from quorate.lab.cloud.server import Server

        if self._front is None:
            raise Failed("the lab's cloud is not started")
        app = self._front.for_operator if operator else self._front.for_hosts
        server = Server(listener, app)
        server.start()
        self._servers.append(server)

    def _after_change(self) -> None:
        self._publish()
        self.wake()

    def _publish(self) -> None:
        """Called with the lock held: nobody changes an instance meanwhile."""
        if self._observer is None:
            return
        instances = self._observer.instances()
        if instances == self._instances:
            return
        with self._changed:
            self._instances = instances
            self._version += 1
            self._changed.notify_all()


def _bind(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError as failure:
        listener.close()
        raise Failed(
            f"port {port} on {LOOPBACK}: {failure.strerror}; the lab's AWS needs it. "
            f"Stop what listens there (`ss -ltnp sport = :{port}` names it) and start again"
        ) from None
    return listener
