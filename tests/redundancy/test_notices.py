"""The mails to the module's address: every event, both languages, one Message-ID an event."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pair import Pair, configuration

import redundancy
from redundancy import causes, errors, notices, run, run_messages, switchover
from redundancy.agenda import Missed
from redundancy.causes import Language
from redundancy.desk import Desk
from redundancy.notices import Sender
from redundancy.preconditions import Problem

AT = datetime(2030, 1, 7, 1, 30, tzinfo=UTC)  # 02:30 in Berlin
TO = "admin@example.com"
SLOTS = Missed(AT, AT + timedelta(hours=2), 3)
FAILED = run.State(
    phase="failed", run=5, epoch=1, attempts_max=2, attempt=2,
    failures=(
        run.Failure(1, AT, "connection-lost", "reset by peer"),
        run.Failure(2, AT + timedelta(minutes=5), "authentication-failed", "no"),
    ),
)  # fmt: skip
PROBLEM = Problem("licence-on-both", "pbx2", "server licence …11111 on pbx1 and pbx2", "replace it")


def sender(language: Language = "de") -> Sender:
    return Sender("pbx1", "hw-1", "Europe/Berlin", language)


def every(one: Sender) -> list[notices.Mail]:
    return [
        notices.run_failed(one, "e1", TO, FAILED),
        notices.run_refused(one, "e2", TO, FAILED, [PROBLEM]),
        notices.run_recovered(one, "e3", TO, FAILED),
        notices.run_delayed(one, "e4", TO, SLOTS),
        notices.run_skipped(one, "e5", TO, SLOTS),
        notices.data_aged(one, "e6", TO, AT, 48),
        notices.switchover_done(one, "e7", TO),
        notices.switchover_refused(
            one, "e8", TO, [("code", "active-answers"), ("mac", "02:00:00:00:00:10")]
        ),
    ]


@pytest.mark.covers("D5", "T3")
@pytest.mark.parametrize(("language", "word"), [("de", "Versuch"), ("en", "Attempt")])
def test_a_failed_run_names_run_appliance_every_attempt_and_what_to_do(
    language: Language, word: str
) -> None:
    mail = notices.run_failed(sender(language), "e", TO, FAILED)
    assert "pbx1" in mail.subject
    assert "5" in mail.body.splitlines()[0]
    assert f"{word} 1, 2030-01-07 02:30" in mail.body
    assert f"{word} 2, 2030-01-07 02:35" in mail.body
    for one in FAILED.failures:
        assert causes.sentence(one.cause, language) in mail.body
        assert one.cause in mail.body
    assert causes.known_remedy("authentication-failed", language) in mail.body


@pytest.mark.covers("D5", "F2", "F4")
@pytest.mark.parametrize("language", ["de", "en"])
def test_a_refused_switchover_gives_its_reasons_in_sentences(language: Language) -> None:
    reasons = [("code", "active-answers"), ("address", "198.18.0.10"), ("mac", "02:0a")]
    mail = notices.switchover_refused(sender(language), "e", TO, reasons)
    assert causes.sentence("active-answers", language) in mail.body
    assert "02:0a" in mail.body
    assert "code:" not in mail.body


@pytest.mark.covers("D5", "R14")
@pytest.mark.parametrize("language", ["de", "en"])
def test_a_refused_run_names_the_appliance_and_what_to_do(language: Language) -> None:
    mail = notices.run_refused(sender(language), "e", TO, FAILED, [PROBLEM])
    assert f"pbx2: {causes.sentence('licence-on-both', language)}" in mail.body
    assert causes.known_remedy("licence-on-both", language) in mail.body


@pytest.mark.covers("D5")
def test_every_event_has_its_own_message_id_and_a_repeated_one_the_same() -> None:
    first, again = every(sender()), every(sender())
    assert [one.message_id for one in first] == [one.message_id for one in again]
    assert len({one.message_id for one in first}) == len(first)


@pytest.mark.covers("D5")
def test_every_mail_is_there_in_german_and_in_english() -> None:
    for german, english in zip(every(sender("de")), every(sender("en")), strict=True):
        assert german.subject != english.subject
        assert german.body != english.body
        assert german.message_id == english.message_id


@pytest.mark.covers("M4")
def test_no_name_can_add_a_header() -> None:
    hostile = Sender("pbx1\r\nBcc: all@example.com", "hw", "UTC")
    for mail in every(hostile):
        assert not re.search(r"[\r\n]", mail.subject + mail.recipient + mail.message_id)


@pytest.mark.covers("D5")
def test_the_language_of_the_mails_is_a_setting_of_the_module() -> None:
    pair = Pair("pbx1")
    pair.settings = configuration(language="en")
    pair.desk.switchover(switchover.Notify("switchover-done"), "switchover-1")
    (mail,) = pair.mails()
    assert "is the active appliance now" in mail["subject"]


@pytest.mark.covers("M2", "R26")
def test_no_notice_of_any_kind_goes_out_when_mails_are_off() -> None:
    pair = Pair("pbx1")
    pair.settings = configuration(send_mails=False, mail_address="")
    desk: Desk = pair.desk
    desk.delayed(SLOTS)
    desk.skipped(SLOTS)
    desk.data_aged("age-1.1", AT)
    desk.run(run_messages.Notify("run-failed"), FAILED)
    desk.switchover(switchover.Notify("switchover-refused"), "switchover-1")
    assert pair.mails() == []


def codes() -> set[str]:
    """Return every cause code that stands in the engine's source or its tree of errors."""
    folder = Path(redundancy.__file__).parent
    sources = [folder / name for name in ("run.py", "preconditions.py", "switchover.py")]
    text = "\n".join(one.read_text("utf-8") for one in sources)
    found = set(re.findall(r'(?:Failed|Problem|_refuse)\((?:\w+, )?\s*"([a-z][a-z-]+)"', text))
    kinds = [one for one in vars(errors).values() if isinstance(one, type)]
    return found | {one.code for one in kinds if issubclass(one, errors.DefiniteError)}


@pytest.mark.covers("D5")
@pytest.mark.parametrize("language", ["de", "en"])
def test_every_cause_of_the_engine_has_a_sentence(language: Language) -> None:
    assert len(codes()) > 20
    assert [one for one in sorted(codes()) if causes.sentence(one, language) == one] == []
