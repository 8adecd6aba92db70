"""An event that a step waits for, by the Calendar."""

from __future__ import annotations

from collections.abc import Callable

from scenarios.drill import Drill
from scenarios.models.steps import Sighting
from scenarios.units import render_duration
from scenarios.verdict import Verdict


def sighted(wanted: Sighting, drill: Drill, say: Callable[[str], None]) -> bool:
    """Let the Calendar move until an event is there, and note whether it came in time."""
    came = drill.reach(
        wanted.within,
        lambda event: (
            (event.node, event.event) == (wanted.on, wanted.event)
            and wanted.cause in {None, event.cause}
        ),
    )
    verdict = Verdict.PASSED if came else Verdict.FAILED
    limit = render_duration(wanted.within)
    text = f"{wanted.event} on {wanted.on} within {limit}: {'yes' if came else 'no'}"
    drill.lab.note("expectation", verdict.value, text=text)
    say(f"Calendar {drill.lab.timekeeper.now():%Y-%m-%d %H:%M:%S} UTC")
    return came
