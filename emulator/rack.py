"""Nodes that are kept from lab to lab: cleared, and booted anew."""

from __future__ import annotations

from pathlib import Path

from emulator.backends import LabBackend
from emulator.hosted import HostedLab
from emulator.lab import LabError, LabSpec
from emulator.registry import Registry


class Rack:
    """Makes labs on nodes of its own, one after the other (`emulator.lab.LabMaker`).

    A lab that goes down leaves its nodes and its LAN; all programs are killed, and all that they
    had left is taken away. Nodes whose plug was pulled are made anew for the next lab.

    Args:
        backend: who hosts the nodes.
        registry: where they are entered.
        name: of all labs that are made here.
    """

    def __init__(self, backend: LabBackend, registry: Registry, name: str) -> None:
        self.name = name
        self._backend = backend
        self._registry = registry
        self._subnet = ""
        self._kept: HostedLab | None = None

    @property
    def subnet(self) -> str:
        """Return the subnet of all labs that are made here; it is claimed until `clear_out`.

        Raises:
            LabError: none is free.
        """
        if not self._subnet:
            self._subnet = str(self._registry.free_subnet(self._backend))
        return self._subnet

    def make(self, spec: LabSpec, workdir: Path) -> HostedLab:
        """Boot a lab; on failure, or when interrupted, nothing is left behind.

        Raises:
            LabError: it cannot be made here, with the remedy.
        """
        lab = HostedLab(spec, self._backend, self._registry, workdir, leave=self._keep)
        known, self._kept = self._kept, lab
        try:
            if known is not None:
                self._registry.amend(spec)
                lab.boot()
            else:
                lab.build(self._registry.enter(spec, self._backend))
        except BaseException:
            lab.save_logs()
            self.clear_out()
            raise
        return lab

    def clear_out(self) -> None:
        """Remove the nodes and the LAN; harmless when repeated."""
        kept, self._kept, self._subnet = self._kept, None, ""
        if kept is not None:
            kept.remove()

    def _keep(self, lab: HostedLab) -> None:
        try:
            lab.clear()
        except LabError:
            self.clear_out()
