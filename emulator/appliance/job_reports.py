"""The mail about a job's result, to whom the job names ("report to")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from emulator.appliance.records import Facts
from emulator.appliance.refusal import Refusal


class Outcome(NamedTuple):
    """What became of one run of a job.

    Attributes:
        body: the job's fields.
        made: the backup that was written; None for an archive and after a failure.
        refusal: why it failed.
    """

    job: str
    body: Mapping[str, Any]
    began: datetime
    ended: datetime
    made: Mapping[str, Any] | None
    refusal: Refusal | None


def mail(
    facts: Facts, outcome: Outcome, users: Iterable[Mapping[str, Any]], identifier: str
) -> Mapping[str, str]:
    """Return the mail for the queue, in the language of the user with that address.

    Args:
        facts: of the box.
        outcome: what is to be told.
        users: of the box.
        identifier: of this one run; its Message-ID.
    """
    address = outcome.body["report_to"]
    languages = (user["language"] for user in users if user.get("email") == address)
    words = ENGLISH if next(languages, "de") == "en" else GERMAN
    result = words["failed"] if outcome.refusal else words["done"]
    local = ZoneInfo(facts.zone)
    lines = [
        words["job"].format(kind=words[outcome.body["kind"]], job=outcome.job, box=facts.name),
        "",
        f"{words['result']}: {result}",
        f"{words['began']}: {outcome.began.astimezone(local):%Y-%m-%d %H:%M:%S %Z}",
        f"{words['ended']}: {outcome.ended.astimezone(local):%Y-%m-%d %H:%M:%S %Z}",
    ]
    if outcome.made is not None:
        contents = ", ".join(words[one] for one in outcome.made["contents"])
        lines += [
            f"{words['file']}: {outcome.made['file']}",
            f"{words['size']}: {outcome.made['size']:,} {words['bytes']}",
            f"{words['contents']}: {contents}",
        ]
    if outcome.refusal is not None:
        lines += [f"{words['cause']}: {outcome.refusal.message} ({outcome.refusal.code})"]
        lines += [f"{words['remedy']}: {outcome.refusal.remedy}"] if outcome.refusal.remedy else []
    return {
        "message_id": f"<job.{identifier}@{facts.hardware_id}>",
        "recipient": address,
        "subject": words["subject"].format(box=facts.name, job=outcome.job, result=result),
        "body": "\n".join(lines) + "\n",
    }


GERMAN = {
    "subject": "{box}: {job}: {result}",
    "job": "{kind} „{job}“ der Anlage {box}",
    "backup": "Backup-Job",
    "archive": "Archivierung",
    "result": "Ergebnis",
    "done": "erfolgreich",
    "failed": "fehlgeschlagen",
    "began": "Beginn",
    "ended": "Ende",
    "file": "Datei",
    "size": "Größe",
    "bytes": "Bytes",
    "contents": "Inhalt",
    "core": "Grunddaten",
    "calls": "Anruflisten und Voicemail",
    "announcements": "Ansagen",
    "cause": "Ursache",
    "remedy": "Abhilfe",
}
ENGLISH = {
    "subject": "{box}: {job}: {result}",
    "job": '{kind} "{job}" of the appliance {box}',
    "backup": "Backup job",
    "archive": "Archiving",
    "result": "Result",
    "done": "succeeded",
    "failed": "failed",
    "began": "Began",
    "ended": "Ended",
    "file": "File",
    "size": "Size",
    "bytes": "bytes",
    "contents": "Contents",
    "core": "core data",
    "calls": "call records and voicemail",
    "announcements": "announcements",
    "cause": "Cause",
    "remedy": "What to do",
}
