"""The five steps of a pair's set-up, as one of its two appliances sees them (R16 to R44): pure.

An appliance knows what was done on itself, and nothing of the other one. As long as nobody has
said by the module's configuration which of the two it is, it may become either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from emulator.appliance.records import Facts

Place = Literal["active", "standby"]

MODULE = "redundanz"
LICENCES = "/admin/licences"
BACKUPS = "/admin/backups"
DIALOG = f"/admin/modules/{MODULE}"


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes:
        name: what it is, for whoever puts it into words.
        number: of the five steps.
        place: on which of the two appliances (R16).
        path: the page where it is done.
        done: whether it was done here.
    """

    name: str
    number: int
    place: Place
    path: str
    done: bool


@dataclass(frozen=True)
class Guide:
    """What is to be done, and where this appliance stands.

    Attributes:
        place: which of the two this appliance is; None while nobody has said.
        steps: all of them, in order.
    """

    place: Place | None
    steps: tuple[Step, ...]

    def on(self, place: Place) -> tuple[Step, ...]:
        """Return the steps of one appliance."""
        return tuple(one for one in self.steps if one.place == place)

    @property
    def following(self) -> Step | None:
        """What is to be done next on this appliance; None: nothing, or it is not said which."""
        if self.place is None:
            return None
        return next((one for one in self.on(self.place) if not one.done), None)


def guide(facts: Facts, values: Mapping[str, Any] | None, *, backed_up: bool) -> Guide:
    """Return the guide.

    Args:
        facts: of this box.
        values: of the module's configuration; None: there is none.
        backed_up: whether there is a complete backup.
    """
    licences = facts.parsed_licences
    kinds = {one.kind for one in licences}
    module = any(one.module == MODULE for one in licences)
    place = _place(facts, values)
    target = bool((values or {}).get("standby_server"))
    active, standby = place == "active", place == "standby"
    return Guide(
        place,
        (
            Step("module-licence", 1, "active", LICENCES, module),
            Step("settings", 2, "active", f"{DIALOG}/einstellungen", active),
            Step(
                "standby-settings",
                2,
                "active",
                f"{DIALOG}/standby-einstellungen",
                active and target,
            ),
            Step("backup", 3, "active", BACKUPS, active and backed_up),
            Step("licences", 4, "standby", LICENCES, module and kinds >= {"server", "user"}),
            Step("settings-standby", 5, "standby", f"{DIALOG}/einstellungen", standby),
            Step(
                "import",
                5,
                "standby",
                f"{DIALOG}/standby-import",
                standby and facts.origin is not None,
            ),
        ),
    )


def _place(facts: Facts, values: Mapping[str, Any] | None) -> Place | None:
    """Return which of the two this box is: the active's own server key is configured (R22)."""
    if values is None:
        return None
    return "active" if values.get("licence_key") in facts.licences else "standby"
