"""Admin > Module: the module configurations and their states (R45)."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template
from flask.typing import ResponseReturnValue

from emulator.appliance.commands import reading
from emulator.appliance.web.frame import WebFrame


def module_pages(frame: WebFrame) -> Blueprint:
    """Return the list of modules, and the way to a module's own dialog."""
    pages = Blueprint("modules", __name__, url_prefix="/admin/modules")

    @pages.get("")
    def modules() -> ResponseReturnValue:
        configured = {one["name"]: one["active"] for one in reading.modules(frame.parts)}
        module = frame.parts.module
        loaded = set() if module is None else {module.name}
        names = sorted({*configured, *loaded})
        return render_template("modules.html", names=names, configured=configured, loaded=loaded)

    @pages.get("/<name>")
    def module(name: str) -> ResponseReturnValue:
        hosted = frame.parts.module
        if hosted is None or hosted.name != name:
            abort(404)
        tabs = hosted.tabs(frame.language())
        return redirect(next(tab.path for tab in tabs if tab.place == "module"), 303)

    return pages
