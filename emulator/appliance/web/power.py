"""Power and updates, from the page Status: confirmed first, done after the answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from emulator.appliance.commands import power
from emulator.appliance.parts import Parts
from emulator.appliance.refusal import Refusal
from emulator.appliance.reports import report
from emulator.appliance.web.frame import WebFrame

PATH = "/admin/status"
ANSWER_S = 1.0  # until the browser has the answer
BACK_S = 10


class Deed(NamedTuple):
    """Something that ends what runs: title, what it means, what the page says when it is done."""

    title: tuple[str, str]
    meaning: tuple[str, str]
    done: tuple[str, str]


DEEDS: Mapping[str, Deed] = {
    "restart": Deed(
        ("Dienste neu starten", "Restart the services"),
        (
            "Für einige Sekunden sind weder Telefonie noch diese Seiten erreichbar.",
            "For some seconds neither telephony nor these pages can be reached.",
        ),
        ("Die Dienste starten neu.", "The services restart."),
    ),
    "shutdown": Deed(
        ("Anlage herunterfahren", "Shut the appliance down"),
        (
            "Alle Gespräche enden. Einschalten lässt sie sich nur an Ort und Stelle.",
            "All calls end. It can be switched on again on the spot only.",
        ),
        ("Die Anlage fährt herunter.", "The appliance shuts down."),
    ),
}


def _at_work(parts: Parts) -> Iterator[tuple[str, str]]:
    """Say what would be broken off; all of it can be begun anew, and nothing is half done."""
    if parts.backups.busy:
        yield "Es wird gerade ein Backup geschrieben.", "A backup is being written."
    if parts.gate.working("receiving"):
        yield "Die aktive Anlage überträgt gerade ihre Daten.", "The active is sending its data."
    if parts.gate.working("importing"):
        yield "Es werden gerade Daten eingespielt.", "Data is being taken in."


def power_pages(frame: WebFrame) -> Blueprint:
    """Return the pages that restart, shut down and update."""
    pages = Blueprint("power", __name__, url_prefix=PATH)
    views = _Power(frame)
    pages.get("/<name>")(views.ask)
    pages.post("/restart")(views.restart)
    pages.post("/shutdown")(views.shutdown)
    pages.post("/update")(views.update)
    return pages


class _Power:
    """The views. The first order that is taken is the last one of this program."""

    def __init__(self, frame: WebFrame) -> None:
        self._frame = frame
        self._ordered = threading.Lock()

    def ask(self, name: str) -> ResponseReturnValue:
        frame, deed = self._frame, DEEDS.get(name) or abort(404)
        return render_template(
            "power.html",
            name=name,
            title=frame.say(*deed.title),
            meaning=frame.say(*deed.meaning),
            activity=frame.parts.activity.now(),
            at_work=[frame.say(*words) for words in _at_work(frame.parts)],
        )

    def restart(self) -> ResponseReturnValue:
        self._begin()
        self._later(lambda: power.restart(self._frame.parts))
        return self._ended(DEEDS["restart"].done, comes_back=True)

    def shutdown(self) -> ResponseReturnValue:
        self._begin()
        parts, by = self._frame.parts, self._frame.user()
        report(parts.machine, "changed", "shutdown", kind="power", by=by)
        self._later(parts.power_off)
        return self._ended(DEEDS["shutdown"].done, comes_back=False)

    def update(self) -> ResponseReturnValue:
        self._begin()
        version = request.form.get("version", "").strip()
        try:
            power.install(self._frame.parts, version)
        except Refusal as refused:
            self._ordered.release()
            told = self._frame.told(refused)
            return render_template("update.html", typed={"version": version}, trouble=told), 409
        self._later(self._frame.parts.restart)
        words = (f"Version {version} wird eingespielt.", f"Version {version} is being installed.")
        return self._ended(words, comes_back=True)

    def _begin(self) -> None:
        """Take an order; another one that comes before the end is too late."""
        if not self._ordered.acquire(blocking=False):
            abort(
                409, self._frame.say("Die Anlage endet schon.", "The appliance is ending already.")
            )

    def _later(self, deed: Callable[[], None]) -> None:
        """Do something once the browser has its answer."""
        machine = self._frame.parts.machine

        def wait_and_do() -> None:
            machine.stopwatch.sleep(ANSWER_S)
            deed()

        machine.start("power", wait_and_do)

    def _ended(self, words: tuple[str, str], *, comes_back: bool) -> ResponseReturnValue:
        follow = {"refresh_s": BACK_S, "refresh_to": "/admin/status"} if comes_back else {}
        return render_template("power_done.html", words=self._frame.say(*words), **follow), 202
