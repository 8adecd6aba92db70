"""Which invariants the laws of nature break in a drawn plan: no more than its deeds explain.

Whoever draws a plan does not know what the appliances will answer, but well whether a switchover
can be granted at all: only while the other box may be dark, or may not be heard. A former active
that comes back after one was told of nothing. So its modules are as they were; its address it
leaves alone, as it looks before it takes one, unless it may not hear who has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from scenarios.units import parse_duration

Step = dict[str, Any]  # as a scenario file has it

_MODULES = 3  # of a drawn lab; what they are is read once, at the end
_HOLDINGS = 99  # how often a box comes and goes meanwhile says nothing
_MUFFLING = ("part lan", "unplug", "lose packets")  # until it is healed
_BRIEF_S = {"kill": 25.0, "flap": 6.0, "update": 6.0}  # away or not heard at most so long
_LEAVING = {"readdress", "shutdown"}  # steps of a rollback that leave the address to the other


def tolerances(steps: list[Step]) -> Iterator[dict[str, Any]]:
    """Yield what a plan has to tolerate, and why, as its file has it."""
    chances = _Chances()
    for step in steps:
        chances.take(step)
    if chances.switched:
        yield {
            "invariant": "module-enabled-once",
            "at most": _MODULES,
            "because": "a former active that comes back was told of nothing, its modules neither",
        }
    if chances.unheard:
        yield {
            "invariant": "one-holder",
            "at most": _HOLDINGS,
            "because": "an active that was cut off or not heard, and not dead, has its address",
        }


@dataclass
class _Chances:
    """What may be the case after the steps that were taken.

    Attributes:
        dark: boxes that may be without power, or have left the address.
        muffled: what may keep the boxes from hearing each other until it is ended, by its name,
            and for how many seconds after that at most.
        brief_s: for how long at most what ends by itself may do so.
        switched: a switchover may have been granted.
        unheard: since then, or in that instant, a box may not have heard the other.
    """

    dark: set[str] = field(default_factory=set)
    muffled: dict[str, float] = field(default_factory=dict)
    brief_s: float = 0
    switched: bool = False
    unheard: bool = False

    def take(self, step: Step) -> None:
        """Take a step of the plan."""
        ((verb, what),) = step.items()
        self._befall(verb, what)
        self._end(verb, what)
        if verb == "switch over" and (self.dark - {_node(what)} or self._deaf):
            self.switched = True
        self.unheard |= self.switched and self._deaf

    @property
    def _deaf(self) -> bool:
        return bool(self.muffled) or self.brief_s > 0

    def _befall(self, verb: str, what: Any) -> None:
        if verb == "power off":
            self.dark.add(what)
        elif verb == "freeze":
            self.muffled[f"frozen {what}"] = 0
        elif verb in _MUFFLING:
            self.muffled[what["as"]] = 0
        elif verb in _BRIEF_S:
            self.brief_s = max(self.brief_s, _BRIEF_S[verb])
        elif verb == "roll back" and what["step"] in _LEAVING:
            self.dark.add(what["on"])
        elif verb == "when":
            ((sudden, victim),) = what["do"].items()
            self.dark.add(_node(victim))
            if sudden == "kill":
                self.muffled[what["as"]] = _BRIEF_S["kill"]

    def _end(self, verb: str, what: Any) -> None:
        if verb == "power on":
            self.dark.discard(what)
        elif verb == "thaw":
            self.muffled.pop(f"frozen {what}", None)
        elif verb == "wait":
            self.brief_s = max(0.0, self.brief_s - parse_duration(what) / timedelta(seconds=1))
        elif verb == "heal":
            self.brief_s = max(self.brief_s, self.muffled.pop(what, 0))


def _node(what: str | Mapping[str, Any]) -> str:
    """Return the box that a step is about, in its short form or its long one."""
    return what if isinstance(what, str) else str(what.get("on") or what["node"])
