"""Refusals in the words of the person who reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from emulator.appliance.refusal import Refusal

GERMAN: Mapping[str, tuple[str, str]] = {
    "busy": (
        "Es wird gerade schon ein Backup geschrieben.",
        "Bitte warten Sie, bis es fertig ist.",
    ),
    "disk-full": (
        "Der Speicher dieser Anlage ist voll; es wurde nichts verändert.",
        "Entfernen Sie alte Backups.",
    ),
    "exists": ("Diesen Eintrag gibt es schon.", "Wählen Sie eine andere Nummer."),
    "last-administrator": (
        "Das ist der einzige Administrator dieser Anlage.",
        "Geben Sie zuerst einem anderen Benutzer diese Rechte.",
    ),
    "licence": ("Die Lizenz reicht nicht, oder der Schlüssel wurde abgelehnt.", ""),
    "no-such-object": ("Diesen Eintrag gibt es nicht mehr.", "Laden Sie die Seite neu."),
    "usage": ("Eine Angabe stimmt nicht.", ""),
}


class Trouble(NamedTuple):
    """A refusal as a page shows it: what is wrong, what to do, and the appliance's own words."""

    message: str
    remedy: str
    detail: str


def trouble(refusal: Refusal, language: str) -> Trouble:
    """Put a refusal into a language; the precise words of the appliance stay beside it."""
    if language == "de" and refusal.code in GERMAN:
        return Trouble(*GERMAN[refusal.code], refusal.message)
    return Trouble(refusal.message, refusal.remedy, "")
