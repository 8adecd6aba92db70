"""The clock of whoever runs drills; a lab never reads it."""

from __future__ import annotations

from datetime import UTC, datetime


def wall_clock() -> datetime:
    """Return the reader's clock: it names folders and starts real-time schedules."""
    return datetime.now(UTC)  # noqa: TID251 - of the person at the terminal, not of a lab
