"""Calls between the telephones of a lab."""

from __future__ import annotations

from dataclasses import dataclass

from emulator.lab import Lab, LabError
from emulator.telephones import Telephone

PACKETS_PER_S = 50  # of G.711 in pieces of 20 ms
PATIENCE_S = 10.0


@dataclass(frozen=True)
class Talk:
    """A call that was made and ended.

    Attributes:
        set_up_s: from dialling until they talked; None: they never did.
        heard, heard_there: packets of audio that the caller, and the callee, got.
        ended: why it never came to be, or was over before its time; "" otherwise.
    """

    set_up_s: float | None
    heard: int
    heard_there: int
    ended: str

    @property
    def both_ways(self) -> bool:
        """Whether each heard the other."""
        return min(self.heard, self.heard_there) > 0


def telephone(lab: Lab, name: str) -> Telephone:
    """Return a telephone by name.

    Raises:
        LabError: there is none.
    """
    found = lab.telephones.get(name)
    if found is None:
        names = ", ".join(lab.telephones) or "no telephone"
        raise LabError(f"lab {lab.spec.name} has no telephone {name}", remedy=f"it has {names}")
    return found


def conversation(lab: Lab, caller: str, callee: str, talk_s: float) -> Talk:
    """Let one telephone call another, let them talk, and hang up.

    Args:
        lab: theirs.
        caller: a telephone.
        callee: another, or an extension.
        talk_s: how long they are to talk.

    Raises:
        LabError: there is no such telephone, or it would call itself.
    """
    near = telephone(lab, caller)
    far = None if callee.isdecimal() else telephone(lab, callee)
    extension = callee if far is None else far.handset.extension
    if extension == near.handset.extension:
        raise LabError(f"{caller} cannot call itself", remedy="name another telephone")
    call = near.dial(extension, PATIENCE_S)
    if call.established_s is None:
        return Talk(None, 0, 0, call.ended or "nobody answered")
    packets = round(talk_s * PACKETS_PER_S)
    for one in filter(None, (near, far)):
        one.hears(packets, talk_s + PATIENCE_S)
    near.hang_up()
    mine = near.record().calls[-1]
    theirs = None if far is None else far.record().calls[-1]
    return Talk(
        set_up_s=call.established_s - call.began_s,
        heard=mine.packets,
        heard_there=mine.packets if theirs is None else theirs.packets,
        ended="",
    )
