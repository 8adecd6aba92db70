"""The scenario language: what a drill does and what must be seen.

One verb a step; the order is the time. Appliances are named by identity (`pbx1` was the
active at first, `pbx2` the standby); changes are named so that expectations can speak of
them. Every number has its unit.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag
from pydantic.fields import FieldInfo

from scenarios.units import Duration, Percentage

Node = Literal["pbx1", "pbx2"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
Requirement = Annotated[str, Field(pattern=r"^(R|D|T|O|V|I|F|B|C|M)\d+$")]


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"there is no time zone `{value}`") from error
    return value


class Strict(BaseModel):
    """A part of a scenario; keys are written with spaces, unknown ones are errors."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=lambda name: name.rstrip("_").replace("_", " "),
        populate_by_name=True,
    )


class Schedule(Strict):
    """When the module runs by itself (R28 to R31), relative to the lab's start."""

    every: Duration
    first_in: Duration


class LabPlan(Strict):
    """The lab that the drill needs."""

    users: Annotated[int, Field(ge=1, le=500)] = 10
    phones: Annotated[int, Field(ge=1, le=20)] = 1
    zone: Annotated[str, AfterValidator(_zone)] = "Europe/Berlin"
    schedule: Schedule
    attempts_max: Annotated[int, Field(ge=1, le=99)] = 3
    boot_address_check: Literal["yes", "no"] = "no"  # whether appliances probe at boot (D10)


# Steps


class Initialise(Strict):
    """Set the pair up: the five steps of R17 to R44, with this appliance as the standby."""

    initialise: Node


class Change(Strict):
    """What is changed, where, and the name by which expectations know it."""

    on: Node
    add: Literal["user", "phone", "redirect"]
    as_: Name


class MakeChange(Strict):
    """Enter something on an appliance, as its administrator would."""

    change: Change


class Arrival(Strict):
    """The next event of a kind on one appliance, before a deadline on the Calendar."""

    on: Node
    to: Literal["run.succeeded", "run.failed", "run.refused", "attempt.failed"]
    within: Duration


class Advance(Strict):
    """Let the Calendar move until something has happened; else the drill ends here."""

    advance: Arrival


class Cut(Strict):
    """Which transfers are cut, and where."""

    into: Node
    after: Percentage
    count: Annotated[int, Field(ge=1, le=99)] = 1


class CutTransfer(Strict):
    """Reset the connection of the next transfers after a part of their payload (T1)."""

    cut_transfer: Cut


class PowerOff(Strict):
    """Pull the plug of an appliance."""

    power_off: Node


class PowerOn(Strict):
    """Switch an appliance on again, and wait until it is up."""

    power_on: Node


RollbackStep = Literal[
    "backup", "readdress", "shutdown", "import", "identity", "phones", "redundancy", "abandon"
]


class RollbackSpec(Strict):
    """A step of the rollback, and the code of the refusal that is expected, if one is."""

    on: Node
    step: RollbackStep
    refused: str | None = None


class RollBack(Strict):
    """Order a step of the rollback (R57) on an appliance's command line."""

    roll_back: RollbackSpec


class RestoreSpec(Strict):
    """Where the backup of (a) is restored, and with which options of the ordinary restore."""

    on: Node
    with_: tuple[Literal["ignore-address", "keep-licences"], ...] = ()


class Restore(Strict):
    """Restore the backup that the administrator kept at step (a) (R57 d)."""

    restore: RestoreSpec


class OpenTab(Strict):
    """Log in as an administrator and open the tab "Redundanz" (R48, R49)."""

    open_tab: Node


class Wait(Strict):
    """Let real time pass (in simulation: the Stopwatch), as a person would."""

    wait: Duration


class SwitchOver(Strict):
    """Click "switch over" in the open tab (R5); the page that answers is recorded."""

    switch_over: Node


class Sighting(Strict):
    """An event that must be seen, and its cause if that matters."""

    on: Node
    event: str
    cause: str | None = None
    within: Duration


class Expect(Strict):
    """Expect an event before a deadline on the Calendar; the drill goes on either way."""

    expect: Sighting


# Expectations at the end, judged from the record


class HolderSpec(Strict):
    """Whose address, and who answers for it."""

    for_: Node
    only: Node


class Answers(Strict):
    """At the end exactly one MAC answers for an address: that of one appliance (R6)."""

    answers: HolderSpec


class AnnouncementSpec(Strict):
    """Whose address was announced by whom, how often."""

    address_of: Node
    by: Node
    at_least: Annotated[int, Field(ge=1)] = 1


class Announced(Strict):
    """Gratuitous ARP requests and replies were seen on the wire (D10, RFC 5227 2.3)."""

    announced: AnnouncementSpec


class ReachSpec(Strict):
    """Which client reached which appliance."""

    by: Name
    address_of: Node
    at: Node


class Reached(Strict):
    """A client with a primed ARP cache came back to the address at another box (R6, F11)."""

    reached: ReachSpec


class MailSpec(Strict):
    """Whose users, how many messages each."""

    every_user_of: Node
    messages: Annotated[int, Field(ge=0)] = 1


class RollbackEnd(Strict):
    """Where the rollback stands at the end, as an appliance says."""

    of: Node
    next: RollbackStep | Literal["nothing"]
    protected: Literal["yes", "no"]
    lost: tuple[Name, ...] = ()


class RolledBack(Strict):
    """How far the rollback got, and what it says was lost between (a) and (b) (D16)."""

    rolled_back: RollbackEnd


class ReportSpec(Strict):
    """What an appliance reported of itself, and how often."""

    by: Node
    event: str
    times: Annotated[int, Field(ge=0)] = 1


class Reported(Strict):
    """An appliance reported an event so often in the whole drill."""

    reported: ReportSpec


class DowntimeSpec(Strict):
    """How long the defined downtime of a rollback may be."""

    at_most: Duration


class Back(Strict):
    """Every client was back at the original in time, counted from step (b) (R58, D16)."""

    back_after_rollback: DowntimeSpec


class Mailed(Strict):
    """Every user has so many messages, each with one Message-ID (R54, R55, D5)."""

    mailed: MailSpec


class PresenceSpec(Strict):
    """Named changes and an appliance."""

    on: Node
    changes: Annotated[tuple[Name, ...], Field(min_length=1)]


class Present(Strict):
    """Named changes are on an appliance at the end."""

    present: PresenceSpec


class Lost(Strict):
    """Exactly these named changes are missing on an appliance at the end."""

    lost: PresenceSpec


class AttemptSpec(Strict):
    """How a run's attempts must have gone."""

    on: Node
    failed: Annotated[int, Field(ge=0)]
    wait: Duration
    then: Literal["run.succeeded", "run.failed"]


class Attempts(Strict):
    """So many attempts failed, each wait had its length, then the run ended so (R23, R24)."""

    attempts: AttemptSpec


class PageSpec(Strict):
    """What the page said to the click."""

    of: Node
    status: int
    names_mac_of: Node | None = None


class Page(Strict):
    """The page that answered the last click (D9)."""

    page: PageSpec


class Unchanged(Strict):
    """The click changed nothing: same address, role, epoch and content as before it (F2)."""

    unchanged: Node


def _verb(value: Any) -> str | None:
    """Name the member of a union: the one key that was written."""
    if isinstance(value, dict):
        return str(next(iter(value))) if len(value) == 1 else None
    fields: dict[str, FieldInfo] = type(value).model_fields
    return next(iter(fields.values())).alias


Step = Annotated[
    Annotated[Initialise, Tag("initialise")]
    | Annotated[MakeChange, Tag("change")]
    | Annotated[Advance, Tag("advance")]
    | Annotated[CutTransfer, Tag("cut transfer")]
    | Annotated[PowerOff, Tag("power off")]
    | Annotated[PowerOn, Tag("power on")]
    | Annotated[RollBack, Tag("roll back")]
    | Annotated[Restore, Tag("restore")]
    | Annotated[OpenTab, Tag("open tab")]
    | Annotated[Wait, Tag("wait")]
    | Annotated[SwitchOver, Tag("switch over")]
    | Annotated[Expect, Tag("expect")],
    Discriminator(_verb),
]
Expectation = Annotated[
    Annotated[Answers, Tag("answers")]
    | Annotated[Announced, Tag("announced")]
    | Annotated[Reached, Tag("reached")]
    | Annotated[RolledBack, Tag("rolled back")]
    | Annotated[Reported, Tag("reported")]
    | Annotated[Back, Tag("back after rollback")]
    | Annotated[Mailed, Tag("mailed")]
    | Annotated[Present, Tag("present")]
    | Annotated[Lost, Tag("lost")]
    | Annotated[Attempts, Tag("attempts")]
    | Annotated[Page, Tag("page")]
    | Annotated[Unchanged, Tag("unchanged")],
    Discriminator(_verb),
]


class Scenario(Strict):
    """A scenario file."""

    id: Name
    title: str
    covers: Annotated[tuple[Requirement, ...], Field(min_length=1)]
    lab: LabPlan
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    expect: Annotated[tuple[Expectation, ...], Field(min_length=1)]
