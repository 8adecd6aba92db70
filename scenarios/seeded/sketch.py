"""A plan while it is being drawn: the steps so far, and what its author has in mind.

What a plan expects of the pair need not come true (a switchover may be refused), so it only
guides the draw; whatever makes no sense when its turn comes is passed over
(`scenarios.venturing`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scenarios.seeded.draws import Draws

Step = dict[str, Any]  # as a scenario file has it
_UNASKED = ("heal", "power on")  # no appliance can decline them; in this order


@dataclass
class Sketch:
    """Steps so far, and what is in the author's mind.

    Attributes:
        draws: what is left to chance.
        steps: in the order of time.
        mending: the step that ends each thing that is broken now, by what it is.
        ordered: what people did to end something; it may have been declined, if something else
            was broken then, and so it is done again in the end.
        active: who is believed to be the active.
        entered: names of changes that can be edited or removed, by where they were entered.
        failed_over: the original active is believed to be out, the other one in its place.
    """

    draws: Draws
    steps: list[Step] = field(default_factory=list)
    mending: dict[str, Step] = field(default_factory=dict)
    ordered: dict[str, Step] = field(default_factory=dict)
    active: str = "pbx1"
    entered: dict[str, list[str]] = field(default_factory=lambda: {"pbx1": [], "pbx2": []})
    failed_over: bool = False
    _numbers: dict[str, int] = field(default_factory=dict)

    @property
    def standby(self) -> str:
        """Who is believed to be the standby."""
        return "pbx1" if self.active == "pbx2" else "pbx2"

    def add(self, *steps: Step) -> None:
        """Take steps next."""
        self.steps += steps

    def name(self, kind: str) -> str:
        """Give a name that no other change or fault has."""
        self._numbers[kind] = self._numbers.get(kind, 0) + 1
        return f"{kind}-{self._numbers[kind]}"

    def wait_about(self, *spans: str) -> None:
        """Let one of these times pass on the Calendar."""
        self.add({"wait for the operator": self.draws.one_of(spans)})

    def broken(self, what: str) -> bool:
        """Say whether something is broken already; nothing is broken twice at once."""
        return what in self.mending

    def mend_one(self) -> None:
        """End one of the things that are broken, if any is."""
        if self.mending:
            what = self.draws.one_of(list(self.mending))
            step = self.mending.pop(what)
            self.add(step)
            if step.keys().isdisjoint(_UNASKED):
                self.ordered[what] = step

    def mend_all(self) -> None:
        """End everything that is broken: faults, then power, then what people have done."""
        owed = {**self.ordered, **self.mending}
        for verb in (*_UNASKED, ""):
            chosen = [what for what, step in owed.items() if verb in {*step, ""}]
            for what in reversed(chosen):
                self.add(owed.pop(what))
        self.ordered.clear()
        self.mending.clear()
