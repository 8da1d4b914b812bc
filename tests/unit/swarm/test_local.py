"""Who listens at an address, asked of real sockets on loopback."""

from __future__ import annotations

import socket

from quorate.swarm.local import listening


def test_only_addresses_that_accept_a_connection_are_left_in_their_order() -> None:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            gone = f"127.0.0.1:{closed.getsockname()[1]}"
        there = [f"127.0.0.1:{one.getsockname()[1]}" for one in (first, second)]
        asked = [gone, there[1], "127.0.0.1:none", there[0]]
        assert listening(asked, 5.0) == (there[1], there[0])
        assert listening([gone], 5.0) == ()
        assert listening([], 5.0) == ()
