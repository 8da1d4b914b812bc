"""What an agent says: one plain line each to stderr, from where systemd's journal takes it.

No caller may pass a token or a credential; what AWS and the engine say is quoted without line breaks.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field


@dataclass
class Journal:
    """Lines of one agent, each with UTC time and its name."""

    name: str
    quiet: bool = False
    _said: dict[str, str] = field(default_factory=dict)

    def say(self, text: str) -> None:
        if self.quiet:
            return
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
        line = " ".join(text.split())
        sys.stderr.write(f"{stamp} {self.name}: {line}\n")
        sys.stderr.flush()

    def say_once(self, topic: str, text: str) -> None:
        """Say it unless it is what was said last on this topic: a loop repeats itself, a journal must not."""
        if self._said.get(topic) != text:
            self._said[topic] = text
            self.say(text)

    def forget(self, topic: str) -> None:
        self._said.pop(topic, None)
