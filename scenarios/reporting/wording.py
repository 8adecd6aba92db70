"""One language of a report: sentences, numbers, dates, spans of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from scenarios.reporting import english, german
from scenarios.reporting.clocks import Span
from scenarios.reporting.log import Line

_UNITS = (("d", 86400), ("h", 3600), ("min", 60))
_EXACT_BELOW_S = 60.0


@dataclass(frozen=True)
class Wording:
    """The words of a language.

    Attributes:
        language: as in HTML's `lang`.
        texts, steps, faults, phases, events, invariants: see `english`.
        point: the decimal point.
        date_form: of `datetime.strftime`.
    """

    language: str
    texts: Mapping[str, str]
    steps: Mapping[str, str]
    faults: Mapping[str, str]
    phases: Mapping[str, str]
    events: Mapping[str, str]
    invariants: Mapping[str, str]
    point: str
    date_form: str

    def text(self, key: str, **values: object) -> str:
        """Return a sentence with its values; KeyError where the language has none."""
        return self.texts[key].format(**values)

    def number(self, value: float, digits: int) -> str:
        """Write a number with so many digits after the point."""
        return f"{value:.{digits}f}".replace(".", self.point)

    def seconds(self, value: float | None) -> str:
        """Write a duration: exact below a minute, in at most two units above."""
        if value is None:
            return self.text("not-measured")
        if value < _EXACT_BELOW_S:
            return f"{self.number(value, 2)} s"
        parts, rest = [], value
        for unit, size in _UNITS:
            count, rest = divmod(rest, size)
            if count:
                parts.append(f"{int(count)} {unit}")
        if rest >= 0.5 or not parts:  # noqa: PLR2004 - rounds to a whole second
            parts.append(f"{rest:.0f} s")
        return " ".join(parts[:2])

    def span(self, value: Span | None) -> str:
        """Write how long something took, and how much of it only passed on the drill's clock."""
        if value is None:
            return self.text("not-measured")
        total = self.seconds(value.total_s)
        if not value.served_s:
            return total
        return self.text("span.split", total=total, served=self.seconds(value.served_s))

    def moment(self, value: datetime) -> str:
        """Write a date and a time of day."""
        return f"{value:{self.date_form} %H:%M:%S} {value.tzname()}"

    def what(self, line: Line) -> str:
        """Say in words what a line of the log tells; its own name where no words are known."""
        if line.kind == "step":
            return self.steps.get(line.verb, line.verb)
        if line.kind == "fault":
            return self.faults.get(line.verb, line.verb)
        if line.kind in {"fault.armed", "fault.ended"}:
            return self.text(line.kind, fault=self.faults.get(line.verb, line.verb))
        if line.kind == "phase":
            return self.phases.get(line.verb, line.verb)
        return self.events.get(line.kind, line.kind)

    def planned(self, line: Line) -> str:
        """Say what the scenario had planned, where it had."""
        if line.planned is None:
            return ""
        number, within = line.planned
        if within:
            return self.text("planned.within", number=number, within=within)
        return self.text("planned.step", number=number)


WORDINGS: Mapping[str, Wording] = {
    name: Wording(
        language=name,
        texts=words.TEXTS,
        steps=words.STEPS,
        faults=words.FAULTS,
        phases=words.PHASES,
        events=words.EVENTS,
        invariants=words.INVARIANTS,
        point=point,
        date_form=date_form,
    )
    for name, words, point, date_form in (
        ("de", german, ",", "%d.%m.%Y"),
        ("en", english, ".", "%Y-%m-%d"),
    )
}
