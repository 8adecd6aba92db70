"""The typed client of the appliance contract: one method a command."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO, TypeVar

from redundancy.contract import (
    Activated,
    Backup,
    Backups,
    Changed,
    Configuration,
    Imported,
    Job,
    Jobs,
    Kept,
    Lineage,
    Mail,
    Model,
    NetworkSettings,
    Nothing,
    Offered,
    Queued,
    Received,
    Rested,
    Snapshot,
    Status,
    Takeover,
    Token,
    User,
    Users,
)
from redundancy.ports import Channel, Payload

CONTROL_STALL_LIMIT_S = 30.0

M = TypeVar("M", bound=Model)


class Appliance:
    """Typed commands over a channel; the same client serves this box and the other one.

    Every method raises what `Channel.call` raises, and `Refused` with the contract's
    error codes: `busy`, `fenced`, `not-a-backup`, `checksum`, `version`, `epoch`,
    `disk-full`, `disk-error`, `incomplete`, `clock`, `damaged`, `partial`, `not-standby`,
    `no-such-file`, `usage`.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def status(self) -> Status:
        """Read the whole state; changes nothing."""
        return self._ask(Status, ["status"])

    def create_backup(self, operation: str) -> Backup:
        """Export a fresh backup; the same operation id returns the same backup."""
        return self._ask(Backup, ["backup", "create", "--operation", operation])

    def backups(self) -> tuple[Backup, ...]:
        """List the finished backups, oldest first."""
        return self._ask(Backups, ["backup", "list"]).backups

    def jobs(self) -> tuple[Job, ...]:
        """List the appliance's own backup and archive jobs."""
        return self._ask(Jobs, ["backup", "jobs"]).jobs

    def hold_backup(self, file: str) -> None:
        """Keep a backup from being rotated away while it travels (O3)."""
        self._ask(Nothing, ["backup", "hold", file])

    def changed_since(self, file: str) -> tuple[str, ...]:
        """Return the objects that were added, changed or removed since a backup (D16)."""
        return self._ask(Changed, ["backup", "compare", file]).objects

    def fence(self, token: Token) -> None:
        """End any older receive or import, remove its remains, refuse older tokens (D2)."""
        self._ask(Nothing, ["fence", str(token)])

    def create_snapshot(self, operation: str, of: str = "") -> Snapshot:
        """Seal the content of this instant, or what a finished backup file holds.

        The same operation id returns the same snapshot.
        """
        argv = ["snapshot", "create", "--operation", operation, *(["--of", of] if of else [])]
        return self._ask(Snapshot, argv)

    def release_snapshot(self, file: str) -> None:
        """Hold a snapshot's files no longer."""
        self._ask(Nothing, ["snapshot", "release", file])

    def offer(self, token: Token, snapshot: Snapshot, seal: BinaryIO, limit_s: float) -> Offered:
        """Ask which files of a generation are missing; changes nothing."""
        argv = ["offer", str(token), "--size", str(snapshot.size), "--sha256", snapshot.sha256]
        return self._ask(Offered, argv, Payload(seal, snapshot.size, limit_s, lambda _sent: None))

    def receive(self, token: Token, snapshot: Snapshot, payload: Payload) -> Received:
        """Send a seal and missing files; each is kept as soon as it has arrived unchanged.

        Args:
            token: the attempt's.
            snapshot: what is being sent.
            payload: the seal, then for each file a frame (32 bytes SHA-256, 8 bytes offset,
                big-endian) and its bytes from there on.
        """
        argv = ["receive", str(token), "--file", snapshot.file, "--seal-size", str(snapshot.size)]
        argv += ["--size", str(payload.size), "--sha256", snapshot.sha256]
        return self._ask(Received, argv, payload)

    def import_backup(self, token: Token, file: str) -> Imported:
        """Import what a receive brought, atomically (D8)."""
        return self._ask(Imported, ["import", str(token), "--file", file])

    def initialise(
        self, stream: BinaryIO, size: int, stall_limit_s: float, progress: Callable[[int], None]
    ) -> Imported:
        """Take an uploaded backup as the standby's first content (R40 to R44)."""
        payload = Payload(stream, size, stall_limit_s, progress)
        return self._ask(Imported, ["initialise", "--size", str(size)], payload)

    def open_epoch(self, operation: str, epoch: int) -> Lineage:
        """Make this appliance the holder of a new epoch (D14); idempotent by operation."""
        argv = ["epoch", "open", "--operation", operation, "--epoch", str(epoch)]
        return self._ask(Lineage, argv)

    def take_over(self, operation: str, epoch: int, network: NetworkSettings) -> Takeover:
        """Open an epoch and adopt an address in one commit; idempotent by operation (D10).

        The old address stays beside the new one until `settle`.
        """
        argv = ["takeover", "--operation", operation, "--epoch", str(epoch)]
        return self._ask(Takeover, [*argv, *_settings(network)])

    def settle(self, operation: str) -> Takeover:
        """Give up the address that this appliance had before the takeover (D10)."""
        return self._ask(Takeover, ["settle", "--operation", operation])

    def set_network(self, network: NetworkSettings) -> None:
        """Readdress this appliance (R57 b, e)."""
        self._ask(Nothing, ["network", "set", *_settings(network)])

    def shut_down(self) -> None:
        """Have the appliance end in order and power off, soon after the answer (R57 c)."""
        self._ask(Nothing, ["shutdown"])

    def rest_modules(self) -> Rested:
        """Bring all modules to rest, so that `activate_modules` brings them back (R45)."""
        return self._ask(Rested, ["modules", "rest"])

    def put_record(self, name: str, values: dict[str, Any]) -> None:
        """Keep a record in the content, so that every backup from now on carries it (D18)."""
        self._ask(Nothing, ["record", "put", name], _json(values))

    def record(self, name: str) -> dict[str, Any] | None:
        """Read a record, or None where there is none."""
        return self._ask(Kept, ["record", "get", name]).values

    def activate_modules(self) -> Activated:
        """Give all modules but Redundanz the activation they had on the active (D13)."""
        return self._ask(Activated, ["modules", "activate"])

    def users(self) -> tuple[User, ...]:
        """List the users."""
        return self._ask(Users, ["users", "list"]).users

    def enqueue_mails(self, mails: Sequence[Mail]) -> Queued:
        """Put messages into the durable mail queue."""
        return self._ask(Queued, ["mail", "enqueue"], _json([one.model_dump() for one in mails]))

    def configuration(self, module: str) -> dict[str, Any] | None:
        """Read a module's configuration, its secrets left empty; None where there is none."""
        return self._ask(Configuration, ["module", "get", module]).values

    def configure(self, module: str, values: dict[str, Any], *, active: bool) -> None:
        """Write a module's configuration; a standby stores it inactive (R45)."""
        argv = ["module", "put", module, *(["--active"] if active else [])]
        self._ask(Nothing, argv, _json(values))

    def close(self) -> None:
        """End the connection."""
        self._channel.close()

    def _ask(self, answer: type[M], argv: list[str], payload: Payload | None = None) -> M:
        return answer.model_validate(self._channel.call(argv, payload))


def _settings(network: NetworkSettings) -> list[str]:
    """Render network settings as options."""
    argv = ["--address", network.address, "--prefix", str(network.prefix)]
    return [*argv, "--gateway", network.gateway, "--dns", ",".join(network.dns)]


def _json(value: Any) -> Payload:
    """Wrap a JSON document as a command's standard input."""
    data = json.dumps(value).encode()
    return Payload(io.BytesIO(data), len(data), CONTROL_STALL_LIMIT_S, lambda _sent: None)
