"""What must be seen at the end, judged from the record."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from scenarios.models.base import Answer, Name, Node, Strict, verb
from scenarios.models.steps import RollbackStep
from scenarios.models.telephones import Calls, CrowdBack, Registered, Restarted
from scenarios.units import Duration, WallTime


class HolderSpec(Strict):
    """Whose address, and who answers for it; `nobody` where all must be silent."""

    for_: Node
    only: Node | Literal["nobody"]


class Answers(Strict):
    """At the end one MAC answers for an address, that of one appliance, or none does (R6, R46)."""

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
    protected: Answer
    lost: tuple[Name, ...] = ()


class RolledBack(Strict):
    """How far the rollback got, and what it says was lost between (a) and (b) (D16)."""

    rolled_back: RollbackEnd


class ReportSpec(Strict):
    """What an appliance reported of itself, for which cause if that matters, and how often."""

    by: Node
    event: str
    cause: str | None = None
    times: Annotated[int, Field(ge=0)] = 1


class Reported(Strict):
    """An appliance reported an event so often in the whole drill."""

    reported: ReportSpec


class OrderSpec(Strict):
    """Events of one appliance, in the order in which they must have come."""

    on: Node
    events: Annotated[tuple[str, ...], Field(min_length=2)]


class InOrder(Strict):
    """An appliance told these events in this order, whatever came between (O1, O2)."""

    in_order: OrderSpec


class RunsSpec(Strict):
    """When the schedule started runs, as the appliance's wall clock showed it."""

    on: Node
    at: tuple[WallTime, ...]


class Runs(Strict):
    """The schedule started exactly these runs, to the minute (D6, C1 to C4)."""

    scheduled_runs: RunsSpec


class NoticesInOrder(Strict):
    """The module's address got exactly these messages, by subject and in this order (D5, M1)."""

    notices_in_order: Annotated[tuple[str, ...], Field(min_length=1)]


class ConflictSpec(Strict):
    """Whose address two boxes had at once, and for how long."""

    over: Node
    at_least: Duration
    at_most: Duration


class Conflict(Strict):
    """Two boxes had one address at once so long, by the kernels and by the wire (F3, D10)."""

    conflict: ConflictSpec


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
    """What the page said to the click.

    Attributes:
        names_mac_of: whose MAC it shows; a stranger is whoever the wire shows at an
            appliance's address without being one (F4).
    """

    of: Node
    status: int
    names_mac_of: Node | Literal["stranger"] | None = None


class Page(Strict):
    """The page that answered the last click (D9)."""

    page: PageSpec


class Unchanged(Strict):
    """The click changed nothing: same address, role, epoch and content as before it (F2)."""

    unchanged: Node


class Span(Strict):
    """An appliance between two looks at it; without `to`, until the end of the drill."""

    on: Node
    from_: Name
    to: Name | None = None


class Untouched(Strict):
    """Nothing of what an appliance is and holds has changed meanwhile: all old (T3, D8)."""

    untouched: Span


class Tidiness(Strict):
    """Which look at which appliance."""

    on: Node
    at: Name


class Tidy(Strict):
    """A look found nothing unfinished, held, or left where an import could find it (T1, T10)."""

    tidy: Tidiness


class NoticeSpec(Strict):
    """How many messages to the module's address hold all of these texts; all, without any."""

    messages: Annotated[int, Field(ge=0)] = 1
    saying: tuple[Annotated[str, Field(min_length=1)], ...] = ()


class Notified(Strict):
    """The module's address was told so often, in one message each (D5, R14, R27)."""

    notified: NoticeSpec


class ModulesSpec(Strict):
    """Which modules, and of which appliance."""

    on: Node
    only: tuple[Name, ...] = ()


class ActiveModules(Strict):
    """Exactly these modules are active on an appliance at the end (D13, F14)."""

    active_modules: ModulesSpec


class SameSpec(Strict):
    """Which appliance, and the look at it that the end is compared with."""

    on: Node
    as_: Name


class Same(Strict):
    """An appliance is at the end as a look saw it: role, address, licences, modules, content (B5).

    Its lineage is not compared, which rises, nor the journal of a rollback in its content.
    """

    same: SameSpec


class Protected(Strict):
    """A pair that is whole at the end has brought its content across since it was healed (T9).

    Whole is a pair of one active and one standby; nothing else has anything to protect.
    """

    protected: Literal["the pair"]


Expectation = Annotated[
    Annotated[Answers, Tag("answers")]
    | Annotated[Announced, Tag("announced")]
    | Annotated[Reached, Tag("reached")]
    | Annotated[RolledBack, Tag("rolled back")]
    | Annotated[Reported, Tag("reported")]
    | Annotated[InOrder, Tag("in order")]
    | Annotated[Runs, Tag("scheduled runs")]
    | Annotated[NoticesInOrder, Tag("notices in order")]
    | Annotated[Conflict, Tag("conflict")]
    | Annotated[Back, Tag("back after rollback")]
    | Annotated[Mailed, Tag("mailed")]
    | Annotated[Present, Tag("present")]
    | Annotated[Lost, Tag("lost")]
    | Annotated[Attempts, Tag("attempts")]
    | Annotated[Page, Tag("page")]
    | Annotated[Unchanged, Tag("unchanged")]
    | Annotated[Untouched, Tag("untouched")]
    | Annotated[Tidy, Tag("tidy")]
    | Annotated[Notified, Tag("notified")]
    | Annotated[Same, Tag("same")]
    | Annotated[Calls, Tag("calls")]
    | Annotated[Restarted, Tag("restarted")]
    | Annotated[Registered, Tag("registered")]
    | Annotated[CrowdBack, Tag("crowd back")]
    | Annotated[Protected, Tag("protected")]
    | Annotated[ActiveModules, Tag("active modules")],
    Discriminator(verb),
]
