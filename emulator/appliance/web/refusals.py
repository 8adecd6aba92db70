"""Refusals in the words of the person who reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from emulator.appliance.refusal import Refusal

GERMAN: Mapping[str, tuple[str, str]] = {
    "checksum": (
        "Das ist kein unversehrtes Backup: Eine Prüfsumme stimmt nicht.",
        "Übertragen Sie die Datei noch einmal, oder nehmen Sie ein anderes Backup.",
    ),
    "epoch": (
        "Das Backup stammt von vor der letzten Umschaltung.",
        "Nehmen Sie ein Backup der jetzt aktiven Anlage.",
    ),
    "held": ("Dieses Backup ist gerade in Gebrauch.", "Warten Sie, bis es übertragen ist."),
    "no-such-file": ("Diese Datei gibt es nicht mehr.", "Laden Sie sie noch einmal hoch."),
    "not-a-backup": (
        "Das ist kein unversehrtes Backup; es wurde nichts verändert.",
        "Nehmen Sie eine Datei, die eine Anlage geschrieben hat.",
    ),
    "partial": (
        "Das Backup enthält nur einen Teil der Daten und passt nicht zu dieser Anlage.",
        "Nehmen Sie ein vollständiges Backup.",
    ),
    "version": (
        "Das Backup stammt von einer anderen Version.",
        "Bringen Sie beide Anlagen auf dieselbe Version.",
    ),
    "busy": (
        "Es wird gerade schon ein Backup geschrieben.",
        "Bitte warten Sie, bis es fertig ist.",
    ),
    "disk-full": (
        "Der Speicher dieser Anlage ist voll; es wurde nichts verändert.",
        "Entfernen Sie alte Backups.",
    ),
    "downgrade": ("Die Version ist nicht höher als die jetzige.", "Ein Update führt nur aufwärts."),
    "exists": ("Diesen Eintrag gibt es schon.", "Wählen Sie eine andere Nummer."),
    "last-administrator": (
        "Das ist der einzige Administrator dieser Anlage.",
        "Geben Sie zuerst einem anderen Benutzer diese Rechte.",
    ),
    "licence": ("Die Lizenz reicht nicht, oder der Schlüssel wurde abgelehnt.", ""),
    "no-such-object": ("Diesen Eintrag gibt es nicht mehr.", "Laden Sie die Seite neu."),
    "usage": ("Eine Angabe stimmt nicht.", ""),
}


def status(refusal: Refusal | None, wrong: Mapping[str, str] | None = None) -> int:
    """Return the HTTP status of a page that shows a refusal, or fields that are wrong."""
    if wrong:
        return 422
    return 200 if refusal is None else 409


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
