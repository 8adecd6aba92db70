"""Labs that stay up: brought up, found again, taken down."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from emulator.backends.rootless import NotRoot, is_root
from emulator.company import Progress as Filling
from emulator.hosted import HostedLab, HostedMaker
from emulator.image import Progress
from emulator.lab import LabError, WhichLab
from scenarios.blueprint import Ground, before_set_up, blueprint
from scenarios.clock import wall_clock
from scenarios.drill import Access, Pair
from scenarios.hosting import (
    backends_here,
    choose_backend,
    host,
    known_host,
    lab_registry,
    usable_backends,
)
from scenarios.models.lab import LabPlan, Schedule, UserAgents
from scenarios.setup import initialise
from scenarios.units import Interval

_NIGHTLY = Schedule(every=Interval(1, "day"), first_in=timedelta(hours=12))
_ACCESS = "access.json"
_CALLS_EACH = 20  # call records of a user: as a drill needs none, but a person looks at


@dataclass(frozen=True)
class Wish:
    """A lab as somebody asked for it.

    Attributes:
        name: of the lab.
        backend: `auto`, `docker` or `netns`.
        users, phones: how many.
        voicemail_mb: size of all voice messages together.
        subnet: a /24, None for a free one.
        seed: of everything that is generated.
        bare: leave the pair to be set up by hand, from the licences of step 1 on (R17).
    """

    name: str
    backend: str
    users: int
    voicemail_mb: int
    phones: int
    subnet: str | None
    seed: int
    bare: bool


@dataclass(frozen=True)
class Opened:
    """A lab that is up, and what its administrators know."""

    lab: HostedLab
    access: Mapping[str, Access]


@contextmanager
def bring_up(
    wish: Wish, progress: Progress, filling: Filling, say: Callable[[str], None]
) -> Iterator[Opened]:
    """Make a lab that outlives this process, or open the one of that name.

    Args:
        wish: what was asked for.
        progress: told how far the appliance image is.
        filling: told how far the content is, and the backup's way to the standby.
        say: told what is done.

    Raises:
        LabError: it cannot be made here; nothing is left behind.
    """
    registry = lab_registry()
    if wish.name in registry.names():
        say(f"{wish.name} is up already")
        with attached(wish.name) as opened:
            yield opened
        return
    backend, why = choose_backend(wish.backend)
    if backend == "sim":
        raise LabError(
            f"a simulated lab lives only within a run ({why})",
            remedy="choose --backend docker or netns, or use `standby-lab run --backend sim`",
        )
    say(f"backend {backend}: {why}")
    hosting = host(backend, progress)
    subnet = str(registry.free_subnet(hosting, wish.subnet))
    plan = LabPlan(
        users=wish.users,
        voicemail_mb=wish.voicemail_mb,
        calls_each=_CALLS_EACH,
        phones=wish.phones,
        user_agents=UserAgents(),
        schedule=_NIGHTLY,
    )
    drawn = blueprint(Ground(wish.name, subnet, wish.seed, None), plan, os.urandom, filling)
    with tempfile.TemporaryDirectory() as workdir:
        spec = before_set_up(drawn.spec) if wish.bare else drawn.spec
        lab = HostedMaker(hosting, registry, filling).make(spec, Path(workdir))
        try:
            if not wish.bare:
                initialise(Pair(lab, plan, wall_clock(), drawn.access), "pbx2", say, filling)
            _keep_access(registry.labs_folder / wish.name, drawn.access)
            registry.keep(wish.name)
        except BaseException:
            lab.down()
            raise
        try:
            yield Opened(lab, drawn.access)
        finally:
            lab.keep()


@contextmanager
def attached(name: str | None) -> Iterator[Opened]:
    """Open a lab that is up; without a name the only one.

    Raises:
        LabError: there is no such lab, or several and none was named.
    """
    registry = lab_registry()
    chosen = name or only_lab()
    backend = registry.lab(chosen).backend
    if backend == "netns" and not is_root():
        raise NotRoot(chosen)
    hosting = known_host(backend)
    with tempfile.TemporaryDirectory() as workdir:
        lab = HostedMaker(hosting, registry).attach(chosen, Path(workdir))
        try:
            yield Opened(lab, _kept_access(registry.labs_folder / chosen))
        finally:
            lab.keep()


def only_lab() -> str:
    """Return the name of the only lab that is up.

    Raises:
        LabError: there is none.
        WhichLab: there are several.
    """
    registry = lab_registry()
    names = [name for name in registry.names() if registry.outline(name).owner is None]
    if len(names) == 1:
        return names[0]
    if not names:
        raise LabError("no lab is up", remedy="bring one up: standby-lab up")
    raise WhichLab(
        f"several labs are up: {', '.join(names)}",
        remedy=f"name the one you mean: standby-lab inspect {names[0]}, "
        f"standby-lab arp --lab {names[0]}",
    )


def take_down(name: str) -> None:
    """Remove a lab, also a broken one.

    Raises:
        LabError: there is no such lab.
    """
    registry = lab_registry()
    backend = registry.outline(name).backend
    for hosting in backends_here(usable_backends() if backend is None else [backend]):
        hosting.destroy(name)
    registry.leave(name)


def _keep_access(folder: Path, access: Mapping[str, Access]) -> None:
    """Note what the administrators know beside the lab, for its owner alone."""
    path = folder / _ACCESS
    path.touch(0o600)
    path.write_text(json.dumps({name: asdict(one) for name, one in access.items()}))


def _kept_access(folder: Path) -> dict[str, Access]:
    rows = json.loads((folder / _ACCESS).read_text())
    return {
        name: Access(**{**row, "licence_keys": tuple(row["licence_keys"])})
        for name, row in rows.items()
    }
