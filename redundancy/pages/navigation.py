"""Where the module's tabs are (R20, R49)."""

from __future__ import annotations

from typing import NamedTuple

from redundancy.pages.frame import Language
from redundancy.pages.texts import text

SWITCHOVER = "/admin/advanced/redundancy"
ROLLBACK = f"{SWITCHOVER}/rollback"
DIALOG = "/admin/modules/redundanz"


class Tab(NamedTuple):
    """One tab.

    Attributes:
        path: where it is served.
        label: in the language asked for.
        place: `module` for the module's dialog, `advanced` for Admin > Erweiterte Einstellungen.
    """

    path: str
    label: str
    place: str


def tabs(language: Language) -> tuple[Tab, ...]:
    """Return all tabs that the module brings, in order."""
    return (
        Tab(f"{DIALOG}/allgemein", text(language, "tab.general"), "module"),
        Tab(f"{DIALOG}/einstellungen", text(language, "tab.settings"), "module"),
        Tab(f"{DIALOG}/standby-einstellungen", text(language, "tab.standby"), "module"),
        Tab(f"{DIALOG}/standby-import", text(language, "tab.import"), "module"),
        Tab(SWITCHOVER, text(language, "redundancy"), "advanced"),
    )
