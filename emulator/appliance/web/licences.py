"""Admin > Server > Lizenzen: licence keys are shown, installed, replaced (R11 to R18)."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from emulator.appliance.commands.licences import (
    install_licences,
    remove_licence,
    replace_licences,
)
from emulator.appliance.refusal import Refusal
from emulator.appliance.web.fields import wrong_keys
from emulator.appliance.web.frame import WebFrame

PATH = "/admin/licences"


def licence_pages(frame: WebFrame) -> Blueprint:
    """Return the page of licences."""
    pages = Blueprint("licences", __name__, url_prefix=PATH)

    def show(
        refusal: Refusal | None = None, wrong: Mapping[str, str] | None = None
    ) -> ResponseReturnValue:
        """Show the page. Keys that were typed do not come back: they are secrets."""
        page = render_template(
            "licences.html",
            licences=frame.parts.identity.facts().parsed_licences,
            users=len(frame.parts.content.all("users")),
            wrong=wrong or {},
            trouble=frame.told(refusal),
        )
        if wrong:
            return page, 422
        return page, 200 if refusal is None else 409

    @pages.get("")
    def licences() -> ResponseReturnValue:
        return show()

    @pages.post("")
    def install() -> ResponseReturnValue:
        keys = request.form.get("keys", "").upper().split()
        wrong = wrong_keys(keys, frame.say)
        if wrong:
            return show(wrong=wrong)
        try:
            if "replace" in request.form:
                replace_licences(frame.parts, keys)
            else:
                install_licences(frame.parts, keys)
        except Refusal as refused:
            return show(refused)
        return redirect(PATH, 303)

    @pages.post("/<fingerprint>/remove")
    def remove(fingerprint: str) -> ResponseReturnValue:
        try:
            remove_licence(frame.parts, fingerprint)
        except Refusal as refused:
            return show(refused)
        return redirect(PATH, 303)

    return pages
