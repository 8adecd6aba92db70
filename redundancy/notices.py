"""The texts of the module's mails (D5, R54 to R56): pure functions, German and English.

Every event has one Message-ID a recipient, derived from what happened: however often the
engine restarts, it is one message (D5).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from redundancy.contract import Mail, User
from redundancy.preconditions import Problem
from redundancy.run import Failure

Language = Literal["de", "en"]


@dataclass(frozen=True)
class Sender:
    """The appliance that speaks.

    Attributes:
        name, hardware_id, zone: of the appliance.
        language: of mails to the module's address.
    """

    name: str
    hardware_id: str
    zone: str
    language: Language = "de"


_CAUSES: dict[Language, dict[str, str]] = {
    "de": {
        "connection-lost": "Die Verbindung zur Standby-Anlage kam nicht zustande oder brach ab.",
        "authentication-failed": "Die Standby-Anlage lehnt Benutzername oder Passwort ab.",
        "host-key-changed": "Die Standby-Anlage zeigt einen anderen SSH-Schlüssel als bestätigt.",
        "stalled": "Die Übertragung kam nicht mehr voran.",
        "checksum": "Die Sicherung kam verändert an und wurde verworfen.",
        "disk-full": "Der Speicher der Anlage ist voll.",
        "not-imported": "Die Standby-Anlage meldete Erfolg, hat die Sicherung aber nicht.",
        "restarted": "Die Anlage wurde während des Versuchs neu gestartet.",
        "indefinite": "Die Verbindung brach ab, während die Standby-Anlage einspielte.",
        "version": "Die Sicherung passt nicht zur Version der Standby-Anlage.",
        "epoch": "Diese Anlage ist nicht mehr die aktive; bitte zuerst den Rollback ausführen.",
    },
    "en": {
        "connection-lost": "The connection to the standby was refused or broke off.",
        "authentication-failed": "The standby does not accept the user name or the password.",
        "host-key-changed": "The standby shows another SSH key than the confirmed one.",
        "stalled": "The transfer made no progress any more.",
        "checksum": "The backup arrived changed and was discarded.",
        "disk-full": "The appliance's disk is full.",
        "not-imported": "The standby reported success, but does not hold the backup.",
        "restarted": "The appliance was restarted during the attempt.",
        "indefinite": "The connection broke off while the standby was importing.",
        "version": "The backup does not fit the standby's version.",
        "epoch": "This appliance is not the active any more; do the rollback first.",
    },
}

_REMEDIES: dict[Language, dict[str, str]] = {
    "de": {
        "authentication-failed": "Passwort in den Standby-Einstellungen prüfen und neu speichern.",
        "host-key-changed": "Schlüssel der Standby-Anlage prüfen, dann die Standby-Einstellungen "
        "öffnen, den neuen Fingerabdruck bestätigen und speichern.",
        "disk-full": "Alte Sicherungen entfernen oder den Speicher vergrößern.",
    },
    "en": {
        "authentication-failed": "Check the password in the standby settings and save again.",
        "host-key-changed": "Check the standby's key, then open the standby settings, confirm "
        "the new fingerprint and save.",
        "disk-full": "Remove old backups or enlarge the disk.",
    },
}

_NEXT: dict[Language, str] = {
    "de": "Netz und Standby-Anlage prüfen; der nächste Lauf beginnt nach Zeitplan.",
    "en": "Check the network and the standby; the next run starts as scheduled.",
}


def cause_text(code: str, language: Language) -> str:
    """Return a sentence for a cause code; an unknown code speaks for itself."""
    return _CAUSES[language].get(code, code)


def message_id(sender: Sender, event: str, recipient: str) -> str:
    """Return the one Message-ID of an event for a recipient."""
    seed = f"{sender.hardware_id}\x00{event}\x00{recipient}"
    return f"<{hashlib.sha256(seed.encode()).hexdigest()[:32]}@redundanz.standby>"


def run_failed(sender: Sender, event: str, recipient: str, failures: Sequence[Failure]) -> Mail:
    """Every attempt failed: each with its time and cause, and what to do next."""
    zone = ZoneInfo(sender.zone)
    if sender.language == "de":
        subject = f"Redundanz: Sicherung von {sender.name} nicht übertragen"
        opening = f"Die Standby-Anlage von {sender.name} hat keine neue Sicherung erhalten."
        word, advice = "Versuch", "Was zu tun ist"
    else:
        subject = f"Redundanz: backup of {sender.name} was not transferred"
        opening = f"The standby of {sender.name} has not received a new backup."
        word, advice = "Attempt", "What to do"
    lines = [
        f"{word} {one.attempt}, {_stamp(one.at, zone)}: {cause_text(one.cause, sender.language)}"
        f" [{one.cause}] {one.message}"
        for one in failures
    ]
    last = failures[-1].cause if failures else ""
    remedy = _REMEDIES[sender.language].get(last, _NEXT[sender.language])
    body = "\n".join([opening, "", *lines, "", f"{advice}: {remedy}"])
    return _mail(sender, event, recipient, subject, body)


def run_refused(sender: Sender, event: str, recipient: str, problems: Sequence[Problem]) -> Mail:
    """A precondition does not hold: precisely which, and how to mend it (D4, R14)."""
    if sender.language == "de":
        subject = f"Redundanz: Lauf auf {sender.name} abgelehnt"
        opening = "Eine Voraussetzung ist nicht erfüllt; es wurde nichts übertragen."
    else:
        subject = f"Redundanz: run on {sender.name} refused"
        opening = "A precondition does not hold; nothing was transferred."
    lines = [f"[{one.code}] {one.message}\n  -> {one.remedy}" for one in problems]
    return _mail(sender, event, recipient, subject, "\n".join([opening, "", *lines]))


def run_recovered(sender: Sender, event: str, recipient: str) -> Mail:
    """The first success after a failure."""
    if sender.language == "de":
        subject = f"Redundanz: {sender.name} ist wieder geschützt"
        body = "Die Sicherung wurde übertragen und eingespielt; die Standby-Anlage ist aktuell."
    else:
        subject = f"Redundanz: {sender.name} is protected again"
        body = "The backup was transferred and imported; the standby is up to date."
    return _mail(sender, event, recipient, subject, body)


def switchover_done(sender: Sender, event: str, recipient: str) -> Mail:
    """The switchover is complete: for the module's address."""
    if sender.language == "de":
        subject = f"Redundanz: {sender.name} ist jetzt die aktive Anlage"
        body = (
            "Die Umschaltung ist abgeschlossen. Die Redundanz ruht, bis das Paar neu "
            "eingerichtet ist; die ausgefallene Anlage nicht ohne Rollback einschalten."
        )
    else:
        subject = f"Redundanz: {sender.name} is the active appliance now"
        body = (
            "The switchover is complete. Redundancy rests until the pair is set up again; do "
            "not switch the failed appliance on without a rollback."
        )
    return _mail(sender, event, recipient, subject, body)


def switchover_refused(
    sender: Sender, event: str, recipient: str, reasons: Sequence[tuple[str, str]]
) -> Mail:
    """The switchover was refused: why."""
    if sender.language == "de":
        subject = f"Redundanz: Umschaltung auf {sender.name} abgelehnt"
        opening = "Es wurde nichts geändert. Gründe:"
    else:
        subject = f"Redundanz: switchover to {sender.name} refused"
        opening = "Nothing was changed. Reasons:"
    lines = [f"- {code}: {value}" for code, value in reasons]
    return _mail(sender, event, recipient, subject, "\n".join([opening, *lines]))


def rollback_failed(
    sender: Sender, event: str, recipient: str, words: tuple[str, str, str]
) -> Mail:
    """A step of a rollback failed: which, why, and what to do (D5)."""
    step, why, todo = words
    if sender.language == "de":
        subject = f"Redundanz: Rollback-Schritt auf {sender.name} fehlgeschlagen"
        advice = "Was zu tun ist"
    else:
        subject = f"Redundanz: a step of the rollback failed on {sender.name}"
        advice = "What to do"
    return _mail(sender, event, recipient, subject, f"{step}\n\n{why}\n\n{advice}: {todo}")


def restart_phone(sender: Sender, event: str, user: User, recipient: str) -> Mail:
    """Tell a user, in the user's language, that the phone must be restarted (R54)."""
    if user.language == "de":
        subject = "Bitte das Telefon neu starten"
        body = (
            f"Guten Tag {user.name},\n\ndie Telefonanlage wurde auf das Ersatzsystem "
            "umgeschaltet. Bitte starten Sie Ihr Telefon einmal neu, falls es sich nicht von "
            "selbst wieder anmeldet."
        )
    else:
        subject = "Please restart your phone"
        body = (
            f"Hello {user.name},\n\nthe telephone system was switched over to the standby. "
            "Please restart your phone once if it does not register again by itself."
        )
    return _mail(sender, event, recipient, subject, body)


def _mail(sender: Sender, event: str, recipient: str, subject: str, body: str) -> Mail:
    return Mail(
        message_id=message_id(sender, event, recipient),
        recipient=_one_line(recipient),
        subject=_one_line(subject),
        body=body + "\n",
    )


def _one_line(text: str) -> str:
    """Leave out whatever could end a header line (M4)."""
    return "".join(one for one in text if one.isprintable())


def _stamp(instant: datetime, zone: ZoneInfo) -> str:
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")
