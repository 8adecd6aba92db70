"""A pytest plugin: scenario files are tests, and tests in Python get a lab.

`pytest scenarios/library` runs the library, `pytest my/drill.scenario.yaml` a file of one's own.
The fixture `lab` is a pair that was set up; `@pytest.mark.lab(users=3)` says what it looks like.
Each xdist worker makes labs of its own, with names and subnets of their own.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from emulator.lab import Lab
    from scenarios.runner import Outcome

_BACKENDS = ("auto", "docker", "netns", "sim")
_SUFFIX = ".scenario.yaml"
_LIBRARY = Path(__file__).parent / "library"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the options of labs."""
    group = parser.getgroup("standby-lab", "labs and scenarios")
    group.addoption(
        "--lab-backend",
        choices=_BACKENDS,
        default="sim",
        help="where labs are made (default: sim)",
    )
    group.addoption(
        "--lab-runs",
        type=Path,
        default=Path("runs"),
        metavar="DIR",
        help="where the evidence of scenarios that did not pass is kept (default: runs)",
    )
    group.addoption("--lab-seed", type=int, default=1, metavar="N", help="(default: 1)")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker."""
    config.addinivalue_line(
        "markers",
        "lab(users=10, phones=1, fresh=False): what the fixture `lab` looks like; fresh: never one "
        "that another test has seen",
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect `*.scenario.yaml`, and the library's own files."""
    own = file_path.name.endswith(_SUFFIX)
    library = file_path.suffix == ".yaml" and file_path.is_relative_to(_LIBRARY)
    if own or library:
        return ScenarioFile.from_parent(parent, path=file_path)
    return None


class ScenarioFile(pytest.File):
    """A file with one scenario."""

    def collect(self) -> Iterable[pytest.Item]:
        """Yield the scenario, named with its parameters.

        Raises:
            pytest.Collector.CollectError: it is no scenario; with line, cause and remedy.
        """
        from scenarios.loading import ScenarioError, load  # noqa: PLC0415 - slow, seldom needed

        try:
            scenario = load(self.path)
        except ScenarioError as error:
            raise self.CollectError(f"{error.message}; {error.remedy}") from error
        backend, seed = self.config.getoption("lab_backend"), self.config.getoption("lab_seed")
        name = f"{scenario.id}[backend={backend},seed={seed}]"
        yield ScenarioItem.from_parent(self, name=name, scenario=scenario)


class NotPassed(Exception):  # noqa: N818 - a verdict, not a mishap
    """A scenario was judged, and did not pass."""


class ScenarioItem(pytest.Item):
    """A scenario as a test."""

    def __init__(self, *, scenario: Any, **others: Any) -> None:
        super().__init__(**others)
        self.scenario = scenario
        for number in scenario.covers:
            self.extra_keyword_matches.add(number)
        if self.path.is_relative_to(_LIBRARY):
            self.extra_keyword_matches.add(self.path.parent.name)

    def runtest(self) -> None:
        """Run and judge; the evidence stays if it did not pass.

        Raises:
            NotPassed: with the evidence of each verdict.
        """
        from scenarios.hosting import choose_backend  # noqa: PLC0415 - slow, seldom needed
        from scenarios.making import Workshop  # noqa: PLC0415 - same
        from scenarios.narration import Silence  # noqa: PLC0415 - same
        from scenarios.places import NewPlaces  # noqa: PLC0415 - same

        backend, _ = choose_backend(self.config.getoption("lab_backend"))
        runs: Path = self.config.getoption("lab_runs")
        outcome = Workshop(runs, Silence(), NewPlaces(Silence())).run(
            self.scenario, backend, seed=self.config.getoption("lab_seed")
        )
        if outcome.verdict.value != "passed":
            raise NotPassed(_told(outcome))
        _discard(outcome.folder)

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """Show verdicts as they are; a mishap as pytest does."""
        if isinstance(excinfo.value, NotPassed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where it stands."""
        return self.path, 0, self.name


@pytest.fixture
def lab(request: pytest.FixtureRequest, _lab_shelf: Shelf) -> Iterator[Lab]:
    """A pair that was set up: `pbx1` active, `pbx2` standby, no time served.

    In simulation each test has a new one, which takes a tenth of a second. Elsewhere a lab in
    which nothing has happened since is handed to the next test, too: no event was told, both
    boxes answer on the wire as before, and say the same of themselves and of their content.
    """
    marker = request.node.get_closest_marker("lab")
    wanted = {"users": 10, "phones": 1, **(marker.kwargs if marker else {})}
    fresh = bool(wanted.pop("fresh", False))
    made = _lab_shelf.take(wanted["users"], wanted["phones"], fresh=fresh)
    yield made.lab
    _lab_shelf.give_back(made)


@dataclass(frozen=True)
class Look:
    """All that a test could have changed in a lab.

    Attributes:
        events: how many were told.
        states: status and digest of each appliance; "off" of one without power.
        holders: the MACs that answer for each address.
    """

    events: int
    states: tuple[Any, ...]
    holders: tuple[frozenset[str], ...]


def _look(lab: Lab) -> Look:
    from emulator.lab import NodeDown  # noqa: PLC0415 - slow, seldom needed

    def state(name: str) -> Any:
        try:
            node = lab.appliance(name)
            status = dict(node.ctl(["status"]))
            status.pop("health", None)  # uptime and the disk's free space change by themselves
            return status, dict(node.ctl(["content", "digest"]))
        except NodeDown:
            return "off"

    boxes = [one for one in lab.describe() if one.name.startswith("pbx")]
    holders = (lab.observer.who_has(one.address) for one in boxes)
    return Look(
        events=len(lab.events()),
        states=tuple(state(one.name) for one in lab.spec.appliances),
        holders=tuple(frozenset(reply.mac for reply in replies) for replies in holders),
    )


@dataclass
class Made:
    """A lab on the shelf.

    Attributes:
        shape: users and phones.
        looked: how it looked when it was handed out; None where labs are not used again.
    """

    lab: Lab
    shape: tuple[int, int]
    looked: Look | None


@dataclass
class Shelf:
    """Labs that may be used again.

    Attributes:
        backend: where they are made.
        seed: of everything that is generated.
        folder: takes the nodes' logs when a lab goes down.
        numbers: of labs, so that names differ.
        unused: nothing has happened in these since they were made.
    """

    backend: str
    seed: int
    folder: Path
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    unused: list[Made] = field(default_factory=list)

    @property
    def reused(self) -> bool:
        """Whether labs may be used again: a simulated one is made faster than it is looked at."""
        return self.backend != "sim"

    def take(self, users: int, phones: int, *, fresh: bool) -> Made:
        """Return a lab of a shape: one of the shelf, or a new one."""
        shape = (users, phones)
        for one in () if fresh else self.unused:
            if one.shape == shape:
                self.unused.remove(one)
                return one
        from scenarios.making import Workshop  # noqa: PLC0415 - slow, seldom needed
        from scenarios.models.lab import LabPlan  # noqa: PLC0415 - same
        from scenarios.narration import Silence  # noqa: PLC0415 - same
        from scenarios.places import NewPlaces  # noqa: PLC0415 - same

        nightly = {"every": "1 day", "first in": "12 h"}
        plan = LabPlan.model_validate({"users": users, "phones": phones, "schedule": nightly})
        name = f"pytest-{next(self.numbers)}"
        workshop = Workshop(self.folder, Silence(), NewPlaces(Silence()))
        pair = workshop.pair(name, self.backend, plan, self.seed)
        return Made(pair.lab, shape, _look(pair.lab) if self.reused else None)

    def give_back(self, made: Made) -> None:
        """Keep a lab if nothing has happened in it; else it goes down."""
        if self.reused and _look(made.lab) == made.looked:
            self.unused.append(made)
        else:
            made.lab.down()

    def clear(self) -> None:
        """Take all labs down."""
        while self.unused:
            self.unused.pop().lab.down()


@pytest.fixture(scope="session")
def _lab_shelf(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shelf]:
    from scenarios.hosting import choose_backend  # noqa: PLC0415 - slow, seldom needed

    backend, _ = choose_backend(pytestconfig.getoption("lab_backend"))
    shelf = Shelf(backend, pytestconfig.getoption("lab_seed"), tmp_path_factory.mktemp("labs"))
    yield shelf
    shelf.clear()


def _told(outcome: Outcome) -> str:
    lines = [f"{outcome.verdict.value}: {outcome.record.plan.scenario.title}"]
    lines += [
        f"  {one.verdict.value}: {name}: {line}"
        for name, one in outcome.judgements.items()
        if one.verdict.value in {"failed", "inconclusive"}
        for line in one.evidence
    ]
    plan = outcome.record.plan
    again = f"standby-lab run {plan.scenario.id} --backend {plan.backend} --seed {plan.seed}"
    return "\n".join([*lines, f"evidence: {outcome.folder}", f"again: {again}"])


def _discard(folder: Path) -> None:
    """Remove the evidence of a run that passed, and `latest` where that named it."""
    latest = folder.parent / "latest"
    if latest.is_symlink() and latest.resolve() == folder.resolve():
        latest.unlink()
    shutil.rmtree(folder)
    for parent in (folder.parent, folder.parent.parent):
        if not any(parent.iterdir()):
            parent.rmdir()
