"""What the machine of a run observes, and what it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from redundancy.contract import Origin, Snapshot, Token
from redundancy.machine import Done, Failed, Tell
from redundancy.preconditions import Problem


@dataclass(frozen=True)
class Source:
    """Where a run's backup comes from (D3).

    Attributes:
        kind: `fresh` or `latest`, as in the module configuration.
        age_max_h: data of a `latest` backup older than this refuses the run, in hours.
        polls_max: how often the run looks again while a backup is being written.
    """

    kind: Literal["fresh", "latest"] = "fresh"
    age_max_h: float = 24.0
    polls_max: int = 60


# Observations


@dataclass(frozen=True)
class Started:
    """A run is due, by schedule or by a person."""

    run: int
    epoch: int
    attempts_max: int
    after_failure: bool
    reason: str
    source: Source = Source()
    slot: datetime | None = None  # that the schedule gave; None: by a person


@dataclass(frozen=True)
class Checked:
    """Both appliances were looked at."""

    problems: tuple[Problem, ...]
    origin: Origin | None  # of the standby's content


@dataclass(frozen=True)
class Exported:
    """The snapshot of this run is there."""

    snapshot: Snapshot


@dataclass(frozen=True)
class BackupBusy:
    """A backup is being written on this appliance."""


@dataclass(frozen=True)
class NoBackup:
    """No backup job has finished a backup yet."""


@dataclass(frozen=True)
class WaitOver:
    """The wait between two attempts is over."""


@dataclass(frozen=True)
class Restarted:
    """The engine was restarted in mid-run."""


Observation = (
    Started | Checked | Exported | BackupBusy | NoBackup | Done | Failed | WaitOver | Restarted
)


# Actions


@dataclass(frozen=True)
class Check:
    """Read both appliances' states and compare them."""


@dataclass(frozen=True)
class Export:
    """Make this run's snapshot, or find the one that was made for it."""

    operation: str


@dataclass(frozen=True)
class Choose:
    """Seal the newest backup of the appliance's own jobs (D3)."""

    operation: str


@dataclass(frozen=True)
class AwaitBackup:
    """Wait for a while, for a backup that is being written."""

    duration: timedelta


@dataclass(frozen=True)
class Fence:
    """End whatever an older attempt left on the standby."""

    token: Token


@dataclass(frozen=True)
class Send:
    """Send what the standby lacks of the snapshot."""

    token: Token
    snapshot: Snapshot


@dataclass(frozen=True)
class Import:
    """Import what arrived."""

    token: Token
    file: str


@dataclass(frozen=True)
class WaitUntil:
    """Wait on the Calendar."""

    at: datetime


@dataclass(frozen=True)
class Notify:
    """Send the notification of an event to the module's address (D5)."""

    kind: Literal["run-failed", "run-refused", "run-recovered"]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Release:
    """Hold the snapshot no longer."""

    file: str


Action = (
    Tell | Check | Export | Choose | AwaitBackup | Fence | Send | Import | WaitUntil
    | Notify | Release
)  # fmt: skip
