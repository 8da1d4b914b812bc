"""The instance metadata service, version 2 only: a session token first, then everything else with it."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass

from quorate.errors import Failed, Unknown
from quorate.swarm.patience import Backoff, Deadline

TOKEN_SECONDS = 21600


@dataclass(frozen=True)
class Identity:
    """What the instance is: its id and its private address."""

    instance: str
    address: str


class Metadata:
    """One instance's metadata service. Every method raises Unknown when it gave no answer."""

    def __init__(self, endpoint: str = "http://169.254.169.254", timeout: float = 2.0) -> None:
        self.endpoint = endpoint.rstrip("/")
        self._timeout = timeout
        self._token: str | None = None
        # No proxy, whatever the environment says: the answer must come from this instance's own link.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def _request(self, method: str, path: str, headers: dict[str, str]) -> bytes:
        request = urllib.request.Request(f"{self.endpoint}{path}", method=method, headers=headers)  # noqa: S310
        with self._opener.open(request, timeout=self._timeout) as answer:
            body: bytes = answer.read(1 << 20)
        return body

    def get(self, path: str) -> bytes | None:
        """The body under /latest/`path`; None for 404. A session that was refused is renewed once."""
        for last in (False, True):
            try:
                if self._token is None:
                    ttl = {"X-aws-ec2-metadata-token-ttl-seconds": str(TOKEN_SECONDS)}
                    self._token = self._request("PUT", "/latest/api/token", ttl).decode("ascii")
                return self._request("GET", f"/latest/{path}", {"X-aws-ec2-metadata-token": self._token})
            except urllib.error.HTTPError as error:
                if error.code == http.client.NOT_FOUND and self._token is not None:
                    return None
                if error.code == http.client.UNAUTHORIZED and not last:
                    self._token = None
                    continue
                raise Unknown(f"metadata {path}: the service said {error.code}") from error
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise Unknown(f"metadata {path}: no answer ({error or type(error).__name__})") from error
        raise Unknown(f"metadata {path}: no session")

    def wait_for(self, path: str, deadline: Deadline) -> bytes:
        """The body under `path`, asked again until the deadline: early in a boot the link may not be up."""
        trouble: Unknown | None = None
        for _ in Backoff(first=0.2, most=2.0).rounds(deadline):
            try:
                found = self.get(path)
            except Unknown as error:
                trouble = error
                continue
            if found is not None:
                return found
            trouble = Unknown(f"metadata {path}: the service has none (404)")
        raise Failed(f"{trouble}. Check that the instance's metadata service is enabled")

    def identity(self, deadline: Deadline) -> Identity:
        """Who this instance is."""
        return Identity(
            instance=self.wait_for("meta-data/instance-id", deadline).decode("ascii").strip(),
            address=self.wait_for("meta-data/local-ipv4", deadline).decode("ascii").strip(),
        )

    def is_to_end(self) -> bool:
        """Whether Auto Scaling has decided to terminate this instance."""
        state = self.get("meta-data/autoscaling/target-lifecycle-state")
        return state is not None and state.decode("ascii", "replace").strip() == "Terminated"
