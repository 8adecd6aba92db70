"""Epochs, and taking over the active's address in one commit (D10, D14, R51)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from emulator.appliance.addressing import Addressing
from emulator.appliance.identity import Identity
from emulator.appliance.records import Facts, NetworkSettings, Takeover
from emulator.appliance.refusal import Refusal
from emulator.appliance.reports import report
from emulator.ports import Machine


class Takeovers:
    """Changes who this box is on the network."""

    def __init__(self, machine: Machine, identity: Identity, addressing: Addressing) -> None:
        self._machine = machine
        self._identity = identity
        self._addressing = addressing

    def open_epoch(self, operation: str, epoch: int) -> Mapping[str, Any]:
        """Make this box the holder of a new epoch; idempotent by operation (D14).

        Raises:
            Refusal: `epoch`, `licence`.
        """
        before = self._identity.facts()
        facts = self._identity.change(lambda facts: _open(facts, operation, epoch))
        if facts != before:
            report(self._machine, "epoch.opened", operation=operation, epoch=epoch)
        return asdict(facts.lineage)

    def commit(self, operation: str, epoch: int, network: NetworkSettings) -> Mapping[str, Any]:
        """Open an epoch and adopt an address at once; idempotent by operation.

        Raises:
            Refusal: `epoch`, `licence`.
        """
        before = self._identity.facts()
        facts = self._identity.change(
            lambda facts: _take_over(facts, operation, epoch, network), self._addressing.hold
        )
        if facts != before:
            report(
                self._machine,
                "takeover.committed",
                operation=operation,
                epoch=epoch,
                address=network.address,
                mac=facts.mac,
            )
        return _answer(facts)

    def settle(self, operation: str) -> Mapping[str, Any]:
        """Give up the address from before the takeover; idempotent.

        Raises:
            Refusal: `no-such-operation`.
        """
        before = self._identity.facts()
        facts = self._identity.change(
            lambda facts: _settle(facts, operation), self._addressing.hold
        )
        if facts != before:
            given_up = before.network_given_up
            report(
                self._machine,
                "takeover.settled",
                operation=operation,
                given_up="" if given_up is None else given_up.address,
            )
        return _answer(facts)

    def set_network(self, network: NetworkSettings) -> None:
        """Readdress this box (R57 b, e)."""
        facts = self._identity.change(
            lambda facts: replace(facts, network=network, network_given_up=None),
            self._addressing.hold,
        )
        self._addressing.announce()
        report(self._machine, "network.set", address=network.address, mac=facts.mac)


def _open(facts: Facts, operation: str, epoch: int) -> Facts:
    epochs = dict(facts.epochs or {})
    if epochs.get(operation) == epoch:
        return facts
    if epoch <= facts.lineage.epoch:
        raise Refusal(
            "epoch",
            f"epoch {epoch} is not beyond {facts.lineage.epoch}, in which this appliance is (D14)",
            "read its status and ask again with a higher one",
        )
    if not facts.server_key:
        raise Refusal(
            "licence",
            f"no server licence is installed on {facts.name}, so it can hold no epoch (R12)",
            "install its redundancy server licence: licences install",
        )
    lineage = replace(facts.lineage, epoch=epoch, holder=facts.server_key)
    return replace(facts, lineage=lineage, epochs={**epochs, operation: epoch})


def _take_over(facts: Facts, operation: str, epoch: int, network: NetworkSettings) -> Facts:
    if facts.takeover is not None and facts.takeover.operation == operation:
        return facts
    return replace(
        _open(facts, operation, epoch),
        network=network,
        network_given_up=facts.network,
        takeover=Takeover(operation, epoch, settled=False),
    )


def _settle(facts: Facts, operation: str) -> Facts:
    if facts.takeover is None or facts.takeover.operation != operation:
        raise Refusal(
            "no-such-operation", f"no takeover {operation[:60]} was committed here", "see status"
        )
    settled = replace(facts.takeover, settled=True)
    return replace(facts, takeover=settled, network_given_up=None)


def _answer(facts: Facts) -> Mapping[str, Any]:
    return {} if facts.takeover is None else asdict(facts.takeover)
