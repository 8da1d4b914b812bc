"""Which provider answers for a resource: the default one, or one that the program made."""

from __future__ import annotations

import threading

from quorate.errors import UsageError
from quorate.lab.engine.ledger import Ledger
from quorate.lab.provider.configuration import Configuration
from quorate.lab.provider.provider import Provider
from quorate.lab.provider.values import Values

PREFIX = "pulumi:providers:"


class Providers:
    """Providers by their references (URN::id); each is verified before its first use."""

    def __init__(self, default: Provider, nonce: str, ledger: Ledger) -> None:
        self.default = default
        self._nonce = nonce
        self._ledger = ledger
        self._made: dict[str, Provider] = {}
        self._lock = threading.Lock()

    def make(self, urn: str, type_: str, inputs: Values) -> None:
        """A provider that the program registers. Raises UsageError, Refused."""
        if type_ != f"{PREFIX}aws":
            raise UsageError(f"{type_}: the lab has a provider for aws only")
        with self._lock:
            self._made[urn] = Provider.configure(Configuration.parse(inputs), self._nonce)

    def of(self, reference: str) -> Provider:
        """The provider of a reference; an empty one means the default."""
        if not reference:
            return self.default
        urn = reference.rpartition("::")[0]
        if urn not in self._made:
            resource = self._ledger.current(urn)
            if resource is None:
                raise UsageError(f"{reference}: the state has no such provider")
            self.make(urn, resource.type, resource.inputs)
        return self._made[urn]

    def call_off(self) -> None:
        """Ends every wait that is under way."""
        for provider in (self.default, *self._made.values()):
            provider.call_off()
