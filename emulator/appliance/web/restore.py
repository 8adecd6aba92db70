"""Admin > Server > Backup > Einspielen: a look inside first, then a last confirmation (D7)."""

from __future__ import annotations

from os import SEEK_END
from typing import BinaryIO, cast

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from emulator.appliance.commands.backups import look_listed
from emulator.appliance.refusal import Refusal, Usage
from emulator.appliance.restoring import Scope
from emulator.appliance.web.frame import COOKIE, WebFrame
from emulator.appliance.web.refusals import status
from emulator.appliance.web.times import local

HOME = "/admin/backups/restore"


def restore_pages(frame: WebFrame) -> Blueprint:
    """Return the pages of the restore."""
    pages = Blueprint("restore", __name__, url_prefix=HOME)

    @pages.get("")
    def look() -> ResponseReturnValue:
        if not _source():
            return _choose(frame)
        return _confirm(frame, _scope(), wrong={})

    @pages.post("/upload")
    def upload() -> ResponseReturnValue:
        file = request.files.get("backup")
        if file is None or not file.filename:
            words = frame.say("Bitte eine Datei wählen.", "Please choose a file.")
            return _choose(frame, wrong={"backup": words})
        stream = cast("BinaryIO", file.stream)
        size = stream.seek(0, SEEK_END)
        stream.seek(0)
        try:
            taken = frame.parts.uploads.take(_base_name(file.filename), stream, size, _owner())
        except Refusal as refused:
            return _choose(frame, refused)
        return redirect(f"{HOME}?upload={taken.key}", 303)

    @pages.post("")
    def restore() -> ResponseReturnValue:
        scope = _scope()
        if "confirmed" not in request.form:
            words = frame.say("Bitte bestätigen.", "Please confirm.")
            return _confirm(frame, scope, wrong={"confirmed": words})
        before = frame.parts.identity.facts().network
        try:
            _restore(frame, scope)
        except Refusal as refused:
            return _choose(frame, refused)
        after = frame.parts.identity.facts().network
        if after == before:
            return render_template("restored.html", target="")
        frame.parts.addressing.occupy_soon(frame.parts.identity.facts)
        return render_template(
            "restored.html", target=frame.elsewhere(after.address, "/admin/backups")
        )

    return pages


def _source() -> dict[str, str]:
    """Return which backup it is about: a listed `file`, or an `upload` of this session."""
    known = {name: request.values.get(name, "")[:200] for name in ("file", "upload")}
    return {name: value for name, value in known.items() if value}


def _owner() -> str:
    return request.cookies.get(COOKIE, "")


def _scope() -> Scope:
    return Scope(
        ignore_address="ignore_address" in request.form,
        keep_licences="keep_licences" in request.form,
    )


def _restore(frame: WebFrame, scope: Scope) -> None:
    parts, source = frame.parts, _source()
    if "upload" in source:
        parts.restorer.confirmed(parts.uploads.find(source["upload"], _owner()), scope)
    elif "file" in source:
        parts.restorer.listed(parts.backups.find(source["file"]), scope)
    else:
        raise Usage("no backup was chosen", "choose one, or upload one")


def _confirm(frame: WebFrame, scope: Scope, wrong: dict[str, str]) -> ResponseReturnValue:
    """Show what is inside, who would be interrupted, and ask for the last word."""
    parts, source = frame.parts, _source()
    try:
        if "upload" in source:
            found = parts.uploads.find(source["upload"], _owner()).look
        else:
            found = look_listed(parts, source.get("file", ""))
    except Refusal as refused:
        return _choose(frame, refused)
    told = found.told()
    page = render_template(
        "restore.html",
        source=source,
        look=told,
        made=local(told["taken_at"], parts.identity.facts().zone),
        objection=frame.told(parts.restorer.objection(found.manifest, scope)),
        activity=parts.activity.now(),
        scope=scope,
        wrong=wrong,
    )
    return page, status(None, wrong)


def _choose(
    frame: WebFrame, refusal: Refusal | None = None, wrong: dict[str, str] | None = None
) -> ResponseReturnValue:
    page = render_template(
        "restore_choose.html",
        backups=frame.parts.backups.list()[::-1],
        wrong=wrong or {},
        trouble=frame.told(refusal),
    )
    return page, status(refusal, wrong)


def _base_name(typed: str) -> str:
    """Return a file's name as its uploader knows it, for people only."""
    return typed.replace("\\", "/").rpartition("/")[2][:80]
