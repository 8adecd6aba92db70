"""Telefone: an administrator's list of all phones, and everybody's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from emulator.appliance.commands import entering, phones, users
from emulator.appliance.refusal import Refusal
from emulator.appliance.web import fields
from emulator.appliance.web.frame import WebFrame
from emulator.appliance.web.listing import sheet

PATH = "/admin/phones"


def phone_pages(frame: WebFrame) -> Blueprint:
    """Return the administrator's pages of phones."""
    pages = Blueprint("phones", __name__, url_prefix=PATH)
    views = _Phones(frame)
    pages.get("")(views.list)
    pages.post("")(views.add)
    pages.get("/new")(views.blank)
    pages.get("/<key>")(views.show)
    pages.post("/<key>")(views.change)
    pages.post("/<key>/remove")(views.remove)
    return pages


def own_phone_pages(frame: WebFrame) -> Blueprint:
    """Return the page of the phones of whoever asks."""
    pages = Blueprint("own_phones", __name__, url_prefix="/account/phones")

    @pages.get("")
    def own() -> ResponseReturnValue:
        found = users.owned(frame.parts, "phones", frame.user())
        return render_template("own_phones.html", phones=found)

    return pages


class _Phones:
    """The administrator's views."""

    def __init__(self, frame: WebFrame) -> None:
        self._frame = frame
        self._content = frame.parts.content

    def list(self) -> ResponseReturnValue:
        return render_template(
            "phones.html",
            sheet=sheet(self._content.all("phones"), ("vendor", "model", "mac", "user")),
            names={login: body["name"] for login, body in self._content.all("users").items()},
        )

    def blank(self) -> ResponseReturnValue:
        return self._form("", {})

    def add(self) -> ResponseReturnValue:
        body = {**_typed(), "mac": request.form.get("mac", "").strip()}
        wrong = self._wrong(body)
        if wrong:
            return self._form("", body, wrong), 422
        fields_of = {name: body[name] for name in body if name != "mac"}
        try:
            phones.add_phone(self._frame.parts, body["mac"], fields_of)
        except Refusal as refused:
            return self._form("", body, refusal=refused), 409
        return redirect(PATH, 303)

    def show(self, key: str) -> ResponseReturnValue:
        return self._form(key, self._known(key))

    def change(self, key: str) -> ResponseReturnValue:
        body = {**_typed(), "mac": self._known(key)["mac"]}
        wrong = self._wrong(body)
        if wrong:
            return self._form(key, body, wrong), 422
        phones.change_phone(self._frame.parts, key, body)
        return redirect(PATH, 303)

    def remove(self, key: str) -> ResponseReturnValue:
        self._known(key)
        entering.remove(self._frame.parts, phones.KIND, key, "phones remove")
        return redirect(PATH, 303)

    def _known(self, key: str) -> Mapping[str, Any]:
        body = self._content.get("phones", key)
        if body is None:
            abort(404)
        return body

    def _wrong(self, body: Mapping[str, Any]) -> fields.Wrong:
        wrong = dict(fields.wrong_phone_fields(body, self._frame.say))
        if body["user"] and self._content.get("users", body["user"]) is None:
            wrong["user"] = self._frame.say("Diesen Benutzer gibt es nicht.", "No such user.")
        return wrong

    def _form(
        self,
        key: str,
        typed: Mapping[str, Any],
        wrong: fields.Wrong | None = None,
        refusal: Refusal | None = None,
    ) -> str:
        return render_template(
            "phone.html",
            key=key,
            typed=typed,
            wrong=wrong or {},
            trouble=self._frame.told(refusal),
        )


def _typed() -> dict[str, Any]:
    typed = {name: request.form.get(name, "").strip() for name in ("vendor", "model", "user")}
    return {**typed, "needs_restart": "needs_restart" in request.form}
