"""Admin > Erweiterte Einstellungen: a row of tabs, most of which modules bring (R49)."""

from __future__ import annotations

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue

from emulator.appliance.web.frame import WebFrame
from emulator.appliance.web.navigation import ADVANCED


def advanced_pages(frame: WebFrame) -> Blueprint:
    """Return the way to the first tab."""
    pages = Blueprint("advanced", __name__, url_prefix=ADVANCED)

    @pages.get("")
    def first() -> ResponseReturnValue:
        return redirect(frame.tabs()[0].path, 303)

    return pages
