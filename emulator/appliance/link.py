"""Joins this program's standard streams to the appliance's lab socket.

Run on a node by the lab, through `docker exec -i` or `nsenter`; it is the node's end of
the control channel's pipe and waits until the appliance listens.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time

CONNECT_LIMIT_S = 60.0
RETRY_S = 0.01
PIECE = 65536


def connect(path: str) -> socket.socket:
    """Connect to the appliance's lab socket, waiting for it to appear.

    Raises:
        OSError: it did not appear within the limit.
    """
    deadline = time.monotonic() + CONNECT_LIMIT_S  # noqa: TID251 - real boot, real wait
    while True:
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            peer.connect(path)
        except OSError:
            peer.close()
            if time.monotonic() > deadline:  # noqa: TID251 - as above
                raise
            time.sleep(RETRY_S)  # noqa: TID251 - as above
        else:
            return peer


def pump_in(peer: socket.socket) -> None:
    """Copy standard input to the socket; its end ends the connection."""
    with contextlib.suppress(OSError):
        while piece := os.read(0, PIECE):
            peer.sendall(piece)
    with contextlib.suppress(OSError):
        peer.shutdown(socket.SHUT_WR)


def main() -> None:
    """Copy both ways until the appliance closes its side."""
    peer = connect(sys.argv[1] if len(sys.argv) > 1 else "/run/appliance/lab.sock")
    threading.Thread(target=pump_in, args=(peer,), daemon=True).start()
    with contextlib.suppress(OSError):
        while piece := peer.recv(PIECE):
            os.write(1, piece)


if __name__ == "__main__":
    main()
