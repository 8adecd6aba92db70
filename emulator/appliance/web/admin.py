"""The administrator's pages, as far as a drill or a person needs them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from os import SEEK_END
from typing import BinaryIO, cast

from flask import Blueprint, Response, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from emulator.appliance.commands import objects, reading
from emulator.appliance.content import PIECE
from emulator.appliance.refusal import Refusal
from emulator.appliance.restoring import Scope
from emulator.appliance.web.fields import wrong_user_fields
from emulator.appliance.web.frame import WebFrame
from emulator.appliance.web.refusals import Trouble, trouble


def admin_pages(frame: WebFrame) -> Blueprint:
    """Return the pages under `/admin`; the frame lets administrators in only."""
    pages = Blueprint("admin", __name__, url_prefix="/admin")
    _add_status(pages, frame)
    _add_users(pages, frame)
    _add_backups(pages, frame)
    _add_modules(pages, frame)
    _add_advanced(pages, frame)
    return pages


def _told(frame: WebFrame, refusal: Refusal | None) -> Trouble | None:
    return None if refusal is None else trouble(refusal, frame.language())


def _add_status(pages: Blueprint, frame: WebFrame) -> None:
    @pages.get("/status")
    def status() -> ResponseReturnValue:
        parts = frame.parts
        facts = parts.identity.facts()
        mails = parts.mail.list()
        return render_template(
            "status.html",
            licences=facts.parsed_licences,
            users=len(parts.content.all("users")),
            phones=len(parts.content.all("phones")),
            lines=parts.content.all("lines"),
            busy={"backup": parts.backups.busy, "import": parts.gate.working("importing")},
            queued=sum(1 for one in mails if one["state"] == "queued"),
        )


def _add_users(pages: Blueprint, frame: WebFrame) -> None:
    def show(
        refusal: Refusal | None = None, wrong: Mapping[str, str] | None = None
    ) -> ResponseReturnValue:
        page = render_template(
            "users.html",
            users=frame.parts.content.all("users"),
            typed=request.form,
            wrong=wrong or {},
            trouble=_told(frame, refusal),
        )
        if wrong:
            return page, 422
        return page, 200 if refusal is None else 409

    @pages.get("/users")
    def users() -> ResponseReturnValue:
        return show()

    @pages.post("/users")
    def add_user() -> ResponseReturnValue:
        body = {
            "name": request.form.get("name", "").strip(),
            "email": request.form.get("email", "").strip() or None,
            "language": request.form.get("language", "de"),
            "permissions": ["telephony"],
        }
        login = request.form.get("login", "").strip()
        wrong = wrong_user_fields(login, body, frame.say)
        if wrong:
            return show(wrong=wrong)
        try:
            objects.add_user(frame.parts, login, body)
        except Refusal as refused:
            return show(refused)
        return redirect("/admin/users", 303)

    @pages.post("/users/<login>/remove")
    def remove_user(login: str) -> ResponseReturnValue:
        try:
            objects.remove_user(frame.parts, login)
        except Refusal as refused:
            return show(refused)
        return redirect("/admin/users", 303)


def _add_backups(pages: Blueprint, frame: WebFrame) -> None:
    def show(refusal: Refusal | None = None) -> ResponseReturnValue:
        found = frame.parts.backups.list()
        operation = f"page:{frame.parts.machine.entropy(8).hex()}"
        page = render_template(
            "backups.html", backups=found[::-1], operation=operation, trouble=_told(frame, refusal)
        )
        return page, 200 if refusal is None else 409

    @pages.get("/backups")
    def backups() -> ResponseReturnValue:
        return show()

    @pages.post("/backups")
    def create() -> ResponseReturnValue:
        try:
            frame.parts.backups.create(request.form.get("operation", "")[:60] or "page")
        except Refusal as refused:
            return show(refused)
        return redirect("/admin/backups", 303)

    @pages.post("/backups/restore")
    def restore() -> ResponseReturnValue:
        upload = request.files.get("backup")
        scope = Scope(
            ignore_address="ignore_address" in request.form,
            keep_licences="keep_licences" in request.form,
        )
        try:
            if upload is not None and upload.filename:
                stream = cast("BinaryIO", upload.stream)
                size = stream.seek(0, SEEK_END)
                stream.seek(0)
                frame.parts.restorer.uploaded(stream, size, scope)
            else:
                row = frame.parts.backups.find(request.form.get("file", ""))
                frame.parts.restorer.listed(row, scope)
        except Refusal as refused:
            return show(refused)
        return redirect("/admin/backups", 303)

    @pages.get("/backups/<file>")
    def download(file: str) -> ResponseReturnValue:
        known = next((one for one in frame.parts.backups.list() if one["file"] == file), None)
        if known is None:
            abort(404)
        response = Response(_read(frame, file), mimetype="application/octet-stream")
        response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
        response.headers["Content-Length"] = str(known["size"])
        return response


def _read(frame: WebFrame, file: str) -> Iterator[bytes]:
    with frame.parts.machine.disk.open(f"backups/{file}") as source:
        while piece := source.read(PIECE):
            yield piece


def _add_modules(pages: Blueprint, frame: WebFrame) -> None:
    @pages.get("/modules")
    def modules() -> ResponseReturnValue:
        configured = {one["name"]: one["active"] for one in reading.modules(frame.parts)}
        module = frame.parts.module
        loaded = set() if module is None else {module.name}
        names = sorted({*configured, *loaded})
        return render_template("modules.html", names=names, configured=configured, loaded=loaded)

    @pages.get("/modules/<name>")
    def module(name: str) -> ResponseReturnValue:
        hosted = frame.parts.module
        if hosted is None or hosted.name != name:
            abort(404)
        tabs = hosted.tabs(frame.language())
        return redirect(next(tab.path for tab in tabs if tab.place == "module"), 303)


def _add_advanced(pages: Blueprint, frame: WebFrame) -> None:
    def licences_page(refusal: Refusal | None = None) -> ResponseReturnValue:
        found = frame.parts.identity.facts().parsed_licences
        page = render_template("licences.html", licences=found, trouble=_told(frame, refusal))
        return page, 200 if refusal is None else 409

    @pages.get("/advanced")
    def network() -> ResponseReturnValue:
        facts = frame.parts.identity.facts()
        mail = frame.parts.content.get("mail", "server")
        return render_template("network.html", network=asdict(facts.network), mail=mail)

    @pages.get("/advanced/licences")
    def licences() -> ResponseReturnValue:
        return licences_page()

    @pages.post("/advanced/licences")
    def install() -> ResponseReturnValue:
        try:
            keys = request.form.get("keys", "").split()
            if "replace" in request.form:
                objects.replace_licences(frame.parts, keys)
            else:
                objects.install_licences(frame.parts, keys)
        except Refusal as refused:
            return licences_page(refused)
        return redirect("/admin/advanced/licences", 303)
