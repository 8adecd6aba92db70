"""What a person can see and order: the engine as the pages and the command line know it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Literal, Protocol

from redundancy.agenda import Collision
from redundancy.configuration import ModuleConfiguration
from redundancy.contract import Imported, NetworkSettings
from redundancy.sending import Transfer

Role = Literal["active", "standby", "unconfigured"]


@dataclass(frozen=True)
class Watch:
    """The close watch on the active's address (D9).

    Attributes:
        address: the active's IPv4 address that is being probed.
        silent_s: how long it has been silent without a gap, in seconds.
        needed_s: how long it must be silent before a switchover.
        answered_by: MACs that answered last, empty while it is silent.

    There is none before the first probe has been heard out.
    """

    address: str
    silent_s: float
    needed_s: float
    answered_by: tuple[str, ...]


@dataclass(frozen=True)
class RunRecord:
    """One line of the run history."""

    run: int
    started: datetime
    finished: datetime | None
    outcome: str  # "running", "succeeded", "failed", "refused"
    causes: tuple[str, ...]  # one a failed attempt


@dataclass(frozen=True)
class Overview:
    """Everything that the tab "Redundanz" shows (R49 to R51); instants are in UTC."""

    role: Role
    designated: Role
    origin_age: timedelta | None  # of the data of the last import; None: never initialised
    origin_stale: bool
    adopts: NetworkSettings | None  # what a switchover would take over (R51)
    own: NetworkSettings
    lines_to_replug: tuple[str, ...]  # "isdn", "analogue" (R53)
    watch: Watch | None
    switchover: str | None  # the journal's last word on a switchover, None: never asked
    runs: tuple[RunRecord, ...]
    next_run: datetime | None
    zone: str  # of the appliance, for showing instants
    transfer: Transfer | None = None  # how far the one that is under way is
    configuration_fault: str = ""  # why what is saved counts as no configuration


@dataclass(frozen=True)
class Decision:
    """The answer to a click.

    Attributes:
        outcome: "claimed" (this appliance holds the address now; also when it already did),
            "refused", or "confirm" (ask the person first, D17).
        code: machine-readable reason, e.g. `active-answers`, `not-standby`, `data-stale`;
            `unfinished` where the address is taken and what follows waits for the end of a
            trouble, whose code is the reason `why`.
        reasons: for a person, in the appliance's language order (code, value) pairs that
            the pages translate.
        address: where the pages are from now on.
    """

    outcome: Literal["claimed", "refused", "confirm"]
    code: str
    reasons: tuple[tuple[str, str], ...]
    address: str


@dataclass(frozen=True)
class RollbackStep:
    """One of the seven steps of R57.

    Attributes:
        name: as in `redundancy.rollback.ORDER`.
        parts: on which appliance it is done: `acting`, `original`, `standby`.
        stand: whether it is done, due, or comes later.
    """

    name: str
    parts: tuple[str, ...]
    stand: Literal["done", "next", "later"]


@dataclass(frozen=True)
class RollbackView:
    """Where a rollback stands, as seen from this appliance (R57).

    Attributes:
        part: what this appliance is in it; None when there is nothing to roll back.
        operation: "" before it was begun.
        steps: all seven, in order.
        address: that the original takes back.
        moves_to: the address that the acting active goes to at (b); "" where unknown.
        file: the backup of (a), on the acting active.
        unsaved: objects changed since that backup, which will be lost (D16); None where
            there is no such backup here, or (b) is done.
        lost: objects that were changed between (a) and (b); None before (b).
        protected: the standby has been brought up to the new epoch.
        refused: the last step that was refused, its code and reasons; None when the last
            one went well.
    """

    part: str | None
    operation: str
    steps: tuple[RollbackStep, ...]
    address: str
    moves_to: str
    file: str
    unsaved: tuple[str, ...] | None
    lost: tuple[str, ...] | None
    protected: bool
    refused: tuple[str, str, tuple[tuple[str, str], ...]] | None

    @property
    def next(self) -> RollbackStep | None:
        """Return the step that is due."""
        return next((one for one in self.steps if one.stand == "next"), None)


@dataclass(frozen=True)
class StepDecision:
    """The answer to the order of a step.

    Attributes:
        outcome: "done", "accepted" (it goes on, and ends this person's way to the box), or
            "refused".
        code: the step, or why not.
        reasons: (code, value) pairs.
    """

    outcome: Literal["done", "accepted", "refused"]
    code: str
    reasons: tuple[tuple[str, str], ...] = ()


class Console(Protocol):
    """The engine, as seen by people."""

    def overview(self) -> Overview:
        """Read the current picture; changes nothing."""

    def last_switchover(self) -> str | None:
        """Return the last word on a switchover, None: never asked; looks at no appliance for it."""

    def open_watch(self) -> None:
        """Watch the active's address closely for the next 60 s (the tab is open)."""

    def switch_over(self, by: str, *, confirmed: bool) -> Decision:
        """Switch to this appliance; returns as soon as it is decided (R5, D9, D17).

        The watch's remaining silence is waited for. A repeated order returns the decision
        of the first (F5).
        """

    def rollback(self) -> RollbackView:
        """Read where a rollback stands; changes nothing."""

    def roll_back(self, step: str, by: str) -> StepDecision:
        """Carry out a step of the rollback, or `abandon` it (R57).

        Raises:
            Refused: `nothing-to-roll-back`, `unconfigured`, `usage`.
        """

    def run_now(self, by: str) -> int:
        """Start a run unless one is under way; returns its number (O6).

        Raises:
            Refused: `not-active`, `unconfigured`.
        """

    def initialise(self, stream: BinaryIO, size: int, by: str) -> Imported:
        """Import the uploaded backup of the active once (R40 to R44).

        Raises:
            Refused: `not-standby`, or why the file was refused.
        """

    def configuration(self) -> ModuleConfiguration | None:
        """Return the saved module configuration; None where there is none, or a malformed one."""

    def save_configuration(self, configuration: ModuleConfiguration, by: str) -> None:
        """Validate against this appliance and save (R21 to R36, R45, R47).

        Raises:
            Refused: `module-licence` (R47), `cloud` (R2).
        """

    def log_lines(self) -> list[str]:
        """Return the module's log down to the configured level, oldest first (R19)."""

    def collisions(self) -> tuple[Collision, ...]:
        """Return where the saved schedule collides with the appliance's own jobs (R32)."""

    def standby_host_key(self, configuration: ModuleConfiguration) -> str:
        """Return the host key that the standby shows now (D11)."""
