"""Runs several scenarios: one after the other here, or side by side in processes of their own.

Each worker is a fresh interpreter: labs side by side share nothing, and a simulated lab can be
given another build of the module, which this process could not load beside its own.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType

from emulator.lab import Lab
from scenarios.choosing import Choice
from scenarios.engine_build import StagedEngine
from scenarios.making import Workshop
from scenarios.narration import Narrator, Say
from scenarios.places import KeptPlaces, NewPlaces
from scenarios.runner import Outcome

Explain = Callable[[Exception], tuple[str, int]]
BROKEN = 4
_END_LIMIT_S = 120.0  # for a worker to remove its lab
# As measured: a lab of real nodes waits two thirds of its time, a simulated one never does.
_LABS_PER_CORE = {"docker": 3, "netns": 3, "sim": 1}


@dataclass(frozen=True)
class Terms:
    """How every scenario of a batch is run.

    Attributes:
        runs: where evidence goes.
        backend: where labs are made.
        seed: of everything that is generated.
        real_time: whether no time is served.
        engine: another build of the module.
        linger: called with each lab before it is removed; only where labs are made here.
        explain: turns trouble into a line and an exit code.
    """

    runs: Path
    backend: str
    seed: int
    real_time: bool
    engine: StagedEngine | None
    linger: Callable[[Lab], None]
    explain: Explain


@dataclass(frozen=True)
class Result:
    """What became of a scenario: an outcome, or the trouble that prevented one.

    Attributes:
        choice: the scenario.
        outcome: None where the lab broke.
        trouble: the line that says why, "" with an outcome.
        code: the exit code of the trouble.
    """

    choice: Choice
    outcome: Outcome | None
    trouble: str = ""
    code: int = 0

    @property
    def verdict(self) -> str:
        """The outcome's verdict, or `broken`."""
        return "broken" if self.outcome is None else self.outcome.verdict.value


def sensible_count(backend: str, scenarios: int) -> int:
    """Return how many labs side by side this computer's cores are good for."""
    cores = len(os.sched_getaffinity(0))
    return max(1, min(scenarios, cores * _LABS_PER_CORE[backend]))


def one_by_one(choices: Sequence[Choice], terms: Terms, narrator: Narrator) -> Iterator[Result]:
    """Run scenarios in this process; what is told of their steps goes to the narrator."""
    if len(choices) == 1:
        yield _run(choices[0], terms, Workshop(terms.runs, narrator, NewPlaces(narrator)))
        return
    with KeptPlaces(narrator) as places:
        workshop = Workshop(terms.runs, narrator, places)
        for choice in choices:
            yield _run(choice, terms, workshop)


def side_by_side(
    choices: Sequence[Choice], terms: Terms, count: int, told: Callable[[str, str], None]
) -> Generator[Result, None, None]:
    """Run scenarios in so many processes; results come as they are ready.

    Closing the iterator ends the workers in order: each removes its lab first.

    Args:
        choices: what to run, in order of their start.
        terms: how.
        count: how many at a time.
        told: gets (scenario, what happens in it just now).
    """
    waiting = list(choices)
    with _workers(min(count, len(waiting)), terms) as pipes:
        busy: dict[Connection, Choice] = {}
        for pipe in pipes:
            _hand(pipe, waiting, busy)
        while busy:
            for ready in wait(list(busy)):
                assert isinstance(ready, Connection)  # noqa: S101 - only these are waited for
                result = _hear(ready, busy[ready], told)
                if result is None:
                    continue
                del busy[ready]
                _hand(ready, waiting, busy)
                yield result


def _run(choice: Choice, terms: Terms, workshop: Workshop) -> Result:
    try:
        outcome = workshop.run(
            choice.scenario,
            terms.backend,
            seed=terms.seed,
            real_time=terms.real_time,
            engine=terms.engine,
            asked=choice.asked,
            linger=terms.linger,
        )
    except Exception as error:  # noqa: BLE001 - one broken lab must not end the others
        line, code = terms.explain(error)
        return Result(choice, None, line, code)
    return Result(choice, outcome)


def _hand(pipe: Connection, waiting: list[Choice], busy: dict[Connection, Choice]) -> None:
    """Give a worker the next scenario; a worker that has died gets none."""
    if waiting:
        with suppress(OSError):
            pipe.send(waiting[0])
            busy[pipe] = waiting.pop(0)


def _hear(pipe: Connection, choice: Choice, told: Callable[[str, str], None]) -> Result | None:
    """Take what a worker says; None while its scenario goes on."""
    try:
        said = pipe.recv()
    except (EOFError, OSError):
        return Result(choice, None, "the process that ran it ended unforeseen", BROKEN)
    if isinstance(said, Result):
        return said
    told(choice.scenario.id, str(said))
    return None


@contextmanager
def _workers(count: int, terms: Terms) -> Iterator[list[Connection]]:
    context = multiprocessing.get_context("spawn")
    pipes: list[Connection] = []
    processes: list[SpawnProcess] = []
    try:
        for _ in range(count):
            here, there = context.Pipe()
            process = context.Process(target=_work, args=(there, terms), daemon=False)
            process.start()
            there.close()
            pipes.append(here)
            processes.append(process)
        yield pipes
    except BaseException:
        for process in processes:
            process.terminate()  # SIGTERM: the worker removes its lab, then ends
        raise
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join(_END_LIMIT_S)


def _work(pipe: Connection, terms: Terms) -> None:
    """Run what comes, until nothing does or somebody asks for the end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C reaches all; the parent decides
    signal.signal(signal.SIGTERM, _end)
    if terms.engine is not None:
        sys.path.insert(0, str(terms.engine.folder))
    messenger = _Messenger(pipe)
    with suppress(EOFError, OSError, KeyboardInterrupt), KeptPlaces(messenger) as places:
        workshop = Workshop(terms.runs, messenger, places)
        while True:
            pipe.send(_run(pipe.recv(), terms, workshop))


def _end(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


class _Messenger:
    """Tells the parent what happens."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def phase(self, name: str) -> None:
        self._pipe.send(name)

    def note(self, text: str) -> None:
        self._pipe.send(text)

    @contextmanager
    def step(self, text: str) -> Iterator[Say]:
        self._pipe.send(text)
        yield lambda _word: None
