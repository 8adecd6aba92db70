"""The appliance contract: all that the engine may ask of an appliance.

Every command is `appliancectl --json COMMAND …`, run locally or over SSH, and answers
with one JSON object on standard output:

    {"contract": 2, "ok": true,  "result": {…}}
    {"contract": 2, "ok": false, "error": {"code": "…", "message": "…", "remedy": "…",
                                            "appliance": "…"}}

The exit status is 0, 1 (refused) or 2 (the command itself is wrong). A real box takes
part by providing this command set; `schema()` is its machine-readable form. Here stand the
answers; the commands are the methods of `client.Appliance`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict

CONTRACT_VERSION = 2


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
    complete: bool = True  # False: it holds a part of the content, and cannot be sent


class Backups(Model):
    """The finished backups, oldest first."""

    backups: tuple[Backup, ...]


class Job(Model):
    """A job of the appliance that writes a backup or an archive by itself (R32, O7).

    Attributes:
        next_start: None while the job rests, as on a standby, and for a manual one.
        typical_s: how long it usually writes, in seconds; None before its first time.
    """

    name: str
    kind: Literal["backup", "archive"]
    repeat_unit: Literal["hour", "day", "week", "month", "manual"]
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
