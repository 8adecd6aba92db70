"""The sentences of a rollback, German and English: for pages, mails and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from redundancy.console import StepDecision

Language = Literal["de", "en"]


class StepText(NamedTuple):
    """A step as a person reads it: its title, where it is done, what to do, its button."""

    title: str
    where: str
    todo: str
    button: str


class Advice(NamedTuple):
    """A refusal as a person reads it: why, and what to do."""

    why: str
    todo: str


STEPS: Mapping[Language, Mapping[str, StepText]] = {
    "de": {
        "backup": StepText(
            "(a) Sicherung der handelnden Anlage",
            "auf der handelnden aktiven Anlage",
            "Die Anlage erstellt eine vollständige Sicherung. Diese danach herunterladen und auf"
            " dem eigenen Rechner aufbewahren.",
            "Sicherung erstellen",
        ),
        "readdress": StepText(
            "(b) IPv4-Adresse freigeben",
            "auf der handelnden aktiven Anlage",
            "Die Anlage gibt die Adresse der ursprünglichen ab und erhält ihre eigene zurück."
            " Ab jetzt ruht die Telefonie, bis die ursprüngliche Anlage wieder dient.",
            "Adresse wechseln",
        ),
        "shutdown": StepText(
            "(c) Herunterfahren",
            "auf der handelnden aktiven Anlage, unter ihrer eigenen Adresse",
            "Die Anlage fährt herunter; danach die ursprüngliche Anlage einschalten.",
            "Herunterfahren",
        ),
        "import": StepText(
            "(d) Sicherung auf der ursprünglichen Anlage einspielen",
            "auf der ursprünglichen Anlage",
            "Unter Admin > Server > Backup die Sicherung aus (a) einspielen, am besten mit"
            " „Lizenzen behalten“. Danach hier prüfen lassen.",
            "Prüfen",
        ),
        "identity": StepText(
            "(e) Adresse und Lizenzen",
            "auf der ursprünglichen Anlage",
            "Die eigenen Lizenzen müssen installiert sein. Die Anlage hört, ob ihre Adresse frei"
            " ist, nimmt sie an, kündigt sie an und ist wieder die aktive.",
            "Wieder aktive Anlage werden",
        ),
        "phones": StepText(
            "(f) Telefone neu starten",
            "an den Telefonen",
            "Telefone neu starten, die sich nicht von selbst anmelden; danach bestätigen.",
            "Telefone sind neu gestartet",
        ),
        "redundancy": StepText(
            "(g) Redundanz wieder einrichten",
            "auf der Standby-Anlage",
            "Die Standby-Anlage einschalten und im Reiter Standby-Import eine vollständige"
            " Sicherung der aktiven Anlage hochladen. Der nächste Lauf der aktiven Anlage schließt"
            " den Rollback ab; diese Seite zeigt es von selbst.",
            "Prüfen",
        ),
        "abandon": StepText(
            "Rollback abbrechen",
            "auf der handelnden aktiven Anlage",
            "Die Anlage nimmt die Adresse wieder an, wenn sie frei ist, und dient weiter.",
            "Rollback abbrechen und weiter dienen",
        ),
    },
    "en": {
        "backup": StepText(
            "(a) Backup of the acting appliance",
            "on the acting active",
            "The appliance makes a full backup. Download it afterwards and keep it on your own"
            " computer.",
            "Make the backup",
        ),
        "readdress": StepText(
            "(b) Give the IPv4 address up",
            "on the acting active",
            "The appliance gives up the original's address and gets its own one back. From now on"
            " telephony rests until the original serves again.",
            "Change the address",
        ),
        "shutdown": StepText(
            "(c) Shut down",
            "on the acting active, at its own address",
            "The appliance shuts down; then switch the original on.",
            "Shut down",
        ),
        "import": StepText(
            "(d) Restore the backup on the original",
            "on the original appliance",
            "Restore the backup of (a) under Admin > Server > Backup, best with “keep licences”."
            " Then have it checked here.",
            "Check",
        ),
        "identity": StepText(
            "(e) Address and licences",
            "on the original appliance",
            "Its own licences must be installed. The appliance listens whether its address is"
            " free, takes it, announces it, and is the active again.",
            "Become the active again",
        ),
        "phones": StepText(
            "(f) Restart the phones",
            "at the phones",
            "Restart the phones that do not register by themselves; then confirm.",
            "The phones have been restarted",
        ),
        "redundancy": StepText(
            "(g) Set redundancy up again",
            "on the standby",
            "Switch the standby on and upload a full backup of the active in its tab Standby"
            " import. The active's next run ends the rollback; this page shows it by itself.",
            "Check",
        ),
        "abandon": StepText(
            "Abandon the rollback",
            "on the acting active",
            "The appliance takes the address again, if that is free, and goes on serving.",
            "Abandon the rollback and go on serving",
        ),
    },
}

_REFUSALS: Mapping[Language, Mapping[str, Advice]] = {
    "de": {
        "out-of-order": Advice(
            "Dieser Schritt ist noch nicht an der Reihe.", "Zuerst den nächsten Schritt ausführen."
        ),
        "wrong-appliance": Advice(
            "Dieser Schritt gehört auf die andere Anlage.", "Dort anmelden und ihn ausführen."
        ),
        "nothing-to-roll-back": Advice(
            "Diese Anlage hat nichts übernommen und weiß von keinem Rollback.",
            "Auf der handelnden Anlage beginnen; auf der ursprünglichen deren Sicherung"
            " einspielen.",
        ),
        "nothing-to-abandon": Advice(
            "Es gibt hier keinen Rollback, der abzubrechen wäre.", "Nichts; die Anlage dient."
        ),
        "no-backup": Advice("Es gibt keine Sicherung aus (a).", "Schritt (a) ausführen."),
        "no-such-file": Advice(
            "Die Sicherung aus (a) ist nicht mehr auf der Anlage.",
            "Den Rollback abbrechen und mit einer neuen Sicherung beginnen.",
        ),
        "standby-address-missing": Advice(
            "Das Modul kennt keine Adresse, auf die diese Anlage wechseln könnte.",
            "In den Standby-Einstellungen das Feld Server mit ihrer eigenen Adresse ausfüllen.",
        ),
        "still-at-the-address": Advice(
            "Die handelnde Anlage hat noch die Adresse der ursprünglichen.",
            "Schritt (b) ausführen.",
        ),
        "address-answers": Advice(
            "Ein anderes Gerät antwortet unter der Adresse.",
            "Dieses Gerät ausschalten oder umadressieren, dann wiederholen.",
        ),
        "other-backup": Advice(
            "Eingespielt ist nicht die Sicherung aus (a).", "Die Sicherung aus (a) einspielen."
        ),
        "licences-missing": Advice(
            "Auf dieser Anlage fehlen ihre eigenen Lizenzen.",
            "Alle eigenen Schlüssel installieren (ersetzen); auf einem Ersatzgerät danach dessen"
            " Serverlizenz in der Modul-Konfiguration eintragen.",
        ),
        "address-not-adapted": Advice(
            "Die Anlage hat ihre Adresse nicht erhalten.", "Netzwerk prüfen, dann wiederholen."
        ),
        "epoch-not-opened": Advice(
            "Die Anlage konnte nicht wieder die aktive werden.", "Serverlizenz prüfen, wiederholen."
        ),
        "not-protected": Advice(
            "Die Standby-Anlage hat noch keine Sicherung der neuen aktiven.",
            "Sicherung im Reiter Standby-Import hochladen, oder auf der aktiven den nächsten Lauf"
            " abwarten.",
        ),
        "lan-unusable": Advice(
            "Diese Anlage hat keine Verbindung zum LAN; Stille beweist so nichts.",
            "Netzwerkkabel und Anschluss prüfen.",
        ),
        "unconfigured": Advice(
            "Das Modul ist auf dieser Anlage nicht eingerichtet.", "Modul-Konfiguration ausfüllen."
        ),
    },
    "en": {
        "out-of-order": Advice("It is not this step's turn yet.", "Do the next step first."),
        "wrong-appliance": Advice(
            "This step belongs to the other appliance.", "Log in there and carry it out."
        ),
        "nothing-to-roll-back": Advice(
            "This appliance took nothing over, and knows of no rollback.",
            "Begin on the acting active; on the original, restore its backup first.",
        ),
        "nothing-to-abandon": Advice(
            "There is no rollback here that could be abandoned.", "Nothing; the appliance serves."
        ),
        "no-backup": Advice("There is no backup of (a).", "Carry out step (a)."),
        "no-such-file": Advice(
            "The backup of (a) is not on the appliance any more.",
            "Abandon the rollback and begin with a new backup.",
        ),
        "standby-address-missing": Advice(
            "The module knows no address to which this appliance could go.",
            "Fill in the field Server of the standby settings with its own address.",
        ),
        "still-at-the-address": Advice(
            "The acting active still has the original's address.", "Carry out step (b)."
        ),
        "address-answers": Advice(
            "Another device answers at the address.",
            "Switch that device off or readdress it, then repeat.",
        ),
        "other-backup": Advice(
            "What was restored is not the backup of (a).", "Restore the backup of (a)."
        ),
        "licences-missing": Advice(
            "This appliance lacks its own licences.",
            "Install (replace) all its own keys; on replacement hardware, then enter its server"
            " licence key in the module configuration.",
        ),
        "address-not-adapted": Advice(
            "The appliance did not get its address.", "Check the network, then repeat."
        ),
        "epoch-not-opened": Advice(
            "The appliance could not become the active again.", "Check the server licence, repeat."
        ),
        "not-protected": Advice(
            "The standby has no backup of the new active yet.",
            "Upload a backup in its tab Standby import, or wait for the next run on the active.",
        ),
        "lan-unusable": Advice(
            "This appliance has no connection to the LAN; silence proves nothing then.",
            "Check its network cable and port.",
        ),
        "unconfigured": Advice(
            "The module is not configured on this appliance.", "Fill in its configuration."
        ),
    },
}


def advice(language: Language, code: str, reasons: tuple[tuple[str, str], ...]) -> Advice:
    """Return a refusal in words; a code without a sentence speaks for itself.

    Args:
        language: of the person.
        code: of the refusal.
        reasons: (code, value) pairs of it: `next`, `mac`, `message`, `remedy`.
    """
    said = dict(reasons)
    why, todo = _REFUSALS[language].get(
        code, Advice(said.get("message", code), said.get("remedy", ""))
    )
    macs = ", ".join(value for name, value in reasons if name == "mac")
    due = STEPS[language].get(said.get("next", ""))
    return Advice(f"{why} ({macs})" if macs else why, f"{todo} {due.title}" if due else todo)


def refusal(decision: StepDecision) -> tuple[str, str]:
    """Return message and remedy for the command line."""
    return advice("en", decision.code, decision.reasons)
