"""The drill report: fourteen sections, two languages, nothing that a hostile name could do."""

from __future__ import annotations

import re
import shutil
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from drills import of_library, order
from histories import MAC1, MAC2, PBX1, START, failover_record, followed
from test_evidence import folder  # noqa: F401 - the fixture

from scenarios.checkers import CHECKERS, judge
from scenarios.evidence import NotARun, RunFolder, load
from scenarios.models.faults import FaultStep
from scenarios.models.lab import Objectives
from scenarios.models.scenario import Deed, Tolerance, tags
from scenarios.narration import Silence
from scenarios.record import Record, Times, Watch
from scenarios.reporting import english, german
from scenarios.reporting.cover import BadCover, Cover, read_cover
from scenarios.reporting.faults import fault_spans
from scenarios.reporting.findings import Grade, findings, grade, graded
from scenarios.reporting.metrics import Metrics, measured
from scenarios.reporting.owners import conflict_s
from scenarios.reporting.page import SECTIONS, Reported, render
from scenarios.reporting.previous import previous_run
from scenarios.reporting.timeline import timeline
from scenarios.reporting.wording import WORDINGS
from scenarios.reporting.writing import Request, write_reports
from scenarios.runner import judged, run
from scenarios.verdict import Verdict, worst

HEADINGS = {
    "de": "Deckblatt|Übungsart|Anlass, Übungsziele, Geltungsbereich|Beteiligte|Prüfgegenstand|"
    "Szenario und Annahmen|Ablaufprotokoll|Kenngrößen|Zielerreichung|Feststellungen, Empfehlungen|"
    "Korrekturmaßnahmen|Vergleich zum Vorlauf|Nachweise|Freigabe",
    "en": "Cover|Type|Trigger, objectives, scope|Participants|Test object|Scenario and assumptions|"
    "Log|Metrics|Verdict|Findings, recommendations|Corrective actions|"
    "Comparison with the previous drill|Evidence|Sign-off",
}
HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"
PLAIN = {"area", "br", "meta", "rect", "path", "circle"}


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that what was opened is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.headings: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in PLAIN:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in PLAIN:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self._open and self._open[-1] == "h2":
            self.headings.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def report(record: Record, language: str = "en", **changes: Any) -> str:
    given = Reported(
        record=record,
        judgements=judge(record),
        folder=Path("runs/failover/one-sim"),
        files={"events.jsonl": "ab" * 32},
        seal="cd" * 32,
        previous=None,
        cover=Cover(),
    )
    return render(replace(given, **changes), language)


def with_scenario(record: Record, **changes: Any) -> Record:
    """A record whose scenario reads otherwise; what the language does not know yet included."""
    plan = record.plan
    return replace(
        record,
        plan=plan.model_copy(update={"scenario": plan.scenario.model_copy(update=changes)}),
    )


@pytest.mark.parametrize("language", ["de", "en"])
def test_a_report_has_the_fourteen_sections_by_their_names(language: str) -> None:
    page = Page(report(failover_record(), language))

    numbered = [f"{n}. {name}" for n, name in enumerate(HEADINGS[language].split("|"), 1)]
    assert page.headings == numbered
    assert len(SECTIONS) == 14


@pytest.mark.parametrize("language", ["de", "en"])
def test_a_report_needs_nothing_besides_itself(language: str) -> None:
    page = Page(report(failover_record(), language))

    assert not {"script", "link", "img", "iframe", "object", "form"} & set(page.tags)
    assert all(value.startswith("#") for name, value in page.attributes if name in {"href", "src"})
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert not re.search(r"@import|url\((?!#)", report(failover_record(), language))


def test_a_report_never_claims_conformity() -> None:
    for language in ("de", "en"):
        text = Page(report(failover_record(), language)).text.lower()
        assert not re.search(r"konform|compliant|complies|zertifi|certifi", text)
    assert "Orientiert an BSI-Standard 200-4, ISO 22301" in report(failover_record(), "de")


def test_hostile_names_stay_text() -> None:
    record = with_scenario(failover_record(), title=HOSTILE)
    noted = replace(record.events[3], event=HOSTILE, source="engine", cause=HOSTILE, node=HOSTILE)
    record = replace(record, events=(*record.events[:3], noted, *record.events[4:]))

    html = report(record, cover=Cover(lead=HOSTILE))

    page = Page(html)
    assert "script" not in page.tags
    assert HOSTILE in page.text
    assert "{{7*7}}" in html.replace("&#39;", "'"), "a value is no template"


def test_both_languages_say_the_same_things_with_the_same_values() -> None:
    for name in ("TEXTS", "STEPS", "FAULTS", "PHASES", "EVENTS", "INVARIANTS"):
        one, other = getattr(german, name), getattr(english, name)
        assert one.keys() == other.keys(), name
        for key in one:
            fields = [
                {field for _, field, _, _ in string.Formatter().parse(words[key]) if field}
                for words in (one, other)
            ]
            assert fields[0] == fields[1], key


def test_every_invariant_has_a_sentence() -> None:
    assert set(CHECKERS) <= set(german.INVARIANTS)


def test_every_verb_of_the_language_has_words() -> None:
    assert {*tags(Deed), *tags(FaultStep)} <= set(german.STEPS)


def test_what_was_tolerated_is_a_finding_with_its_reason() -> None:
    tolerance = Tolerance(invariant="one-holder", because="boxes without an address check")
    record = with_scenario(failover_record(), tolerate=(tolerance,))

    found = findings(record, judge(record), measured(record))

    assert [one.kind for one in found] == ["tolerated"]
    assert "boxes without an address check" in Page(report(record)).text
    assert grade(Verdict.PASSED, found) is Grade.WITH_FINDINGS


def test_objectives_of_the_scenario_stand_against_what_was_achieved() -> None:
    wanted = Objectives(rto=timedelta(seconds=5), rpo=timedelta(days=1))
    record = with_scenario(failover_record(), objectives=wanted)

    assert measured(record).missed == ("rto",)
    assert "The agreed objective for recovery (RTO) was missed." in Page(report(record)).text


def test_a_fault_lasts_until_the_runner_ends_it() -> None:
    sound = failover_record()
    cut = next(one for one in sound.events if one.event == "fault")
    named = replace(cut, cause="frozen", detail={**cut.detail, "name": "ice"})
    ended = replace(sound.events[-1], number=999, event="fault.ended", source="runner")
    ended = replace(ended, wall_s=44.0, detail={"name": "ice"})
    events = (*(named if one is cut else one for one in sound.events), ended)

    (span,) = fault_spans(replace(sound, events=events))

    assert (span.name, span.node, span.since_s, span.until_s) == ("frozen", "pbx1", 40.0, 44.0)


def test_the_figures_of_a_failover_come_from_the_wire_and_the_logs() -> None:
    figures = measured(failover_record())

    assert figures.recovery is not None
    assert figures.recovery.total_s == pytest.approx(50.3 - 40, abs=0.06)
    assert figures.takeover is not None
    assert figures.takeover.real_s == pytest.approx(0.4)
    assert figures.lost == ("doomed",)
    assert (figures.clients_back, figures.clients) == (1, 1)
    assert figures.conflict_s == 0
    names = [phase.name for phase in figures.phases]
    assert names[0] == "died"
    assert names[-4:] == ["claimed", "announced", "first-back", "last-back"]


def test_served_time_counts_as_time_that_a_customer_would_have_waited() -> None:
    sound = failover_record()
    click = next(one for one in sound.events if one.event == "switchover.asked")
    still = tuple(replace(one, served=START) for one in sound.events)
    late = tuple(
        replace(one, served=START + timedelta(minutes=10 * (one.number >= click.number - 2)))
        for one in sound.events
    )
    sound = replace(sound, events=still)

    before, after = measured(sound).recovery, measured(replace(sound, events=late)).recovery

    assert before is not None
    assert after is not None
    assert after.total_s - before.total_s == pytest.approx(600)
    assert after.real_s == before.real_s


def test_a_client_that_never_came_back_leaves_the_rta_open() -> None:
    sound = failover_record()
    gone = {"phone2": Watch(PBX1, 10, ((39.0, MAC1),))}

    figures = measured(replace(sound, pings={**sound.pings, **gone}))

    assert figures.recovery is None
    assert (figures.clients_back, figures.clients) == (1, 2)


@pytest.mark.parametrize(
    ("answers", "seconds"),
    [
        (((1.0, MAC1), (2.0, MAC1), (3.0, MAC2), (4.0, MAC2)), 0.0),
        (((1.0, MAC1), (1.01, MAC2), (1.02, MAC1), (1.03, MAC2)), 0.02),
        (((1.0, MAC1), (3.0, MAC2), (30.0, MAC1)), 0.0),
    ],
    ids=["takeover", "conflict", "takeover and rollback"],
)
def test_a_conflict_is_an_owner_that_changes_back_at_once(
    answers: tuple[tuple[float, str], ...], seconds: float
) -> None:
    assert conflict_s(answers) == pytest.approx(seconds)


def figures_with(**changes: Any) -> Metrics:
    return replace(measured(failover_record()), **changes)


def test_a_missed_objective_is_a_finding_and_the_drill_is_not_met() -> None:
    record, judgements = failover_record(), judge(failover_record())

    missed = findings(record, judgements, figures_with(rto_s=1.0, rpo_s=3600.0))
    kept = findings(record, judgements, figures_with(rto_s=60.0))

    assert [one.kind for one in missed] == ["rto"]
    assert grade(Verdict.PASSED, missed) is Grade.NOT_MET
    assert kept == []
    assert grade(Verdict.PASSED, kept) is Grade.MET


def test_what_failed_or_cannot_be_told_is_a_finding() -> None:
    record = replace(failover_record(), sealed=None)

    found = findings(record, judge(record), measured(record))

    assert ("inconclusive", "evidence-intact") in [(one.kind, one.subject) for one in found]
    assert graded(record, judge(record)) is Grade.INCONCLUSIVE
    assert "inconclusive" in Page(report(record)).text


def test_each_expectation_has_its_verdict_and_what_was_found_beside_it() -> None:
    page = report(failover_record())

    row = next(line for line in page.splitlines() if "mailed: {every user of: pbx2}" in line)
    assert "1 users of pbx2: 1 Message-ID each" in row
    assert ">met<" in row


def test_a_fault_of_the_lan_has_a_lane_of_its_own() -> None:
    bar = {"name": "parted-1", "node": "lan", "off": ["pbx1"]}
    parted = followed(
        failover_record(),
        (41.0, "runner/runner", "fault", "parted", bar),
        (45.0, "runner/runner", "fault.ended", "parted", bar),
    )

    lanes = {lane.name: lane for lane in timeline(parted).lanes}

    assert [bar.kind for bar in lanes["lan"].bars] == ["fault"]
    assert "lan" not in {lane.name for lane in timeline(failover_record()).lanes}


def test_the_timeline_has_a_lane_for_each_node_and_shows_who_owned_the_address() -> None:
    seen = failover_record().pings["phone1"]
    record = replace(failover_record(), observed=seen)

    drawn = {lane.name: lane for lane in timeline(record).lanes}

    assert list(drawn) == ["steps", "pbx1", "pbx2", "address", "phone1"]
    assert [bar.label for bar in drawn["address"].bars][-1] == "pbx2"
    assert [bar.label for bar in drawn["phone1"].bars] == ["pbx1", "pbx2"]
    (fault,) = [bar for bar in drawn["pbx1"].bars if bar.kind == "fault"]
    assert fault.label == "power-off"
    assert not [bar for bar in drawn["pbx2"].bars if bar.kind == "fault"]


def test_a_run_has_a_report_in_both_languages_that_can_be_made_again(tmp_path: Path) -> None:
    run(order(of_library("failover"), tmp_path / "one-sim"), Silence())
    pages = {name: (tmp_path / "one-sim" / name).read_bytes() for name in REPORT_FILES}

    again = judged(tmp_path / "one-sim", Silence())

    assert again.verdict is Verdict.PASSED, "reports are no part of what is sealed"
    for name, page in pages.items():
        assert (tmp_path / "one-sim" / name).read_bytes() == page


REPORT_FILES = ("report.html", "report.en.html")


def test_a_report_compares_with_the_run_before_in_the_same_kind_of_lab(
    folder: RunFolder,  # noqa: F811 - the fixture
) -> None:
    home = folder.path.parent
    judged(folder.path, Silence())
    for name in ("2026-01-01-sim", "2026-01-02-netns", "2026-01-03-sim"):
        shutil.copytree(folder.path, home / name)

    assert previous_run(home / "2026-01-01-sim") is None
    assert previous_run(home / "2026-01-03-sim") == home / "2026-01-01-sim"
    record = load(home / "2026-01-03-sim")
    write_reports(home / "2026-01-03-sim", record, judge(record), Request(languages=("en",)))
    page = Page((home / "2026-01-03-sim" / "report.en.html").read_text())
    assert "Compared with 2026-01-01-sim" in page.text
    assert "No verdict has changed" in page.text


def test_a_previous_run_that_is_none_is_said(folder: RunFolder, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    record = load(folder.path)

    with pytest.raises(NotARun):
        write_reports(folder.path, record, judge(record), Request(previous=tmp_path / "no"))


def test_a_report_says_when_the_evidence_was_changed(folder: RunFolder) -> None:  # noqa: F811 - the fixture
    path = folder.path / "wire.pcap"
    path.write_bytes(path.read_bytes() + b"\0")

    judged(folder.path, Silence())

    text = Page((folder.path / "report.en.html").read_text()).text
    assert "these files did not match the seal: wire.pcap" in text


def test_the_cover_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "cover.yaml"
    path.write_text("classification: internal\nrecovery plan: WAP-7\nnext date: 2027-01\n")

    assert read_cover(path) == Cover.model_validate(
        {"classification": "internal", "recovery plan": "WAP-7", "next date": "2027-01"}
    )
    path.write_text("colour: red\n")
    with pytest.raises(BadCover, match="colour"):
        read_cover(path)


def test_numbers_and_dates_are_written_as_the_language_does() -> None:
    moment = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)

    assert WORDINGS["de"].seconds(5.514) == "5,51 s"
    assert WORDINGS["en"].seconds(5.514) == "5.51 s"
    assert WORDINGS["de"].seconds(605.4) == "10 min 5 s"
    assert WORDINGS["en"].seconds(86400 * 2) == "2 d"
    assert WORDINGS["de"].moment(moment) == "22.11.2026 14:05:00 UTC"
    assert WORDINGS["en"].moment(moment) == "2026-11-22 14:05:00 UTC"


def test_a_run_took_as_long_as_its_times_say() -> None:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    record = replace(failover_record(), times=Times(began, began + timedelta(seconds=90)))

    assert record.times is not None
    assert record.times.took_s == 90
    assert "2026-01-01 00:00:00 UTC to 2026-01-01 00:01:30 UTC" in report(record)
    assert worst([Verdict.PASSED]) is Verdict.PASSED
