"""Which backend hosts a lab on this computer, and who that is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from emulator.backends import LabBackend
from emulator.backends.rootless import NotRoot, is_root
from emulator.lab import LabError
from emulator.machine import BACKENDS, survey
from emulator.registry import Registry, state_folder

if TYPE_CHECKING:
    from emulator.image import Progress  # the docker SDK behind it is slow to import


def lab_registry() -> Registry:
    """Return the registry of this user's labs."""
    return Registry(state_folder(os.environ))


def choose_backend(wish: str) -> tuple[str, str]:
    """Return a backend that this computer can run, and why it is this one.

    Raises:
        NotRoot: it is netns, and this process is not root of any namespace.
        LabError: it lacks something; the remedy is the command that cures it.
    """
    backend, why = _chosen(wish)
    if backend == "netns" and not is_root():
        raise NotRoot
    return backend, why


def _chosen(wish: str) -> tuple[str, str]:
    if wish == "sim":
        return wish, "as asked for; it needs nothing"
    found = survey()
    if wish == "auto":
        return found.best_backend()
    lacks = found.lacks(wish)
    if lacks:
        raise LabError(
            f"the backend {wish} cannot run here: {lacks[0].name}: {lacks[0].detail}",
            remedy=lacks[0].remedy,
        )
    return wish, "as asked for"


def host(backend: str, progress: Progress) -> LabBackend:
    """Return who hosts new nodes; for docker, with an image that is up to date.

    Raises:
        LabError: no engine answers, or the image cannot be built.
    """
    if backend == "docker":
        from emulator.image import ensure  # noqa: PLC0415 - the docker SDK is slow to import

        return _docker(ensure(progress))
    return known_host(backend)


def known_host(backend: str) -> LabBackend:
    """Return who hosts nodes that are there already.

    Raises:
        LabError: no engine answers.
    """
    if backend == "docker":
        return _docker("")
    from emulator.backends.netns import NetnsBackend  # noqa: PLC0415 - imported when it is used

    return NetnsBackend(lab_registry().labs_folder)


def usable_backends() -> list[str]:
    """Return the backends that this computer can run."""
    found = survey()
    return [name for name in BACKENDS if not found.lacks(name)]


def backends_here(names: Sequence[str]) -> list[LabBackend]:
    """Return the hosts among some backends' names."""
    return [known_host(name) for name in names if name != "sim"]


def _docker(tag: str) -> LabBackend:
    from emulator.backends.docker import DockerBackend  # noqa: PLC0415 - the SDK is slow to import

    return DockerBackend.connect_engine(tag, lab_registry().labs_folder)
