"""The module's configuration (R21 to R36, D11, D19)."""

from __future__ import annotations

import re
from datetime import datetime, time
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from redundancy.logbook import LogLevel
from redundancy.schedule import RepeatUnit, Schedule

NAME = "Redundanz"
KEY_PATTERN = r"^[A-Z0-9]{5}(-[A-Z0-9]{5}){3}$"
BackupSource = Literal["fresh", "latest"]
YEARS = range(2000, 3000)  # of the first slot: every slot that follows is a date, too


def _server(value: str) -> str:
    host, _, port = value.partition(":")
    IPv4Address(host)
    if port and not (port.isdecimal() and 0 < int(port) < 65536):  # noqa: PLR2004 - TCP's range
        raise ValueError("the port must be a number from 1 to 65535")
    return value


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("one line of printable text is needed")
    return value


def _address(value: str) -> str:
    if not re.fullmatch(r"[^@\s,;<>\x00-\x1f]+@[^@\s,;<>\x00-\x1f]+", value):
        raise ValueError("exactly one e-mail address is needed (R27)")
    return value


class ModuleConfiguration(BaseModel):
    """What the tabs *Einstellungen* and *Standby-Einstellungen* hold.

    Attributes:
        name, description: as people call this module configuration (R19).
        log_level: what the log shows; graver records are always in it (R19).
        licence_key: the active's server licence key (R22).
        attempts_max: tries of one run, the first included (R23).
        send_mails, mail_address: notifications of the module (R26, R27).
        repeat_unit, repeat_every, start_date, start_time: the schedule (R28 to R31).
        standby_user, standby_password, standby_server: SSH access (R33 to R36, D19).
        standby_host_key: the pinned key, "" until it was confirmed (D11).
        backup_source: `fresh` exports a backup for each run; `latest` takes the newest one of
            the appliance's own backup jobs (D3).
        backup_age_max_h: data of a `latest` backup older than this refuses the run, in hours.
        backup_wait_limit_min: how long a run waits for a backup that is being written (D3).
        language: of mails to the module's address (D5).
        stall_limit_s: an attempt without progress for so long is cut (D12).
        stale_after_h: data older than this warns before a switchover (F8), in hours.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    name: Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_one_line)] = NAME
    description: Annotated[str, Field(max_length=500), AfterValidator(_one_line)] = ""
    log_level: LogLevel = "info"
    licence_key: Annotated[str, Field(pattern=KEY_PATTERN)]
    attempts_max: Annotated[int, Field(ge=1, le=99)] = 3
    send_mails: bool = True
    mail_address: Annotated[str, AfterValidator(_address)] | Literal[""] = ""
    repeat_unit: RepeatUnit = "day"
    repeat_every: Annotated[int, Field(ge=1, le=999)] = 1
    start_date: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
    start_time: Annotated[str, Field(pattern=r"^\d\d:\d\d$")]
    standby_user: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")] = "root"
    standby_password: SecretStr = SecretStr("")
    standby_server: Annotated[str, AfterValidator(_server)] | Literal[""] = ""
    standby_host_key: str = ""
    backup_source: BackupSource = "fresh"
    backup_age_max_h: Annotated[float, Field(gt=0, le=8760)] = 24.0
    backup_wait_limit_min: Annotated[int, Field(ge=1, le=1440)] = 60
    language: Literal["de", "en"] = "de"
    stall_limit_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    stale_after_h: Annotated[float, Field(gt=0, le=8760)] = 48.0

    @model_validator(mode="after")
    def _consistent(self) -> ModuleConfiguration:
        if self.send_mails and not self.mail_address:
            raise ValueError("an e-mail address is needed when e-mails are to be sent (R27)")
        if self.anchor().year not in YEARS:
            raise ValueError(f"the start must lie from {YEARS.start} to {YEARS.stop - 1} (R30)")
        return self

    def schedule(self, zone: str) -> Schedule:
        """Return when runs are due, in an appliance's time zone (R28 to R31)."""
        return Schedule(self.anchor(), ZoneInfo(zone), self.repeat_unit, self.repeat_every)

    def stored(self) -> dict[str, Any]:
        """Return the values as the appliance keeps them: with the password laid open (D15)."""
        password = self.standby_password.get_secret_value()
        return {**self.model_dump(mode="json"), "standby_password": password}

    def anchor(self) -> datetime:
        """Return the first slot as local wall time (R30, R31).

        Raises:
            ValueError: the date or time does not exist in any calendar.
        """
        day = datetime.strptime(self.start_date, "%Y-%m-%d")  # noqa: DTZ007 - wall time, no zone
        return datetime.combine(day.date(), time.fromisoformat(self.start_time))


def faults(error: ValidationError) -> str:
    """Name each wrong field and what is wrong with it; never what it holds."""
    return "; ".join(
        f"{'.'.join(str(one) for one in fault['loc']) or 'configuration'}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False)
    )
