"""Admin > Server > Backup: backups are made, downloaded, removed; what is being written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from flask import Blueprint, Response, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from emulator.appliance.content import PIECE
from emulator.appliance.refusal import Refusal
from emulator.appliance.selection import COMPLETE, parse
from emulator.appliance.web.frame import WebFrame
from emulator.appliance.web.refusals import status
from emulator.appliance.web.times import local

LOOK_AGAIN_S = 5  # while something is written, the page asks for itself so often


class Running(NamedTuple):
    """What is being written, as pages show it.

    Attributes:
        job: "" for a backup that a person asked for.
        percent: None where nobody can know.
    """

    job: str
    percent: int | None


def running(frame: WebFrame) -> Running | None:
    """Return what is being written; None: nothing is."""
    parts = frame.parts
    if not parts.backups.busy:
        return None
    progress = parts.backups.progress
    if progress is None or not progress.total:
        return Running(parts.jobs.running, None)
    return Running(parts.jobs.running, min(99, 100 * progress.written // progress.total))


def shown(frame: WebFrame) -> list[Mapping[str, Any]]:
    """Return the finished backups, newest first, with the time of this appliance's zone."""
    zone = frame.parts.identity.facts().zone
    found = frame.parts.backups.list()[::-1]
    return [{**one, "made": local(one["taken_at"], zone)} for one in found]


def backup_pages(frame: WebFrame) -> Blueprint:
    """Return the pages of backups."""
    pages = Blueprint("backups", __name__, url_prefix="/admin/backups")

    @pages.get("")
    def backups() -> ResponseReturnValue:
        return _list(frame)

    @pages.post("")
    def create() -> ResponseReturnValue:
        try:
            contents = parse(request.form.getlist("contents"))
        except ValueError:
            words = frame.say("Mindestens ein Inhalt.", "At least one kind of content.")
            return _list(frame, wrong={"contents": words})
        try:
            frame.parts.backups.create(request.form.get("operation", "")[:60] or "page", contents)
        except Refusal as refused:
            return _list(frame, refused)
        return redirect("/admin/backups", 303)

    @pages.post("/<file>/remove")
    def remove(file: str) -> ResponseReturnValue:
        try:
            frame.parts.backups.remove(file)
        except Refusal as refused:
            return _list(frame, refused)
        return redirect("/admin/backups", 303)

    @pages.get("/<file>")
    def download(file: str) -> ResponseReturnValue:
        known = next((one for one in frame.parts.backups.list() if one["file"] == file), None)
        if known is None:
            abort(404)
        response = Response(_read(frame, file), mimetype="application/octet-stream")
        response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
        response.headers["Content-Length"] = str(known["size"])
        return response

    return pages


def _list(
    frame: WebFrame, refusal: Refusal | None = None, wrong: Mapping[str, str] | None = None
) -> ResponseReturnValue:
    at_work = running(frame)
    page = render_template(
        "backups.html",
        backups=shown(frame),
        running=at_work,
        refresh_s=LOOK_AGAIN_S if at_work else None,
        operation=f"page:{frame.parts.machine.entropy(8).hex()}",
        contents=request.form.getlist("contents") if wrong else COMPLETE,
        wrong=wrong or {},
        trouble=frame.told(refusal),
    )
    return page, status(refusal, wrong)


def _read(frame: WebFrame, file: str) -> Iterator[bytes]:
    with frame.parts.machine.disk.open(f"backups/{file}") as source:
        while piece := source.read(PIECE):
            yield piece
