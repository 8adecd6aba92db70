"""Where the pages are: the paths that administrators of such appliances know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

Say = Callable[[str, str], str]

ADVANCED = "/admin/advanced"
LOG = f"{ADVANCED}/log"
SETUP = "/admin/setup"


class Entry(NamedTuple):
    """One line of the menu."""

    path: str
    label: str

    def covers(self, path: str) -> bool:
        """Whether a page belongs to this entry."""
        return path == self.path or path.startswith(f"{self.path}/")


class Section(NamedTuple):
    """Entries below one heading; "" for those that stand alone."""

    heading: str
    entries: Sequence[Entry]


def administration(say: Say) -> Sequence[Section]:
    """Return the administrator's menu."""
    return (
        Section(
            "Server",
            (
                Entry("/admin/status", "Status"),
                Entry("/admin/licences", say("Lizenzen", "Licences")),
                Entry("/admin/backups", "Backup"),
                Entry("/admin/mail", say("Mail-Server", "Mail server")),
                Entry("/admin/network", say("Netzwerk", "Network")),
            ),
        ),
        Section(
            say("Telefonie", "Telephony"),
            (
                Entry("/admin/users", say("Benutzer", "Users")),
                Entry("/admin/redirects", say("Umleitungen", "Redirects")),
                Entry("/admin/phones", say("Telefone", "Phones")),
            ),
        ),
        Section(
            say("Erweiterungen", "Extensions"),
            (
                Entry("/admin/modules", say("Module", "Modules")),
                Entry(SETUP, say("Einrichtung der Redundanz", "Redundancy set-up")),
                Entry(ADVANCED, say("Erweiterte Einstellungen", "Advanced settings")),
            ),
        ),
    )


def own(say: Say) -> Sequence[Section]:
    """Return what every user finds about himself."""
    return (
        Section(
            say("Mein Zugang", "My account"),
            (
                Entry("/account", say("Meine Daten", "My data")),
                Entry("/account/redirects", say("Meine Umleitungen", "My redirects")),
                Entry("/account/phones", say("Meine Telefone", "My phones")),
            ),
        ),
    )


def place(sections: Sequence[Section], path: str) -> tuple[Section, Entry] | None:
    """Return where a page stands in a menu: the entry with the longest path that covers it."""
    found = [(one, entry) for one in sections for entry in one.entries if entry.covers(path)]
    return max(found, key=lambda pair: len(pair[1].path), default=None)
