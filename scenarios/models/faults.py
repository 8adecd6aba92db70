"""Faults that a drill sets up: each has a beginning and an end in the history.

A fault with a name is ended by `heal: NAME`, one with `for` when its time is over, and all
that are left when the drill has taken its last step.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from scenarios.models.base import Fault, Name, Node, Strict, verb
from scenarios.models.disks import DiskCache, SwapDisk
from scenarios.units import Duration, PayloadPlace, Percentage, Rate, Size

# The line


class Cut(Fault):
    """Which transfers are cut, and where."""

    into: Node
    after: PayloadPlace
    count: Annotated[int, Field(ge=1, le=99)] = 1


class CutTransfer(Strict):
    """Reset the connection of the next transfers after a part of their payload (T1)."""

    cut_transfer: Cut


class Flip(Fault):
    """Which transfers are falsified, and where."""

    into: Node
    after: PayloadPlace
    count: Annotated[int, Field(ge=1, le=99)] = 1


class Hold(Fault):
    """Which transfer's receiver is held, and where."""

    into: Node
    after: PayloadPlace


class HoldReceiver(Strict):
    """Let the receiver of the next transfer stand at a byte; it outlives its sender (T15)."""

    hold_receiver: Hold


class FlipBit(Strict):
    """Turn one bit of the next transfers around, behind the line's own checks (T12)."""

    flip_bit: Flip


class Passage(Fault):
    """Frames from one node to another."""

    from_: Node
    to: Node


class Drop(Strict):
    """Swallow every IP packet between two appliances, both ways: the line stalls (T4)."""

    drop: Passage


class DropOneWay(Strict):
    """Swallow every IP packet from one appliance to the other; the way back is free."""

    drop_one_way: Passage


class Reset(Strict):
    """Answer every packet to the other's SSH with a TCP reset, in the other's name."""

    reset: Passage


class Narrow(Fault):
    """Whose cable is narrow, and how narrow."""

    into: Node
    to: Rate


class Throttle(Strict):
    """Let only so many bytes a second through an appliance's cable, towards it (T5)."""

    throttle: Narrow


class Lossy(Fault):
    """Whose cable loses how many packets, in both directions."""

    of: Node
    part: Percentage


class LosePackets(Strict):
    """Lose a part of the packets on an appliance's cable, each by chance (T6)."""

    lose_packets: Lossy


class Cable(Fault):
    """Whose cable."""

    node: Node


class Unplug(Strict):
    """Pull the cable of an appliance; `plug in` or the end of its time puts it back (F3)."""

    unplug: Cable | Node

    @property
    def spec(self) -> Cable:
        """Whose cable, and for how long."""
        return self.unplug if isinstance(self.unplug, Cable) else Cable(node=self.unplug)


class Loose(Strict):
    """How a loose cable behaves; both times are on the stopwatch."""

    node: Node
    down: Duration
    up: Duration
    times: Annotated[int, Field(ge=1, le=50)]


class Flap(Strict):
    """Let an appliance's cable lose and find its contact several times."""

    flap: Loose


class Parting(Fault):
    """Who is cut off from all others on the LAN."""

    off: Annotated[tuple[Name, ...], Field(min_length=1)]


class PartLan(Strict):
    """Part the LAN in two: nothing passes between these nodes and the others (T16)."""

    part_lan: Parting


class Stranger(Fault):
    """Whose address a foreign device takes."""

    takes: Node


class Rogue(Strict):
    """Put a foreign device on the LAN that holds an appliance's address (F4)."""

    rogue: Stranger


# The box


class Box(Fault):
    """Which appliance."""

    node: Node


class PowerOff(Strict):
    """Pull the plug of an appliance."""

    power_off: Node


class Freeze(Strict):
    """Stop every process of an appliance; its kernel goes on answering ARP (F2, F3)."""

    freeze: Box | Node

    @property
    def spec(self) -> Box:
        """Which appliance, and for how long."""
        return self.freeze if isinstance(self.freeze, Box) else Box(node=self.freeze)


class Killing(Strict):
    """Whose processes end by SIGKILL, and when they are started again, by the stopwatch."""

    node: Node
    back_in: Duration


class Kill(Strict):
    """End the appliance's programs at once; they are started again by themselves (I1)."""

    kill: Killing


class Filling(Fault):
    """Whose disk, and how many bytes it still takes."""

    on: Node
    leaving: Size


class FillDisk(Strict):
    """Let an appliance's disk be full after so many bytes more (T11)."""

    fill_disk: Filling


class Unreadable(Fault):
    """Whose files, and of which folder."""

    on: Node
    of: Literal["blobs", "snapshots", "backups"]


class FailReads(Strict):
    """Let reads by the appliance end with an input/output error: imports, restores, checks.

    What the module reads by itself while it sends does not pass the appliance's disk port.
    """

    fail_reads: Unreadable


class Damaged(Strict):
    """Which stored file is damaged, and how: the first of its kind in order of names.

    Attributes:
        file: of these, a `part` is what an attempt that was cut has left of a large file.
    """

    on: Node
    file: Literal["blob", "part", "backup"]
    by: Literal["one bit", "truncation"]


class Damage(Strict):
    """Damage a stored file behind the programs' backs, as a failing disk does (T12)."""

    damage: Damaged


class StopSsh(Strict):
    """Stop the SSH server of an appliance (T7)."""

    stop_ssh: Box


class Moving(Fault):
    """Whose SSH server, and to which port."""

    node: Node
    to: Annotated[int, Field(ge=1, le=65535)]


class MoveSsh(Strict):
    """Let the SSH server of an appliance answer at another port (T7, D19)."""

    move_ssh: Moving


class FeignImport(Strict):
    """Let an appliance report imports as done that it does not do (T14)."""

    feign_import: Box


class ChangePassword(Strict):
    """Change the root password of an appliance; its end brings the old one back (T7)."""

    change_password: Box


class ChangeHostKey(Strict):
    """Let an appliance show another SSH host key from now on (T8)."""

    change_host_key: Node


# The mail sink


class Sinking(Fault):
    """How the mail server behaves, and how long a slow one takes, by the stopwatch."""

    is_: Literal["down", "refusing", "slow", "greylisting"]
    answers_after: Duration | None = None

    @model_validator(mode="after")
    def _slow_says_how(self) -> Self:
        if (self.is_ == "slow") != (self.answers_after is not None):
            raise ValueError("a slow mail server says how slow it is: `answers after: 5 s`")
        return self


class MailServer(Strict):
    """Let the mail server be away, refuse, be slow, or put everyone off once (M1)."""

    mail_server: Sinking


FaultStep = Annotated[
    Annotated[CutTransfer, Tag("cut transfer")]
    | Annotated[FlipBit, Tag("flip bit")]
    | Annotated[HoldReceiver, Tag("hold receiver")]
    | Annotated[Drop, Tag("drop")]
    | Annotated[DropOneWay, Tag("drop one way")]
    | Annotated[Reset, Tag("reset")]
    | Annotated[Throttle, Tag("throttle")]
    | Annotated[LosePackets, Tag("lose packets")]
    | Annotated[Unplug, Tag("unplug")]
    | Annotated[Flap, Tag("flap")]
    | Annotated[PartLan, Tag("part lan")]
    | Annotated[Rogue, Tag("rogue")]
    | Annotated[PowerOff, Tag("power off")]
    | Annotated[Freeze, Tag("freeze")]
    | Annotated[Kill, Tag("kill")]
    | Annotated[FillDisk, Tag("fill disk")]
    | Annotated[FailReads, Tag("fail reads")]
    | Annotated[DiskCache, Tag("disk cache")]
    | Annotated[SwapDisk, Tag("swap disk")]
    | Annotated[Damage, Tag("damage")]
    | Annotated[StopSsh, Tag("stop ssh")]
    | Annotated[MoveSsh, Tag("move ssh")]
    | Annotated[FeignImport, Tag("feign import")]
    | Annotated[ChangePassword, Tag("change password")]
    | Annotated[ChangeHostKey, Tag("change host key")]
    | Annotated[MailServer, Tag("mail server")],
    Discriminator(verb),
]


class Moment(Strict):
    """When something happens to somebody else's work.

    Attributes:
        on: the appliance whose event is awaited.
        event: its name; the appliance stands still at it until the fault is there.
        times: at the how-manieth.
        into, after: a byte of the next transfer into an appliance, instead of an event.
        do: the fault.
        as_: the name by which `heal` calls it off, if the moment has not come by then.
    """

    on: Node | None = None
    event: str | None = None
    times: Annotated[int, Field(ge=1, le=99)] = 1
    into: Node | None = None
    after: PayloadPlace | None = None
    do: FaultStep
    as_: Name | None = None

    @model_validator(mode="after")
    def _one_moment(self) -> Self:
        event = self.on is not None and self.event is not None
        byte = self.into is not None and self.after is not None
        if event == byte or (self.on is None) != (self.event is None):
            raise ValueError("a moment is `on` and `event`, or `into` and `after`")
        return self


class When(Strict):
    """Set a fault up for the moment at which an appliance reaches a named step."""

    when: Moment
