"""SSH to the other appliance with paramiko.

paramiko is imported at the first connection: it costs more than the rest of the module.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redundancy.adapters.ssh_channel import Limits, SshChannel, reason
from redundancy.errors import (
    AuthenticationFailed,
    ConnectionLost,
    HostKeyChanged,
    RedundancyError,
)
from redundancy.ports import StandbyAccess

if TYPE_CHECKING:
    import paramiko

# AES-GCM alone: one pass for cipher and integrity, and nothing older to fall back to.
DISABLED_ALGORITHMS = {
    "ciphers": [
        "aes128-ctr",
        "aes192-ctr",
        "aes256-ctr",
        "aes128-cbc",
        "aes192-cbc",
        "aes256-cbc",
        "3des-cbc",
    ],
    "macs": ["hmac-sha1", "hmac-sha1-96", "hmac-md5", "hmac-md5-96"],
}
LOGGER = "redundancy.ssh"

logging.getLogger(LOGGER).addHandler(logging.NullHandler())  # a library leaves that to its host


@dataclass(frozen=True)
class Patience:
    """How long each step of a connection may take, in seconds."""

    connect_s: float = 10.0
    handshake_s: float = 15.0
    authentication_s: float = 30.0
    dead_peer_s: float = 30.0  # an idle connection whose far kernel is silent so long is dead


class SshTransport:
    """Connects with a password to a pinned host key; no agent, no files of the system.

    Args:
        patience: limits of the connection.
        limits: limits of each command, see `SshChannel`.
    """

    def __init__(self, patience: Patience | None = None, limits: Limits | None = None) -> None:
        self._patience = patience or Patience()
        self._limits = limits or Limits()

    def connect(self, access: StandbyAccess) -> SshChannel:
        """Log in; see `redundancy.ports.Transport.connect`."""
        with self._handshake(access) as transport:
            shown = _shown_key(transport)
            if access.host_key is not None and shown != access.host_key:
                raise HostKeyChanged(
                    f"{access.host} shows another SSH host key than the one that was confirmed",
                    remedy="if the standby was replaced, save Standby-Einstellungen and"
                    " confirm the new fingerprint",
                )
            self._authenticate(transport, access)
            return SshChannel(transport, self._limits)

    def host_key(self, access: StandbyAccess) -> str:
        """Return the host key that the far side shows (D11)."""
        with self._handshake(access) as transport:
            shown = _shown_key(transport)
            transport.close()
        return shown

    @contextmanager
    def _handshake(self, access: StandbyAccess) -> Iterator[paramiko.Transport]:
        """Give a transport with keys exchanged; it is closed if anything fails."""
        where = f"{access.host}:{access.port}"
        transport: paramiko.Transport | None = None
        try:
            transport = self._transport(access)
            transport.start_client(timeout=self._patience.handshake_s)
            yield transport
        except RedundancyError:
            _close(transport)
            raise
        except Exception as error:
            _close(transport)
            raise _translated(error, where) from error

    def _transport(self, access: StandbyAccess) -> paramiko.Transport:
        import paramiko  # noqa: PLC0415 - see the module's docstring

        wire = socket.create_connection((access.host, access.port), self._patience.connect_s)
        try:
            self._tune(wire)
            transport = paramiko.Transport(wire, disabled_algorithms=DISABLED_ALGORITHMS)
        except BaseException:
            wire.close()
            raise
        transport.set_log_channel(LOGGER)
        transport.banner_timeout = self._patience.handshake_s
        transport.auth_timeout = self._patience.authentication_s
        _prefer_pinned(transport, access.host_key)
        return transport

    def _tune(self, wire: socket.socket) -> None:
        """Let the kernel notice a dead line, also while nothing is being sent."""
        seconds = max(1, int(self._patience.dead_peer_s))
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, max(1, seconds // 3))
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, seconds // 6))
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)

    def _authenticate(self, transport: paramiko.Transport, access: StandbyAccess) -> None:
        import paramiko  # noqa: PLC0415 - see the module's docstring

        try:
            transport.auth_password(access.user, access.password, fallback=False)
        except paramiko.AuthenticationException as error:
            # paramiko reports a connection that dies here with the same class
            if "EOF" in str(error) or "timeout" in str(error):
                raise
            raise AuthenticationFailed(
                f"the standby {access.host} does not accept user or password",
                remedy="check Benutzername and Passwort in Standby-Einstellungen",
            ) from error


def _shown_key(transport: paramiko.Transport) -> str:
    key = transport.get_remote_server_key()
    return f"{key.get_name()} {key.get_base64()}"


def _prefer_pinned(transport: paramiko.Transport, pinned: str | None) -> None:
    """Ask for the pinned kind of key first: a server may hold several."""
    if pinned is None:
        return
    kind = pinned.partition(" ")[0]
    options = transport.get_security_options()
    wanted = [
        one for one in options.key_types if one == kind or (kind, one[:4]) == ("ssh-rsa", "rsa-")
    ]
    options.key_types = (*wanted, *(one for one in options.key_types if one not in wanted))


def _close(transport: paramiko.Transport | None) -> None:
    if transport is not None:
        transport.close()


def _translated(error: Exception, where: str) -> RedundancyError:
    """Map whatever broke a connection before anything was asked of the far side."""
    return ConnectionLost(
        f"no SSH connection to {where}: {reason(error)}",
        remedy="check that the standby is on, on the LAN, and answers SSH there",
    )
