"""The appliance contract: all that the engine may ask of an appliance.

Every command is `appliancectl --json COMMAND …`, run locally or over SSH, and answers
with one JSON object on standard output:

    {"contract": 2, "ok": true,  "result": {…}}
    {"contract": 2, "ok": false, "error": {"code": "…", "message": "…", "remedy": "…"}}

The exit status is 0, 1 (refused) or 2 (the command itself is wrong). A real box takes
part by providing this command set; `schema()` is its machine-readable form.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, BinaryIO, Literal, NamedTuple, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict

from redundancy.ports import Channel, Payload

CONTRACT_VERSION = 2
CONTROL_STALL_LIMIT_S = 30.0


class Token(NamedTuple):
    """The right to act on a standby: the newest (epoch, run, attempt) wins (D2, D14)."""

    epoch: int
    run: int
    attempt: int

    def __str__(self) -> str:
        """Render as on the command line: `1.3.2`."""
        return f"{self.epoch}.{self.run}.{self.attempt}"


class Model(BaseModel):
    """A frozen value of the contract; unknown fields are an error on our side only."""

    model_config = ConfigDict(frozen=True, extra="ignore")


M = TypeVar("M", bound=Model)


class NetworkSettings(Model):
    """IPv4 settings of an appliance (R9, R51)."""

    method: Literal["static", "dhcp"] = "static"
    address: str
    prefix: int
    gateway: str
    dns: tuple[str, ...] = ()


class Licence(Model):
    """A licence without its key: the fingerprint compares, `redacted` is shown (R12, R14)."""

    kind: Literal["server", "user", "module"]
    module: str | None = None
    users: int = 0
    fingerprint: str
    redacted: str


class Lineage(Model):
    """Where a state stands (D14): the epoch, whose it is, and the last generation in it."""

    epoch: int
    holder: str  # fingerprint of the server licence whose appliance opened the epoch
    generation: int


class Origin(Model):
    """The backup that the content of a standby came from."""

    epoch: int
    generation: int
    taken_at: AwareDatetime
    imported_at: AwareDatetime
    sha256: str
    network: NetworkSettings  # of the appliance that made the backup; never applied (D7)


class Takeover(Model):
    """A takeover of the active's address that was committed on this appliance (D10)."""

    operation: str
    epoch: int
    settled: bool  # the old address has been given up


class ModuleState(Model):
    """A module configuration and whether it is active (R45, D13)."""

    name: str
    active: bool


class Busy(Model):
    """What is under way on the appliance."""

    backup: bool = False  # a backup or an archive is being written (O7)
    receiving: str | None = None  # the token
    importing: str | None = None


class Status(Model):
    """Everything that preconditions, role and safety checks look at."""

    name: str
    hardware_id: str
    type: Literal["hardware", "vm", "cloud"]
    version: str
    zone: str
    network: NetworkSettings
    licences: tuple[Licence, ...]
    user_count: int
    lineage: Lineage
    origin: Origin | None = None
    takeover: Takeover | None = None
    conflict: str | None = None  # MAC of another that holds our address; we stay off it (D10)
    modules: tuple[ModuleState, ...] = ()
    lines: dict[str, int] = {}  # "sip", "isdn", "analogue" -> how many
    busy: Busy = Busy()

    @property
    def server_key(self) -> str | None:
        """Return the fingerprint of the server licence, if one is installed."""
        return next((one.fingerprint for one in self.licences if one.kind == "server"), None)


class Backup(Model):
    """A finished `.sar` file on the appliance."""

    file: str  # its name; unique on the appliance
    path: str
    epoch: int
    generation: int
    version: str
    taken_at: AwareDatetime
    size: int
    sha256: str
    job: str = ""  # the backup job that made it; "" for one that was asked for


class Backups(Model):
    """The finished backups, oldest first."""

    backups: tuple[Backup, ...]


class Job(Model):
    """A job of the appliance that writes a backup or an archive by itself (R32, O7).

    Attributes:
        next_start: None while the job rests, as on a standby.
        typical_s: how long it usually writes, in seconds; None before its first time.
    """

    name: str
    kind: Literal["backup", "archive"]
    repeat_unit: Literal["hour", "day"]
    repeat_every: int
    next_start: AwareDatetime | None = None
    typical_s: float | None = None
    running: bool = False


class Jobs(Model):
    """All jobs of the appliance."""

    jobs: tuple[Job, ...]


class Snapshot(Model):
    """What a run sends: a seal that names every file of one generation, and holds them.

    The files lie unchanged in the folder `blobs`, each as `ab/abcd…` by its SHA-256, until
    the snapshot is released.
    """

    file: str  # its name; unique on the appliance
    path: str  # of the seal
    blobs: str
    epoch: int
    generation: int
    version: str
    taken_at: AwareDatetime
    size: int  # of the seal, in bytes
    sha256: str  # of the seal: it stands for the whole generation


class MissingBlob(Model):
    """A file that the standby lacks.

    Attributes:
        sha256, size: of the whole file.
        offset, begun_sha256: how much of it an earlier attempt has left there, and what that
            is; it counts only if it is the beginning of the file.
    """

    sha256: str
    size: int
    offset: int = 0
    begun_sha256: str = ""


class Offered(Model):
    """What a standby lacks of a generation, in the order in which to send it."""

    missing: tuple[MissingBlob, ...]


class Received(Model):
    """A generation that arrived whole."""

    file: str
    size: int
    sha256: str


class Imported(Model):
    """A committed import."""

    epoch: int
    generation: int
    objects: int


class Activated(Model):
    """Modules that were brought to life after a switchover (D13)."""

    modules: tuple[str, ...]


class Rested(Model):
    """Modules that were brought to rest."""

    modules: tuple[str, ...]


class Changed(Model):
    """Objects, as `kind/id`, that differ from those of a backup (D16)."""

    objects: tuple[str, ...]


class Kept(Model):
    """A record that a module keeps in the content; None where there is none."""

    values: dict[str, Any] | None


class User(Model):
    """A user as far as mails need one (R55)."""

    login: str
    name: str
    email: str | None = None
    language: Literal["de", "en"] = "de"


class Users(Model):
    """All users of the appliance."""

    users: tuple[User, ...]


class Configuration(Model):
    """A module's configuration; None where the module has none."""

    values: dict[str, Any] | None


class Mail(Model):
    """A message for the appliance's mail queue; the Message-ID makes it one message (D5)."""

    message_id: str
    recipient: str
    subject: str
    body: str


class Queued(Model):
    """What the mail queue took; known Message-IDs are not taken again."""

    queued: int
    known: int


class Nothing(Model):
    """The answer of commands that only act."""


class Appliance:
    """Typed commands over a channel; the same client serves this box and the other one.

    Every method raises what `Channel.call` raises, and `Refused` with the contract's
    error codes: `busy`, `fenced`, `not-a-backup`, `checksum`, `version`, `epoch`,
    `disk-full`, `incomplete`, `not-standby`, `no-such-file`, `usage`.
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


def schema() -> dict[str, Any]:
    """Return the JSON Schemas of all answers, by model name, and the contract's version."""
    models = (
        *(Status, Backup, Job, Snapshot, Offered, Received, Imported),
        *(Takeover, Activated, Rested, Changed, Kept, User, Mail, Queued),
    )
    return {
        "contract": CONTRACT_VERSION,
        "answers": {one.__name__: one.model_json_schema() for one in models},
    }


def instant(value: datetime) -> str:
    """Render an instant as the contract does: ISO 8601, UTC, seconds."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")
