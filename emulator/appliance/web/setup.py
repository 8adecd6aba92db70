"""Einrichtung: the five steps of a pair's set-up, each with the appliance it belongs on (R16)."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from emulator.appliance.setup_guide import Guide
from emulator.appliance.web.frame import WebFrame
from emulator.appliance.web.navigation import SETUP, Say

# Title, and what to do, by the step's name.
GERMAN: Mapping[str, tuple[str, str]] = {
    "module-licence": (
        "Modullizenz einspielen",
        "Den Schlüssel der Modullizenz „Redundanz“ für die aktive Anlage eintragen.",
    ),
    "settings": (
        "Modulkonfiguration anlegen: Einstellungen",
        (
            "Als Lizenzschlüssel den Serverlizenzschlüssel der aktiven Anlage eintragen,"
            " dazu Versuche, E-Mail-Adresse und Zeitplan."
        ),
    ),
    "standby-settings": (
        "Modulkonfiguration: Standby-Einstellungen",
        (
            "Benutzer, SSH-Passwort und IPv4-Adresse der Standby-Anlage eintragen"
            " und ihren Schlüssel bestätigen."
        ),
    ),
    "backup": (
        "Vollständiges Backup erstellen",
        "Von Hand erstellen und auf Ihren Rechner herunterladen; Schritt 5 braucht die Datei.",
    ),
    "licences": (
        "Redundanzlizenzen einspielen",
        (
            "Server-, Benutzer- und Modullizenz der Standby-Anlage eintragen;"
            " kein Schlüssel darf auf beiden Anlagen stehen."
        ),
    ),
    "settings-standby": (
        "Modulkonfiguration anlegen: Einstellungen",
        (
            "Als Lizenzschlüssel wieder den Serverlizenzschlüssel der aktiven Anlage eintragen,"
            " nicht den eigenen."
        ),
    ),
    "import": (
        "Standby-Import",
        "Das Backup aus Schritt 3 hochladen. Es überschreibt alle Daten dieser Anlage.",
    ),
}
ENGLISH: Mapping[str, tuple[str, str]] = {
    "module-licence": (
        "Install the module licence",
        "Enter the key of the module licence “Redundanz” for the active appliance.",
    ),
    "settings": (
        "Create the module configuration: Settings",
        (
            "As licence key, enter the server licence key of the active appliance;"
            " then attempts, e-mail address and schedule."
        ),
    ),
    "standby-settings": (
        "Module configuration: Standby settings",
        "Enter user, SSH password and IPv4 address of the standby, and confirm its key.",
    ),
    "backup": (
        "Make a full backup",
        "Make it by hand and download it to your computer; step 5 needs the file.",
    ),
    "licences": (
        "Install the redundancy licences",
        (
            "Enter server, user and module licence of the standby;"
            " no key may stand on both appliances."
        ),
    ),
    "settings-standby": (
        "Create the module configuration: Settings",
        (
            "As licence key, enter the server licence key of the active appliance again,"
            " not this one's own."
        ),
    ),
    "import": (
        "Standby import",
        "Upload the backup of step 3. It overwrites all data of this appliance.",
    ),
}


def setup_pages(frame: WebFrame) -> Blueprint:
    """Return the guide's page."""
    pages = Blueprint("setup", __name__, url_prefix=SETUP)

    @pages.get("")
    def setup() -> ResponseReturnValue:
        found = frame.guide()
        return render_template(
            "setup.html",
            guide=found,
            words=GERMAN if frame.language() == "de" else ENGLISH,
            after=_after(found, frame.say),
        )

    return pages


def _after(guide: Guide, say: Say) -> str:
    """Return where to go on when everything is done here; "" if it is not."""
    if guide.place is None or guide.following is not None:
        return ""
    if guide.place == "active":
        return say(
            "Hier ist alles getan. Weiter geht es auf der Standby-Anlage mit Schritt 4.",
            "All is done on this appliance. Go on with step 4, on the standby.",
        )
    return say(
        "Die Standby-Anlage ist eingerichtet und kann bei einem Ausfall übernehmen.",
        "The standby is set up and can take over when the active fails.",
    )
