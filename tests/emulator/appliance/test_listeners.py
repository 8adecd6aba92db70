"""Which ports take connections, asked of the kernel."""

from __future__ import annotations

import socket

import pytest

from emulator.appliance.linux.listeners import listening_ports


@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::")]
)
def test_a_port_is_told_while_connections_are_taken_there(family: int, address: str) -> None:
    with socket.socket(family) as server:
        server.bind((address, 0))
        port = server.getsockname()[1]
        assert port not in listening_ports()
        server.listen()
        assert port in listening_ports()

    assert port not in listening_ports()


def test_the_port_of_a_connection_that_somebody_made_is_none() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert client.getsockname()[1] not in listening_ports()
