"""Commands around backups: jobs, files, and the ordinary restore."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from emulator.appliance.commands import entering
from emulator.appliance.commands.grammar import Arguments, Command
from emulator.appliance.commands.identifiers import operation
from emulator.appliance.entities import Entity, EntityError
from emulator.appliance.looking import Look, look
from emulator.appliance.parts import Parts
from emulator.appliance.refusal import Refusal, Usage
from emulator.appliance.reports import report
from emulator.appliance.restoring import Scope
from emulator.appliance.selection import COMPLETE, Selection, parse

ALL = ",".join(COMPLETE)
JOB = (
    "[--start WALLTIME] [--kind backup|archive] [--unit hour|day|week|month|manual] [--every N]"
    f" [--keep N] [--contents {ALL}] [--report-to ADDRESS] [--takes MINUTES]"
)
NEW_JOB: Mapping[str, Any] = {
    "kind": "backup",
    "unit": "day",
    "every": 1,
    "start": "",
    "keep": 5,
    "takes_min": 0,
    "report_to": "",
    "contents": list(COMPLETE),
}
TEXTS = {"--kind": "kind", "--unit": "unit", "--start": "start", "--report-to": "report_to"}
NUMBERS = {"--every": "every", "--keep": "keep", "--takes": "takes_min"}


def _contents(arguments: Arguments) -> Selection:
    try:
        return parse(arguments.text("--contents", ALL).split(","))
    except ValueError as error:
        raise Usage(str(error), f"--contents {ALL}, or some of these") from error


def _create(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    return parts.backups.create(operation(arguments), _contents(arguments))


def _hold(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    parts.backups.hold(arguments.text("FILE"), held=True)
    return {}


def _release(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    parts.backups.hold(arguments.text("FILE"), held=False)
    return {}


def _remove(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    parts.backups.remove(arguments.text("FILE"))
    return {}


def _compare(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    return {"objects": parts.backups.compare(arguments.text("FILE"))}


def checked_job(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of a job if it can ever start.

    Raises:
        Usage: it has neither a first start nor the unit manual.
    """
    if body["unit"] != "manual" and not body["start"]:
        raise Usage(
            f"a job by the {body['unit']} needs its first start",
            "for example --start 2026-03-01T02:00; or --unit manual",
        )
    return body


def change_job(parts: Parts, name: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write a job anew.

    Raises:
        Refusal: `no-such-object`, `usage` when a field is malformed.
    """
    if parts.content.get("jobs", name) is None:
        raise Refusal("no-such-object", f"there is no job {name[:60]}", "backup jobs shows them")
    try:
        parts.content.put([Entity("jobs", name, checked_job(body))])
    except EntityError as error:
        raise Usage(str(error)) from error
    report(parts.machine, "changed", "jobs change", kind="jobs", id=name)
    return {"id": name}


def remove_job(parts: Parts, name: str) -> None:
    """Remove a job; what it has written stays.

    Raises:
        Refusal: `no-such-object`.
    """
    parts.content.remove("jobs", name)
    report(parts.machine, "changed", "jobs remove", kind="jobs", id=name)


def _fields(arguments: Arguments) -> dict[str, Any]:
    """Return the fields of a job that stand on the command line."""
    given = arguments.values
    fields: dict[str, Any] = {field: given[one] for one, field in TEXTS.items() if one in given}
    fields |= {field: arguments.number(one) for one, field in NUMBERS.items() if one in given}
    if "--contents" in given:
        fields["contents"] = list(_contents(arguments))
    return fields


def _jobs_add(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    body = checked_job({**NEW_JOB, **_fields(arguments)})
    return entering.add(parts, Entity("jobs", arguments.text("--name"), body), "jobs add")


def _jobs_change(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    name = arguments.text("NAME")
    before = parts.content.get("jobs", name) or {}
    return change_job(parts, name, {**before, **_fields(arguments)})


def _jobs_remove(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    remove_job(parts, arguments.text("NAME"))
    return {}


def _jobs_start(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    parts.jobs.order(arguments.text("NAME"))
    return {}


def _restore(parts: Parts, arguments: Arguments, stdin: BinaryIO) -> Mapping[str, Any]:
    scope = Scope(
        ignore_address="--ignore-address" in arguments.flags,
        keep_licences="--keep-licences" in arguments.flags,
    )
    if ("--file" in arguments.values) == ("--size" in arguments.values):
        raise Usage("restore needs either --file, of a listed backup, or --size, of an upload")
    if "--look" in arguments.flags:
        return seen(parts, _look(parts, arguments, stdin), scope)
    if "--file" in arguments.values:
        row = parts.backups.find(arguments.text("--file"))
        done = parts.restorer.listed(row, scope)
    else:
        done = parts.restorer.uploaded(stdin, arguments.number("--size"), scope)
    parts.addressing.occupy(parts.identity.facts())
    parts.addressing.announce()
    return done


def _look(parts: Parts, arguments: Arguments, stdin: BinaryIO) -> Look:
    if "--file" in arguments.values:
        return look_listed(parts, arguments.text("--file"))
    upload = parts.uploads.take("upload", stdin, arguments.number("--size"), "")
    parts.uploads.drop()
    return upload.look


def look_listed(parts: Parts, file: str) -> Look:
    """Look inside one of this box's own backups.

    Raises:
        Refusal: `no-such-file`, `not-a-backup`, `checksum`.
    """
    with parts.backups.opened(file) as (stream, size):
        return look(file, stream, size)


def seen(parts: Parts, found: Look, scope: Scope) -> Mapping[str, Any]:
    """Return what a look has shown, whether it would be refused here, and who is at work."""
    refusal = parts.restorer.objection(found.manifest, scope)
    refused = None if refusal is None else _words(refusal)
    return {**found.told(), "refused": refused, "activity": parts.activity.now()}


def _words(refusal: Refusal) -> Mapping[str, str]:
    return {"code": refusal.code, "message": refusal.message, "remedy": refusal.remedy}


def _calls(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    parts.activity.calls = arguments.number("COUNT")
    return parts.activity.now()


COMMANDS = (
    Command(
        "backup create",
        f"--operation ID [--contents {ALL}]",
        "export a fresh backup, complete unless told otherwise",
        _create,
    ),
    Command(
        "backup list",
        "",
        "the finished backups",
        lambda parts, _arguments, _stdin: {"backups": parts.backups.list()},
    ),
    Command("backup hold", "FILE", "keep a backup from rotation (O3)", _hold),
    Command("backup release", "FILE", "let rotation have a backup again", _release),
    Command("backup remove", "FILE", "remove a backup", _remove),
    Command("backup compare", "FILE", "what was changed since a backup (D16)", _compare),
    Command(
        "backup jobs",
        "",
        "backup and archive jobs, their next start, and how long they usually write",
        lambda parts, _arguments, _stdin: {"jobs": parts.jobs.list()},
    ),
    Command(
        "backup cancel",
        "",
        "give up what a job is writing",
        lambda parts, _arguments, _stdin: {"job": parts.jobs.cancel()},
    ),
    Command(
        "jobs add",
        f"--name NAME {JOB}",
        "add a backup or archive job; --takes emulates a large one",
        _jobs_add,
    ),
    Command("jobs change", f"NAME {JOB}", "change some fields of a job", _jobs_change),
    Command("jobs remove", "NAME", "remove a job; its backups stay", _jobs_remove),
    Command("jobs start", "NAME", "start a job now", _jobs_start),
    Command(
        "restore",
        "[--file NAME] [--size BYTES] [--look] [--ignore-address] [--keep-licences]",
        "restore a listed backup, or one from standard input (D7); --look only looks inside",
        _restore,
    ),
    Command("calls emulate", "COUNT", "have so many calls under way, for a lab", _calls),
)
