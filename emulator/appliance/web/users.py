"""Admin > Benutzer: users are listed, added, changed, removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from emulator.appliance.commands import users
from emulator.appliance.refusal import Refusal
from emulator.appliance.web import fields
from emulator.appliance.web.frame import WebFrame
from emulator.appliance.web.listing import sheet

PATH = "/admin/users"


def user_pages(frame: WebFrame) -> Blueprint:
    """Return the pages of users."""
    pages = Blueprint("users", __name__, url_prefix=PATH)
    people = _People(frame)
    pages.get("")(people.list)
    pages.post("")(people.add)
    pages.get("/new")(people.blank)
    pages.get("/<login>")(people.show)
    pages.post("/<login>")(people.change)
    pages.get("/<login>/remove")(people.ask)
    pages.post("/<login>/remove")(people.remove)
    return pages


class _People:
    """The views; each asks the frame who looks and in which language."""

    def __init__(self, frame: WebFrame) -> None:
        self._frame = frame
        self._content = frame.parts.content

    def list(self) -> ResponseReturnValue:
        facts = self._frame.parts.identity.facts()
        everybody = self._content.all("users")
        return render_template(
            "users.html",
            sheet=sheet(everybody, ("name", "email")),
            count=len(everybody),
            covered=sum(one.users for one in facts.parsed_licences),
        )

    def blank(self) -> ResponseReturnValue:
        return self._form("", {"language": "de"}, ["telephony"])

    def add(self) -> ResponseReturnValue:
        login, body = request.form.get("login", "").strip(), _typed()
        wrong = {
            **fields.wrong_login(login, self._frame.say),
            **fields.wrong_user_fields(body, self._frame.say),
            **self._wrong_password(),
        }
        return self._written("", body["permissions"], wrong, lambda: self._add(login, body))

    def _add(self, login: str, body: Mapping[str, Any]) -> None:
        users.add_user(self._frame.parts, login, body)
        self._set_password(login)

    def show(self, login: str) -> ResponseReturnValue:
        body = self._known(login)
        return self._form(login, {**body, "email": body.get("email") or ""}, body["permissions"])

    def change(self, login: str) -> ResponseReturnValue:
        present, body = self._known(login), _typed()
        # What this page does not know stays: a newer version may have granted it.
        kept = [one for one in present["permissions"] if one not in users.PERMISSIONS]
        body["permissions"] = [*body["permissions"], *kept]
        wrong = {**fields.wrong_user_fields(body, self._frame.say), **self._wrong_password()}
        return self._written(login, body["permissions"], wrong, lambda: self._change(login, body))

    def _change(self, login: str, body: Mapping[str, Any]) -> None:
        users.change_user(self._frame.parts, login, body)
        self._set_password(login)

    def ask(self, login: str, refusal: Refusal | None = None) -> ResponseReturnValue:
        parts = self._frame.parts
        page = render_template(
            "user_remove.html",
            login=login,
            person=self._known(login),
            follows=users.following(parts, login).counts(),
            trouble=self._frame.told(refusal),
        )
        return page, 200 if refusal is None else 409

    def remove(self, login: str) -> ResponseReturnValue:
        self._known(login)
        try:
            users.remove_user(self._frame.parts, login)
        except Refusal as refused:
            return self.ask(login, refused)
        return redirect(PATH, 303)

    def _known(self, login: str) -> Mapping[str, Any]:
        body = self._content.get("users", login)
        if body is None:
            abort(404)
        return body

    def _wrong_password(self) -> fields.Wrong:
        password, again = (request.form.get(one, "") for one in ("password", "password_again"))
        if not password and not again:
            return {}
        return fields.wrong_password(password, again, self._frame.say)

    def _set_password(self, login: str) -> None:
        password = request.form.get("password", "")
        if password:
            users.set_password(self._frame.parts, login, password)
            self._frame.end_other_sessions(login)

    def _written(
        self, login: str, permissions: Any, wrong: fields.Wrong, write: Any
    ) -> ResponseReturnValue:
        """Write what was typed, or show it again with what is wrong."""
        if wrong:
            return self._form(login, request.form, permissions, wrong), 422
        try:
            write()
        except Refusal as refused:
            return self._form(login, request.form, permissions, refusal=refused), 409
        return redirect(f"{PATH}/{login or request.form['login'].strip()}?saved", 303)

    def _form(
        self,
        login: str,
        typed: Mapping[str, Any],
        permissions: Any,
        wrong: fields.Wrong | None = None,
        refusal: Refusal | None = None,
    ) -> str:
        return render_template(
            "user.html",
            login=login,
            typed=typed,
            permissions=permissions,
            grantable=users.PERMISSIONS,
            wrong=wrong or {},
            saved="saved" in request.args,
            trouble=self._frame.told(refusal),
        )


def _typed() -> dict[str, Any]:
    return {
        "name": request.form.get("name", "").strip(),
        "email": request.form.get("email", "").strip() or None,
        "language": request.form.get("language", "de"),
        "permissions": [
            one for one in users.PERMISSIONS if one in request.form.getlist("permissions")
        ],
    }
