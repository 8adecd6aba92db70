"""Admin > Server > Backup > Jobs: what the appliance writes by itself (R32, O7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from flask import Blueprint, abort, redirect, render_template
from flask.typing import ResponseReturnValue

from emulator.appliance.commands.backups import NEW_JOB, change_job, remove_job
from emulator.appliance.commands.entering import add
from emulator.appliance.entities import Entity
from emulator.appliance.refusal import Refusal
from emulator.appliance.web.backups import LOOK_AGAIN_S, running
from emulator.appliance.web.frame import WebFrame
from emulator.appliance.web.job_form import body_of, typed_job, typed_of, wrong_job_fields
from emulator.appliance.web.refusals import status
from emulator.appliance.web.times import local

HOME = "/admin/backups/jobs"


def job_pages(frame: WebFrame) -> Blueprint:
    """Return the pages of jobs."""
    pages = Blueprint("jobs", __name__, url_prefix=HOME)
    _add_list(pages, frame)
    _add_one(pages, frame)
    return pages


def _add_list(pages: Blueprint, frame: WebFrame) -> None:
    @pages.get("")
    def jobs() -> ResponseReturnValue:
        return _list(frame)

    @pages.post("")
    def add_job() -> ResponseReturnValue:
        typed = typed_job()
        name, body = typed["name"], {**NEW_JOB, **body_of(typed)}
        wrong = wrong_job_fields(name, body, frame.say)
        if wrong:
            return _list(frame, typed=typed, wrong=wrong)
        return _act(
            lambda: add(frame.parts, Entity("jobs", name, body), "jobs add"),
            lambda refused: _list(frame, refused, typed=typed),
        )

    @pages.post("/<name>/start")
    def start(name: str) -> ResponseReturnValue:
        return _act(lambda: frame.parts.jobs.order(name), partial(_list, frame))

    @pages.post("/<name>/remove")
    def remove(name: str) -> ResponseReturnValue:
        return _act(lambda: remove_job(frame.parts, name), partial(_list, frame))


def _add_one(pages: Blueprint, frame: WebFrame) -> None:
    @pages.get("/<name>")
    def job(name: str) -> ResponseReturnValue:
        return _one(frame, name)

    @pages.post("/<name>")
    def change(name: str) -> ResponseReturnValue:
        typed = {**typed_job(), "name": name}
        body = {**(frame.parts.content.get("jobs", name) or NEW_JOB), **body_of(typed)}
        wrong = wrong_job_fields(name, body, frame.say)
        if wrong:
            return _one(frame, name, typed=typed, wrong=wrong)
        return _act(
            lambda: change_job(frame.parts, name, body),
            lambda refused: _one(frame, name, refused, typed=typed),
        )


def _act(
    action: Callable[[], object], otherwise: Callable[[Refusal], ResponseReturnValue]
) -> ResponseReturnValue:
    """Do something and show the jobs; or show why it was refused."""
    try:
        action()
    except Refusal as refused:
        return otherwise(refused)
    return redirect(HOME, 303)


def _list(
    frame: WebFrame,
    refusal: Refusal | None = None,
    typed: Mapping[str, Any] | None = None,
    wrong: Mapping[str, str] | None = None,
) -> ResponseReturnValue:
    zone = frame.parts.identity.facts().zone
    jobs = [{**one, "next": local(one["next_start"], zone)} for one in frame.parts.jobs.list()]
    at_work = running(frame)
    page = render_template(
        "jobs.html",
        jobs=jobs,
        running=at_work,
        refresh_s=LOOK_AGAIN_S if at_work else None,
        typed=typed or typed_of("", NEW_JOB),
        wrong=wrong or {},
        trouble=frame.told(refusal),
    )
    return page, status(refusal, wrong)


def _one(
    frame: WebFrame,
    name: str,
    refusal: Refusal | None = None,
    typed: Mapping[str, Any] | None = None,
    wrong: Mapping[str, str] | None = None,
) -> ResponseReturnValue:
    body = frame.parts.content.get("jobs", name)
    if body is None:
        abort(404)
    page = render_template(
        "job.html",
        name=name,
        typed=typed or typed_of(name, body),
        wrong=wrong or {},
        trouble=frame.told(refusal),
    )
    return page, status(refusal, wrong)
