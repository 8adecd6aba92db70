"""What an administrator does on one appliance: settings, licences, updates, jobs, its clock."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from scenarios.models.base import Answer, Name, Node, Strict
from scenarios.models.lab import Module, Version
from scenarios.units import Duration, Repeat, Shift


class Configuration(Module):
    """The fields of the module's dialog that an administrator changes, and where.

    Attributes:
        server_port: appended to the field *Server* (D19).
        user: the field *Benutzername* (R34).
        password: the field *Passwort* (R35): `wrong`, or as the standby has it.
    """

    on: Node
    attempts_max: Annotated[int, Field(ge=1, le=99)] | None = None
    user: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")] | None = None
    password: Literal["right", "wrong"] | None = None
    server_port: Annotated[int, Field(ge=1, le=65535)] | None = None


class Configure(Strict):
    """Change fields of the module's configuration; those that are not named stay."""

    configure: Configuration


class LicenceSpec(Strict):
    """Which licence key, and on which appliance."""

    on: Node
    key: Literal["server", "user", "module"]


class RemoveLicence(Strict):
    """Remove a licence key (V3)."""

    remove_licence: LicenceSpec


class Installation(LicenceSpec):
    """Which licence key, and on which appliance.

    Attributes:
        mistyped: one sign of it is wrong (V3).
        refused: the code with which the appliance must decline it.
    """

    mistyped: Answer = "no"
    refused: str | None = None


class InstallLicence(Strict):
    """Install a licence key that was removed again."""

    install_licence: Installation


class UpdateSpec(Strict):
    """Which appliance, and to which version."""

    on: Node
    to: Version


class Update(Strict):
    """Update an appliance's software, which restarts its services (R10, V1, V5)."""

    update: UpdateSpec


class JobSpec(Strict):
    """A job of the appliance's own that writes backups or archives (O1 to O7).

    Attributes:
        takes: how long one of its backups is being written; one that hangs takes days.
        first_in: until its first slot, from now on.
        keep: how many of its backups stay.
    """

    on: Node
    add: Name | None = None
    remove: Name | None = None
    kind: Literal["backup", "archive"] = "backup"
    every: Repeat | None = None
    first_in: Duration | None = None
    takes: Duration | None = None
    keep: Annotated[int, Field(ge=1, le=100)] = 5

    @model_validator(mode="after")
    def _one_deed(self) -> Self:
        if (self.add is None) == (self.remove is None):
            raise ValueError("a job is either added or removed")
        if self.add is not None and (self.every is None or self.first_in is None):
            raise ValueError("a job that is added needs `every` and `first in`")
        return self


class Job(Strict):
    """Add or remove a job of the appliance's own."""

    job: JobSpec


class JobOrder(Strict):
    """Which job, and on which appliance."""

    on: Node
    job: Name


class StartJob(Strict):
    """Have a job of the appliance's own write at once, as an administrator would (O2, O3)."""

    start_job: JobOrder


class ClockSpec(Strict):
    """Which appliance's clock is set, and by how much."""

    on: Node
    by: Shift


class SetClock(Strict):
    """Set the clock of an appliance (C3); the lab's own Calendar goes on as it was."""

    set_clock: ClockSpec
