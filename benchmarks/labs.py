"""Labs going up, and a click: on docker, in network namespaces, in simulation."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.table import Figure, Row, timed
from emulator.hosted import HostedMaker
from scenarios.blueprint import POWER_ON, Ground, blueprint
from scenarios.hosting import host, lab_registry
from scenarios.loading import find, load
from scenarios.making import Workshop
from scenarios.models.lab import LabPlan
from scenarios.models.scenario import Scenario
from scenarios.narration import Lines
from scenarios.places import NewPlaces
from scenarios.runner import Outcome

ROUNDS = 3
HOSTS = 3  # of the references


def quiet() -> Lines:
    """Return a narrator that says nothing."""
    return Lines(lambda _line: None, time.monotonic)


def failover() -> Scenario:
    """Return the library's failover."""
    return load(find("failover"))


def lab_up(backend: str) -> Figure:
    """Time labs going up until SSH and pages answer on both appliances."""
    hosting = host(backend, lambda _line, _done: None)
    registry = lab_registry()
    plan: LabPlan = failover().lab
    samples = []
    for number in range(ROUNDS + 1):
        subnet = str(registry.free_subnet(hosting))
        ground = Ground(f"bench-{os.getpid()}-{number}", subnet, 1, POWER_ON)
        spec = blueprint(ground, plan, os.urandom).spec
        with tempfile.TemporaryDirectory() as folder:
            started_s = time.monotonic()
            lab = HostedMaker(hosting, registry).make(spec, Path(folder))
            samples.append(time.monotonic() - started_s)
            lab.down()
    return Figure(f"{backend} lab up, SSH answering", tuple(samples[1:]))


def containers() -> Figure:
    """Time three plain containers of the same image, started side by side."""
    import docker  # noqa: PLC0415 - only where an engine answers

    from emulator.image import ensure  # noqa: PLC0415 - imports the engine's client

    client = docker.from_env()
    image = ensure(lambda _line, _done: None)
    samples = []
    for _ in range(ROUNDS + 1):
        started_s = time.monotonic()
        with ThreadPoolExecutor(HOSTS) as pool:
            made = list(pool.map(lambda _: _sleeper(client, image), range(HOSTS)))
        samples.append(time.monotonic() - started_s)
        for one in made:
            one.remove(force=True)
    return Figure("three docker run -d side by side", tuple(samples[1:]))


def _sleeper(client: object, image: str) -> object:
    return client.containers.run(  # type: ignore[attr-defined]  # the SDK ships no types
        image, ["sleep", "60"], detach=True, labels={"standby-lab.lab": "bench"}
    )


def namespaces() -> Figure:
    """Time three namespaces with a veth each, as `ip` makes them."""
    names = [f"bench{os.getpid()}x{number}" for number in range(HOSTS)]

    @contextmanager
    def three() -> Iterator[None]:
        up = [f"netns add {one}\nlink add {one} type veth peer name p netns {one}" for one in names]
        _ip("\n".join(up))
        try:
            yield
        finally:
            _ip("\n".join(f"link del {one}\nnetns del {one}" for one in names))

    samples = []
    for _ in range(ROUNDS):
        started_s = time.monotonic()
        with three():
            samples.append(time.monotonic() - started_s)
    return Figure("three namespaces with a veth by ip", tuple(samples))


def _ip(batch: str) -> None:
    subprocess.run(["ip", "-batch", "-"], input=batch.encode(), check=True)


def drilled(backend: str, rounds: int) -> tuple[Figure, list[Outcome]]:
    """Time whole drills, from making the lab to the verdict."""
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder:

        def drill() -> None:
            workshop = Workshop(Path(folder), quiet(), NewPlaces(quiet()))
            outcomes.append(workshop.run(failover(), backend, seed=1))
            if outcomes[-1].verdict.value != "passed":
                raise RuntimeError(f"failover on {backend}: {outcomes[-1].verdict.value}")

        figure = timed(f"{backend} failover, whole drill", drill, rounds)
    return figure, outcomes[1:]


def click(backend: str, outcomes: list[Outcome]) -> Figure:
    """Read from drills how long after the click the first ARP reply of the new holder came."""
    samples = []
    for outcome in outcomes:
        record = outcome.record
        clicked_s = max(
            event.wall_s
            for event in record.select("runner", "step")
            if event.cause.startswith("switch over")
        )
        mac = record.station("pbx2").mac
        watch = record.observed
        if watch is None:
            raise RuntimeError("the observer saw nothing")
        samples.append(next(at_s for at_s, holder in watch.answers if holder == mac) - clicked_s)
    return Figure(f"{backend}: click to first ARP reply", tuple(samples))


def command(name: str, argv: list[str], environment: Callable[[], dict[str, str]]) -> Figure:
    """Time a whole process."""
    return timed(
        name,
        lambda: subprocess.run(argv, check=True, capture_output=True, env=environment()),
        ROUNDS,
    )


def rows(backends: tuple[str, ...]) -> Iterator[Row]:
    """Measure everything that this machine allows."""
    if "docker" in backends:
        yield Row(lab_up("docker"), containers(), limit_ratio=2)
    if "netns" in backends:
        yield Row(lab_up("netns"), namespaces(), limit=1.5)
    python = command("python -c pass", ["python3", "-c", "pass"], lambda: dict(os.environ))
    drill, _ = drilled("sim", ROUNDS)
    yield Row(drill, python, limit=0.2)
    for backend in ("netns", "docker"):
        if backend in backends:
            whole, outcomes = drilled(backend, ROUNDS)
            silence = Figure("least time for a last probe", tuple(0.25 for _ in range(ROUNDS)))
            yield Row(click(backend, outcomes), silence, limit=1)
            yield Row(whole, python, limit=20)
