"""What an appliance must decline, and the end of a drill that goes another way."""

from __future__ import annotations

from collections.abc import Callable

from emulator.lab import CommandRefused


class DrillEnded(Exception):  # noqa: N818 - says what happened
    """A step without which the rest makes no sense did not succeed; the drill has failed."""


def declined(code: str, attempt: Callable[[], object]) -> str:
    """Attempt what an appliance must decline; what it says of it.

    Raises:
        DrillEnded: it was not declined, or for another reason.
    """
    try:
        attempt()
    except CommandRefused as refusal:
        if refusal.code == code:
            return f"refused: {refusal.message}"
        raise DrillEnded(f"refused as {refusal.code}, not as {code}") from refusal
    raise DrillEnded(f"accepted what had to be refused as {code}")
