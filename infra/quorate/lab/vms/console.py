"""A root shell on a VM's second serial port, spoken to one command at a time."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path
from secrets import token_hex

from quorate.errors import Failed

UNIT = "systemd/system/quorate-lab-console.service"
FILES = {
    UNIT: """[Unit]
Description=The lab's shell
StartLimitIntervalSec=0
DefaultDependencies=no
After=dev-ttyS1.device systemd-remount-fs.service

[Service]
Type=simple
Environment=TERM=dumb
ExecStartPre=/bin/stty -F /dev/ttyS1 raw -echo
ExecStart=/bin/sh -c 'cat </dev/ttyS1 | exec /bin/bash --norc --noprofile >/dev/ttyS1 2>&1'
Restart=always
RestartSec=1
""",
    "systemd/system/sysinit.target.d/lab.conf": "[Unit]\nWants=quorate-lab-console.service\n",
}
"""Below /run: the shell as a unit that starts early, for as long as the VM runs."""

GREETING_SECONDS = 5.0
"""For a shell to answer before it is greeted again."""
PAUSE = 0.5


class Console:
    """One VM's shell behind a Unix socket. Use it from one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket: socket.socket | None = None

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def run(self, command: str, timeout: float = 120) -> str:
        """What the command printed. Failed when it ends with another code than 0, or not in time."""
        code, text = self.attempt(command, timeout)
        if code != 0:
            raise Failed(f"in the VM, `{command}` ended with {code}: {text.strip()[-800:]}")
        return text

    def attempt(self, command: str, timeout: float = 120) -> tuple[int, str]:
        """The command's exit code and what it printed. Failed when it does not end in time."""
        deadline = time.monotonic() + timeout
        self._greet(deadline)
        mark = token_hex(8)
        # the mark is put together in the VM, so that an echo of the command is not taken for its end
        self._send(f"{{ {command}\n}} 2>&1 </dev/null; printf '\\n%s%s %d\\n' {mark[:8]} {mark[8:]} $?\n")
        text = self._until(re.compile(rf"\n{mark} (\d+)\r?\n"), deadline, command)
        found = re.search(rf"\n{mark} (\d+)\r?\n", text)
        assert found is not None
        return int(found[1]), text[: found.start()].replace("\r\n", "\n")

    def _greet(self, deadline: float) -> None:
        """Connects, and waits until the shell is there; a shell that came up in between starts clean."""
        while True:
            try:
                if self._socket is None:
                    self._socket = self._connect()
                mark = token_hex(4)
                # no quotes: the port loses what comes before it is opened, and half of a pair would
                # make the shell take all that follows for the rest of a string
                self._send(f"\nprintf %s%s\\\\n ready- {mark}\n")
                patience = min(deadline, time.monotonic() + GREETING_SECONDS)
                self._until(re.compile(f"ready-{mark}\r?\n"), patience, "a greeting")
                return
            except (Failed, OSError) as error:
                self.close()
                if time.monotonic() > deadline:
                    raise Failed(f"the VM's shell at {self._path} does not answer: {error}") from error
                time.sleep(PAUSE)

    def _connect(self) -> socket.socket:
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream.settimeout(min(1.0, GREETING_SECONDS))
        stream.connect(str(self._path))
        return stream

    def _send(self, text: str) -> None:
        assert self._socket is not None
        self._socket.sendall(text.encode())

    def _until(self, pattern: re.Pattern[str], deadline: float, what: str) -> str:
        assert self._socket is not None
        text = ""
        while not pattern.search(text):
            if time.monotonic() > deadline:
                raise Failed(f"in the VM, `{what}` did not end in time; it printed {text[-300:]!r}")
            try:
                more = self._socket.recv(65536)
            except TimeoutError:
                continue
            if not more:
                raise OSError("the VM's serial port was closed")
            text += more.decode(errors="replace")
        return text
