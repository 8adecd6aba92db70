"""What people do with the telephones of a drill; they live in real time, not on the Calendar."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scenarios.models.base import Answer, Name, Node, Strict
from scenarios.units import Deadline


class Conversation(Strict):
    """Who calls whom.

    Attributes:
        from_, to: telephones.
        hold: nobody hangs up; the call lasts until something ends it.
    """

    from_: Name
    to: Name
    hold: Answer = "no"


class CallStep(Strict):
    """Call somebody; both must hear each other, else the drill has failed (R6)."""

    call: Conversation


class Arrivals(Strict):
    """At which appliance telephones are awaited, and for how long.

    Attributes:
        those_that_need_a_restart: are awaited too; `no` while nobody has restarted them.
    """

    at: Node
    within: Deadline
    those_that_need_a_restart: Answer = "no"


class AwaitPhones(Strict):
    """Let real time pass until the telephones have registered at an appliance."""

    await_phones: Arrivals


class RestartPhones(Strict):
    """Restart what an appliance says needs it, once the mail has asked for it (R52, R54)."""

    restart_phones: Node


class CallCount(Strict):
    """How many calls were set up in the whole drill, and how many of them were lost."""

    made: Annotated[int, Field(ge=0)]
    lost: Annotated[int, Field(ge=0)]


class Calls(Strict):
    """Calls in progress are lost with the box that they pass through, and no others (R6)."""

    calls: CallCount


class RestartedSpec(Strict):
    """Which telephones were restarted."""

    phones: tuple[Name, ...]


class Restarted(Strict):
    """Exactly these telephones were restarted before they came back (R52)."""

    restarted: RestartedSpec


class RegistrationSpec(Strict):
    """Which telephones an appliance knows, exactly."""

    at: Node
    phones: tuple[Name, ...]


class Registered(Strict):
    """At the end an appliance that is on knows exactly these telephones."""

    registered: RegistrationSpec


class CrowdSpec(Strict):
    """How soon all telephones of the crowd must be back, counted from the claim."""

    within: Deadline


class CrowdBack(Strict):
    """Every telephone of the crowd had a good answer of the new holder in time."""

    crowd_back: CrowdSpec
