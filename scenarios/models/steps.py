"""What people do in a drill, in the order in which they do it: one verb a step."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from scenarios.hostile import Kind as Hostile
from scenarios.models.base import Answer, Name, Node, Strict
from scenarios.models.lab import InSubnet
from scenarios.units import Deadline, Duration

# Setting up and changing


class SetUp(Strict):
    """Which appliance becomes the standby, and whether the first backup is imported there.

    Attributes:
        refused: the code with which an appliance must decline it (V4).
    """

    standby: Node
    import_: Answer = "yes"
    refused: str | None = None


class Initialise(Strict):
    """Set the pair up: the five steps of R17 to R44, with this appliance as the standby."""

    initialise: SetUp | Node

    @property
    def set_up(self) -> SetUp:
        """Who becomes the standby, and how far the set-up goes."""
        spec = self.initialise
        return spec if isinstance(spec, SetUp) else SetUp(standby=spec)


class UploadSpec(Strict):
    """What is uploaded as the standby's first content, and the code that must decline it.

    Attributes:
        file: made from a backup of the other appliance, and hostile.
    """

    to: Node
    file: Hostile
    refused: str


class Upload(Strict):
    """Offer a hostile file to Standby-Import; it must be declined (I2)."""

    upload: UploadSpec


class Change(Strict):
    """What is changed, where, and the name by which expectations know it.

    Attributes:
        add: enter something new under the name `as`.
        remove, edit: what was entered under that name before.
        email: of a user that is added: `none`, or a text to be taken as it stands (M4).
        named: what a user is called, instead of the name of the change.
        lasting: how long a caller speaks who leaves a voice message, 16 kB a second.
        refused: the code with which the appliance must decline it; then nothing is entered.
        logs_in: a user who is added gets a password for the pages, as one of these.
    """

    on: Node
    add: Literal["user", "phone", "redirect", "voicemail"] | None = None
    remove: Name | None = None
    edit: Name | None = None
    as_: Name | None = None
    email: str | None = None
    named: str | None = None
    lasting: Duration | None = None
    refused: str | None = None
    logs_in: Literal["as user", "as administrator"] | None = None

    @model_validator(mode="after")
    def _one_deed(self) -> Self:
        if sum(one is not None for one in (self.add, self.remove, self.edit)) != 1:
            raise ValueError("a change is one of `add`, `remove` and `edit`")
        if (self.add is None) != (self.as_ is None):
            raise ValueError("what is added is named, by `as`; nothing else is")
        if self.refused is not None and self.add is None:
            raise ValueError("only an addition can be expected to be `refused`")
        if self.add != "user" and any((self.email, self.named, self.logs_in)):
            raise ValueError("only a user who is added has `email`, `named` and `logs in`")
        if (self.add == "voicemail") != (self.lasting is not None):
            raise ValueError("a voice message says how long it is: `lasting: 1 min`; nothing else")
        return self


class MakeChange(Strict):
    """Enter, change or remove something on an appliance, as its administrator would."""

    change: Change


# Runs and time


class Arrival(Strict):
    """The next event of a kind on one appliance, before a deadline on the Calendar."""

    on: Node
    to: str
    within: Deadline


class Advance(Strict):
    """Let the Calendar move until something has happened; else the drill ends here."""

    advance: Arrival


class NextRun(Strict):
    """Whose run, and how long it may be until it has ended, on the Calendar."""

    on: Node
    within: Deadline


class AdvanceToNextRun(Strict):
    """Let the Calendar move until the next run has ended, however it ends."""

    advance_to_the_next_run: NextRun


class RunNow(Strict):
    """Order a run, and do not wait for it (O6)."""

    run_now: Node


class Sighting(Strict):
    """An event that must be seen, and its cause if that matters; by the Calendar."""

    on: Node
    event: str
    cause: str | None = None
    within: Deadline


class Expect(Strict):
    """Expect an event before a deadline on the Calendar; the drill goes on either way."""

    expect: Sighting


class LookSpec(Strict):
    """Which appliance is looked at, and the name by which expectations know that look."""

    node: Node
    as_: Name


class LookAt(Strict):
    """Note an appliance's state, its content, and whatever it has unfinished (T1, T3, T10)."""

    look_at: LookSpec


class Wait(Strict):
    """Let real time pass (in simulation: the Stopwatch), as a person at a desk would."""

    wait: Duration


class AwaitFaults(Strict):
    """Wait until all faults that `when` has set up have begun, at most so long in real time."""

    await_faults: Deadline


class WaitForOperator(Strict):
    """Let the Calendar move on: nobody does anything for so long."""

    wait_for_the_operator: Duration


# Power and cables: what a hand does is also a fault, see `scenarios.models.faults`


class PowerOn(Strict):
    """Switch an appliance on again, and wait until it is up."""

    power_on: Node


class Exchange(Strict):
    """Whose box is replaced, and at which host of the subnet the new one stands."""

    node: Node
    address: InSubnet


class Replace(Strict):
    """Put new hardware in an appliance's place: no content, licences of its own (B6).

    It is off, has the MAC of the old box, and whatever that one held is gone.
    """

    replace: Exchange


class PlugIn(Strict):
    """Plug the cable of an appliance in again."""

    plug_in: Node


class Thaw(Strict):
    """Let the processes of a frozen appliance go on."""

    thaw: Node


class Heal(Strict):
    """End the fault of a name."""

    heal: Name


# Switchover and rollback


class Visit(Strict):
    """Where the tab is opened, and by whom.

    Attributes:
        by: the named change that added the person; else the first administrator.
    """

    on: Node
    by: Name | None = None


class OpenTab(Strict):
    """Log in as an administrator and open the tab "Redundanz" (R48, R49)."""

    open_tab: Visit | Node

    @property
    def visit(self) -> Visit:
        """Where, and by whom."""
        spec = self.open_tab
        return spec if isinstance(spec, Visit) else Visit(on=spec)


class Intrusion(Strict):
    """Who orders a switchover without the right to, and where.

    Attributes:
        by: a person without a login, the named change that added a user who is no
            administrator, or a page elsewhere that sends an administrator's browser there.
    """

    on: Node
    by: Literal["nobody", "a foreign page"] | Name


class Intrude(Strict):
    """Send the switchover's form without the right to; it must be refused (F10)."""

    intrude: Intrusion


class Click(Strict):
    """Where the switchover is clicked.

    Attributes:
        by: who clicks in the tab that he opened; else the first administrator.
        confirm: whether a confirmation that the page asks for is given (D17).
        clicks: how often it is clicked, one straight after the other (F5).
        answered: `no` where the page cannot answer, because its box ends before (F6).
    """

    on: Node
    by: Name | None = None
    confirm: Answer = "no"
    clicks: Annotated[int, Field(ge=1, le=5)] = 1
    answered: Answer = "yes"


class SwitchOver(Strict):
    """Click "switch over" in the open tab (R5); the page that answers is recorded."""

    switch_over: Click | Node

    @property
    def click(self) -> Click:
        """How it is clicked."""
        spec = self.switch_over
        return spec if isinstance(spec, Click) else Click(on=spec)


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
    """Where the backup of (a) is restored, and with which options of the ordinary restore.

    Attributes:
        refused: the code of the refusal that is expected, if one is (B4).
    """

    on: Node
    with_: tuple[Literal["ignore-address", "keep-licences"], ...] = ()
    refused: str | None = None


class Restore(Strict):
    """Restore the backup that the administrator kept at step (a) (R57 d)."""

    restore: RestoreSpec
