"""The lab that a drill asks for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from scenarios.extent import MOST_USERS, MOST_VOICEMAIL_MB
from scenarios.models.base import Answer, Name, Node, Strict
from scenarios.units import Deadline, Duration, Percentage, Repeat, WallTime

_MINUTE = timedelta(minutes=1)
Version = Annotated[str, Field(pattern=r"^\d{1,3}(\.\d{1,3}){3}$")]
InSubnet = Annotated[str, Field(pattern=r"^\.(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-4])$")]


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"there is no time zone `{value}`") from error
    return value


class Schedule(Strict):
    """When the module runs by itself (R28 to R31).

    Attributes:
        every: the interval and its unit.
        first_in: the first slot, counted from the lab's start.
        first_at: the first slot as the appliances' wall clock shows it.
    """

    every: Repeat
    first_in: Duration | None = None
    first_at: WallTime | None = None

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        if (self.first_in is None) == (self.first_at is None):
            raise ValueError("either `first in` or `first at` says when the first run is due")
        return self

    def first_slot(self, start: datetime, zone: str) -> datetime:
        """Return the first slot as local wall time, rounded up to a whole minute."""
        if self.first_at is not None:
            return self.first_at
        local = (start + (self.first_in or start - start)).astimezone(ZoneInfo(zone))
        whole = local.replace(second=0, microsecond=0, tzinfo=None)
        return whole if whole == local.replace(tzinfo=None) else whole + _MINUTE


class Network(Strict):
    """What of a box's network settings is not as in every lab (F13, V4).

    Attributes:
        method: how it comes to its address.
        address, gateway, dns: hosts of the lab's subnet, written `.10`.
        prefix: the length of the mask.
    """

    method: Literal["static", "dhcp"] = "static"
    address: InSubnet | None = None
    prefix: Annotated[int, Field(ge=8, le=30)] | None = None
    gateway: InSubnet | None = None
    dns: Annotated[tuple[InSubnet, ...], Field(min_length=1, max_length=3)] | None = None


class Licences(Strict):
    """What of a box's licence keys is not as in every lab (V3).

    Attributes:
        without: these keys were never installed.
        of_other: these keys are those of the other appliance.
        users: how many users the user licence covers.
    """

    without: tuple[Literal["server", "user", "module"], ...] = ()
    of_other: tuple[Literal["server", "user", "module"], ...] = ()
    users: Annotated[int, Field(ge=1, le=10_000)] | None = None


class Box(Strict):
    """What is not the same on both appliances.

    Attributes:
        version: of its software.
        type: of the box; a cloud appliance refuses the module (R2).
        boot_address_check: whether it probes before it takes its address (D10).
    """

    version: Version | None = None
    type: Literal["hardware", "vm", "cloud"] | None = None
    boot_address_check: Answer | None = None
    network: Network = Network()
    licences: Licences = Licences()


class Module(Strict):
    """The module's configuration, where it is not the default.

    Attributes:
        send_mails: to the module's own address (R26).
        language: of these mails.
        backup: `fresh` exports for each run, `latest` takes the newest of a backup job (D3).
        backup_age_limit: older data of a `latest` backup refuses the run.
        backup_wait_limit: how long a run waits for a backup that is being written (D3).
        stall_limit: an attempt without progress for so long is cut; on the stopwatch (D12).
        stale_after: older data asks for a confirmation before a switchover (F8).
    """

    send_mails: Answer = "yes"
    language: Literal["de", "en"] = "de"
    backup: Literal["fresh", "latest"] = "fresh"
    backup_age_limit: Duration | None = None
    backup_wait_limit: Duration | None = None
    stall_limit: Duration | None = None
    stale_after: Duration | None = None

    def fields(self) -> dict[str, object]:
        """Return the fields as the tab *Einstellungen* takes them."""
        hours = {"backup_age_max_h": self.backup_age_limit, "stale_after_h": self.stale_after}
        found: dict[str, object] = {
            "send_mails": self.send_mails == "yes",
            "language": self.language,
            "backup_source": self.backup,
        }
        found |= {name: one.total_seconds() / 3600 for name, one in hours.items() if one}
        if self.backup_wait_limit is not None:
            found["backup_wait_limit_min"] = int(self.backup_wait_limit.total_seconds() // 60)
        if self.stall_limit is not None:
            found["stall_limit_s"] = self.stall_limit.total_seconds()
        return found


class Lines(Strict):
    """Lines to the outside; ISDN and analogue ones are plugged by hand (R53)."""

    sip: Annotated[int, Field(ge=0, le=100)] = 4
    isdn: Annotated[int, Field(ge=0, le=100)] = 0
    analogue: Annotated[int, Field(ge=0, le=100)] = 0


class UserAgents(Strict):
    """Phones that register by SIP.

    Attributes:
        scale: how many times shorter than in life their long times are.
        crowd: so many more register from one place, and do nothing else.
    """

    scale: Annotated[int, Field(ge=1, le=3600)] = 60
    crowd: Annotated[int, Field(ge=0, le=500)] = 0


class LabPlan(Strict):
    """The lab that the drill needs.

    Attributes:
        phones: clients with a primed ARP cache on the LAN.
        other_clients: a router that believes an ARP answer for 4 h (scaled as user agents are),
            a program that looks at the appliance's page.
        user_agents: these are the first users' telephones, instead of kernels that ping.
        resting_modules: those that are configured on the active and switched off (F14).
        phone_models: `vendor model` of the users' phones, dealt out in this order.
        voicemail_mb: size of all voice messages together.
        calls_each: call records of a user.
        starts: the Calendar at power-on, as the appliances' wall clock shows it.
        version, type: of both appliances.
        attempts_max: of one run, the first included (R23).
        boot_address_check: whether appliances probe before they take their address (D10).
        pbx1, pbx2: what is different on one of them.
    """

    users: Annotated[int, Field(ge=1, le=MOST_USERS)] = 10
    voicemail_mb: Annotated[int, Field(ge=0, le=MOST_VOICEMAIL_MB)] = 0
    calls_each: Annotated[int, Field(ge=0, le=1000)] = 2
    phones: Annotated[int, Field(ge=1, le=20)] = 1
    user_agents: UserAgents | None = None
    other_clients: tuple[Literal["router", "web"], ...] = ()
    resting_modules: tuple[Name, ...] = ()
    phone_models: tuple[Annotated[str, Field(pattern=r"^\S+ \S.*$")], ...] = ()
    zone: Annotated[str, AfterValidator(_zone)] = "Europe/Berlin"
    starts: WallTime | None = None
    schedule: Schedule
    attempts_max: Annotated[int, Field(ge=1, le=99)] = 3
    boot_address_check: Answer = "no"
    version: Version | None = None
    type: Literal["hardware", "vm", "cloud"] = "vm"
    lines: Lines = Lines()
    module: Module = Module()
    pbx1: Box = Box()
    pbx2: Box = Box()

    @model_validator(mode="after")
    def _somebody_has_each_phone(self) -> Self:
        if self.user_agents is not None and self.phones + self.user_agents.crowd > self.users:
            raise ValueError("a phone with a user agent is a user's: too few `users` for them")
        return self

    @property
    def boxes(self) -> Mapping[Node, Box]:
        """What is different, by appliance."""
        return {"pbx1": self.pbx1, "pbx2": self.pbx2}

    def power_on(self, usual: datetime) -> datetime:
        """Return the Calendar at power-on; the usual one where the drill asks for none."""
        if self.starts is None:
            return usual
        return self.starts.replace(tzinfo=ZoneInfo(self.zone)).astimezone(usual.tzinfo)


class PhonesBack(Strict):
    """How many telephones are to be back how soon, by themselves or after a restart.

    Attributes:
        share: of them.
        within: counted from the active's death; the others may come later, but must come.
    """

    share: Percentage
    within: Deadline


class Objectives(Strict):
    """What the operator has promised: how long an outage may last, how much data it may cost.

    Attributes:
        rto: from the failure to the last client's return.
        rpo: the age of the data at the switchover.
        phones: how many of them are back how soon.
    """

    rto: Duration | None = None
    rpo: Duration | None = None
    phones: PhonesBack | None = None
