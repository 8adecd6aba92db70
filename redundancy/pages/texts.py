"""The sentences of the pages, German and English, by key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from redundancy.pages.english import ENGLISH
from redundancy.pages.frame import Language
from redundancy.pages.german import GERMAN
from redundancy.sending import Transfer

KILOBYTE, MEGABYTE = 1000, 1_000_000

TABLES: Mapping[Language, Mapping[str, str]] = {"de": GERMAN, "en": ENGLISH}


def text(language: Language, key: str, **values: object) -> str:
    """Return a sentence with its values filled in."""
    return TABLES[language][key].format(**values)


def known(language: Language, key: str) -> str:
    """Return a sentence, "" for a key without one (a code that only the engine knows)."""
    return TABLES[language].get(key, "")


def local(zone: ZoneInfo, instant: datetime) -> str:
    """Show an instant as the clock on the appliance's wall does."""
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def age(language: Language, duration: timedelta) -> str:
    """Return a length of time as a person would say it."""
    minutes = int(duration.total_seconds()) // 60
    hours, days = minutes // 60, minutes // 1440
    if days >= 2:  # noqa: PLR2004 - up to two days hours say more
        return text(language, "age.days", days=days, hours=hours % 24)
    if hours:
        return text(language, "age.hours", hours=hours, minutes=minutes % 60)
    return text(language, "age.minutes", minutes=minutes)


def transfer(language: Language, seen: Transfer) -> str:
    """Return how far a transfer is, as a person would say it."""
    values = {name: _megabytes(language, getattr(seen, name)) for name in ("sent", "size")}
    if seen.rate is None or seen.remaining_s is None:
        return text(language, "transfer.begun", **values)
    minutes, seconds = divmod(round(seen.remaining_s), 60)
    slow = seen.rate < MEGABYTE / 10
    rate = f"{seen.rate / KILOBYTE:.0f} kB" if slow else f"{_megabytes(language, seen.rate)} MB"
    return text(
        language, "transfer.moves", rate=rate, remaining=f"{minutes}:{seconds:02}", **values
    )


def _megabytes(language: Language, count: float) -> str:
    """Write a number of bytes in MB, with the decimal sign of the language."""
    shown = f"{count / MEGABYTE:.1f}"
    return shown.replace(".", ",") if language == "de" else shown
