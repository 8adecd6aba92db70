"""The texts of the module's mails (D5, R54 to R56): pure functions, German and English.

Every event has one Message-ID a recipient, derived from what happened: however often the
engine restarts, it is one message (D5).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from redundancy import causes
from redundancy.agenda import Missed
from redundancy.causes import Language
from redundancy.contract import Mail, User
from redundancy.preconditions import Problem
from redundancy.run import State

_ADVICE: Mapping[Language, str] = {"de": "Was zu tun ist", "en": "What to do"}


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


def message_id(sender: Sender, event: str, recipient: str) -> str:
    """Return the one Message-ID of an event for a recipient."""
    seed = f"{sender.hardware_id}\x00{event}\x00{recipient}"
    return f"<{hashlib.sha256(seed.encode()).hexdigest()[:32]}@redundanz.standby>"


def run_failed(sender: Sender, event: str, recipient: str, state: State) -> Mail:
    """The run failed: every attempt with its time and cause, and what to do next."""
    zone, language = ZoneInfo(sender.zone), sender.language
    if language == "de":
        subject = f"Redundanz: Sicherung von {sender.name} nicht übertragen"
        opening = (
            f"Lauf {state.run} auf {sender.name} ist gescheitert; die Standby-Anlage hat keine "
            "neue Sicherung erhalten."
        )
        word = "Versuch"
    else:
        subject = f"Redundanz: backup of {sender.name} was not transferred"
        opening = (
            f"Run {state.run} on {sender.name} has failed; the standby has not received a new "
            "backup."
        )
        word = "Attempt"
    lines = [
        f"{word} {one.attempt}, {_stamp(one.at, zone)}: {causes.sentence(one.cause, language)}"
        f" [{one.cause}] {one.message}"
        for one in state.failures
    ]
    last = state.failures[-1].cause if state.failures else ""
    advice = f"{_ADVICE[language]}: {causes.remedy(last, language)}"
    body = "\n".join([opening, "", *lines, "", advice])
    return _mail(sender, event, recipient, subject, body)


def run_refused(
    sender: Sender, event: str, recipient: str, state: State, problems: Sequence[Problem]
) -> Mail:
    """A precondition does not hold: precisely which, and how to mend it (D4, R14)."""
    language = sender.language
    if language == "de":
        subject = f"Redundanz: Lauf auf {sender.name} abgelehnt"
        opening = (
            f"Lauf {state.run} auf {sender.name}: Eine Voraussetzung ist nicht erfüllt; es wurde "
            "nichts übertragen und nicht wiederholt."
        )
    else:
        subject = f"Redundanz: run on {sender.name} refused"
        opening = (
            f"Run {state.run} on {sender.name}: a precondition does not hold; nothing was "
            "transferred, and nothing is tried again."
        )
    lines = []
    for one in problems:
        where = f"{one.appliance}: " if one.appliance else ""
        lines.append(f"- {where}{causes.sentence(one.code, language)} [{one.code}] {one.message}")
        todo = causes.known_remedy(one.code, language) or one.remedy
        lines.append(f"  {_ADVICE[language]}: {todo}")
    return _mail(sender, event, recipient, subject, "\n".join([opening, "", *lines]))


def run_recovered(sender: Sender, event: str, recipient: str, state: State) -> Mail:
    """The first success after a failure."""
    if sender.language == "de":
        subject = f"Redundanz: {sender.name} ist wieder geschützt"
        body = (
            f"Lauf {state.run}: Die Sicherung wurde übertragen und eingespielt (Versuch "
            f"{state.attempt}); die Standby-Anlage ist aktuell. Es ist nichts zu tun."
        )
    else:
        subject = f"Redundanz: {sender.name} is protected again"
        body = (
            f"Run {state.run}: the backup was transferred and imported (attempt "
            f"{state.attempt}); the standby is up to date. There is nothing to do."
        )
    return _mail(sender, event, recipient, subject, body)


def run_delayed(sender: Sender, event: str, recipient: str, slots: Missed) -> Mail:
    """A run comes later than its slot, and makes up all that were missed (D5, D6)."""
    zone = ZoneInfo(sender.zone)
    first, last = _stamp(slots.first, zone), _stamp(slots.last, zone)
    if sender.language == "de":
        subject = f"Redundanz: Lauf auf {sender.name} verspätet"
        body = (
            f"Fällige Läufe auf {sender.name} sind ausgefallen: {slots.count}, von {first} bis "
            f"{last}. Sie werden jetzt mit einem Lauf nachgeholt.\n\n{_ADVICE['de']}: prüfen, "
            "ob die Anlage aus war oder ihre Uhr gestellt wurde."
        )
    else:
        subject = f"Redundanz: run on {sender.name} delayed"
        body = (
            f"Runs that were due on {sender.name} did not take place: {slots.count}, from {first} "
            f"to {last}. One run makes up for them now.\n\n{_ADVICE['en']}: find out whether "
            "the appliance was off or its clock was set."
        )
    return _mail(sender, event, recipient, subject, body)


def run_skipped(sender: Sender, event: str, recipient: str, slots: Missed) -> Mail:
    """Slots passed while a run was under way (D5, O5)."""
    zone = ZoneInfo(sender.zone)
    first, last = _stamp(slots.first, zone), _stamp(slots.last, zone)
    if sender.language == "de":
        subject = f"Redundanz: Lauf auf {sender.name} ausgelassen"
        body = (
            f"Ein Lauf auf {sender.name} dauerte länger als das Timer-Intervall. Ausgelassen: "
            f"{slots.count}, von {first} bis {last}. Der nächste beginnt nach Zeitplan.\n\n"
            f"{_ADVICE['de']}: ein längeres Timer-Intervall wählen oder die Verbindung prüfen."
        )
    else:
        subject = f"Redundanz: run on {sender.name} skipped"
        body = (
            f"A run on {sender.name} took longer than the interval of the schedule. Skipped: "
            f"{slots.count}, from {first} to {last}. The next one starts as scheduled.\n\n"
            f"{_ADVICE['en']}: choose a longer interval, or check the network."
        )
    return _mail(sender, event, recipient, subject, body)


def data_aged(
    sender: Sender, event: str, recipient: str, taken_at: datetime, limit_h: float
) -> Mail:
    """The standby's data is older than the set age; nothing else happens (D5, F0, R46)."""
    stamp = _stamp(taken_at, ZoneInfo(sender.zone))
    if sender.language == "de":
        subject = f"Redundanz: Daten von {sender.name} sind veraltet"
        body = (
            f"Die Daten der Standby-Anlage {sender.name} sind vom {stamp} und damit älter als "
            f"{limit_h:g} Stunden. Umgeschaltet wurde nicht.\n\n{_ADVICE['de']}: die aktive "
            "Anlage und ihre letzten Läufe ansehen. Ist sie ausgefallen, an der Standby-Anlage "
            "anmelden und im Reiter Redundanz umschalten."
        )
    else:
        subject = f"Redundanz: the data of {sender.name} is outdated"
        body = (
            f"The data of the standby {sender.name} is of {stamp} and so older than {limit_h:g} "
            f"hours. Nothing was switched over.\n\n{_ADVICE['en']}: look at the active "
            "appliance and its latest runs. If it has failed, log in to the standby and switch "
            "over in the tab Redundanz."
        )
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
    lines = [f"- {causes.reason(code, value, sender.language)}" for code, value in reasons]
    code = next((value for name, value in reasons if name == "code"), "")
    advice = f"{_ADVICE[sender.language]}: {causes.remedy(code, sender.language)}"
    body = "\n".join([opening, "", *lines, "", advice])
    return _mail(sender, event, recipient, subject, body)


def address_contested(sender: Sender, event: str, recipient: str, claim: tuple[str, str]) -> Mail:
    """Another device claims the address that this appliance took over (D10)."""
    address, mac = claim
    if sender.language == "de":
        subject = f"Redundanz: {address} wird von einem zweiten Gerät beansprucht"
        body = (
            f"Das Gerät mit der MAC {mac} beansprucht die Adresse {address} von {sender.name}. "
            f"{sender.name} behält und verteidigt sie; bis das andere Gerät weg ist, können "
            f"Telefone zeitweise das falsche erreichen.\n\n{_ADVICE['de']}: Dieses Gerät "
            "ausschalten oder vom Netz trennen. Ist es die frühere aktive Anlage, sie nur mit "
            "einem Rollback wieder in Betrieb nehmen."
        )
    else:
        subject = f"Redundanz: a second device claims {address}"
        body = (
            f"The device with the MAC {mac} claims the address {address} of {sender.name}. "
            f"{sender.name} keeps and defends it; until the other device is gone, phones may "
            f"reach the wrong one at times.\n\n{_ADVICE['en']}: switch that device off, or "
            "unplug it. If it is the former active appliance, bring it back by a rollback only."
        )
    return _mail(sender, event, recipient, subject, body)


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
