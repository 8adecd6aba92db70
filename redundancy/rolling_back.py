"""Carries out what the machine of a rollback asks for, one step at a time (R57)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from redundancy import machine, preconditions, role, rollback, rollback_steps
from redundancy.client import Appliance
from redundancy.configuration import ModuleConfiguration
from redundancy.console import StepDecision
from redundancy.contract import NetworkSettings, Status
from redundancy.desk import Desk
from redundancy.errors import RedundancyError, Refused
from redundancy.journal import Journal, row
from redundancy.ports import Services
from redundancy.rollback import State
from redundancy.rollback_steps import Order
from redundancy.rollback_view import RECORD, Standing, look, standby_address
from redundancy.situation import Situation
from redundancy.switching import ANNOUNCE_INTERVAL_S
from redundancy.switchover import ANNOUNCEMENTS
from redundancy.watch import CloseWatch

LEAVE_S = 0.5  # for the answer to reach the person before the address goes
LISTENS: frozenset[Order] = frozenset({"readdress", "import", "identity", "abandon"})


def named(step: str) -> Order:
    """Return a step that a person named.

    Raises:
        Refused: `usage`.
    """
    names: tuple[Order, ...] = (*rollback_steps.ORDER, "abandon")
    for name in names:
        if name == step:
            return name
    raise Refused("usage", f"there is no step {step[:40]!r}", remedy=f"one of {', '.join(names)}")


@dataclass
class RollingBack:
    """One step of a rollback, from a person's order to its end.

    Attributes:
        services, journal, configuration, desk: as for a run.
        watch: proves the silence.
        answer: called once with the decision, as soon as there is one.
        state: of the machine.
    """

    services: Services
    journal: Journal
    configuration: ModuleConfiguration
    desk: Desk
    watch: CloseWatch
    answer: Callable[[StepDecision], None]
    state: State = field(default_factory=State)

    def __post_init__(self) -> None:
        """Name who carries out which step; the others are a person's, and only looked at."""
        self._acts: Mapping[Order, Callable[[], Mapping[str, Any]]] = {
            "backup": self._back_up,
            "readdress": self._readdress,
            "identity": self._take_part_again,
            "abandon": self._serve_again,
        }

    def order(self, step: Order, by: str) -> State:
        """Carry out a step.

        Raises:
            Refused: `nothing-to-roll-back`.
        """
        standing = self._look()
        if standing.part is None:
            raise Refused(
                "nothing-to-roll-back",
                "this appliance took nothing over, and knows of no rollback",
                remedy="begin on the acting active; on the original, restore its backup first",
            )
        self.state = replace(standing.state, asked=step)
        if not self.state.operation and step == "backup":
            self._begin()
        self._drive(self._observed(lambda: rollback.Asked(step, by, self._facts(step))))
        return self.state

    def close_after_run(self) -> None:
        """Finish the rollback when a run has brought the standby up to date again (R57 g)."""
        standing = self._look()
        due = standing.part == "original" and standing.state.next == "redundancy"
        if due and standing.protected:
            self.order("redundancy", "run")

    @property
    def _local(self) -> Appliance:
        return Appliance(self.services.local)

    def _look(self) -> Standing:
        status = self._local.status()
        return look(self._local, self.journal, Situation(status, self.configuration))

    def _begin(self) -> None:
        status = self._local.status()
        operation = f"rollback-{self.journal.next_number('rollback')}"
        lineage, box = status.lineage, status.hardware_id
        self._drive(rollback.Began(operation, lineage.epoch, box, status.network))

    def _drive(self, seen: rollback.Observation) -> None:
        machine.drive(seen, self._take, self._perform)

    def _take(self, seen: rollback.Observation) -> Sequence[rollback.Action]:
        self.state, actions = rollback.step(self.state, seen)
        return actions

    def _perform(self, action: rollback.Action) -> rollback.Observation | None:
        match action:
            case machine.Tell():
                operation = self.state.operation or "rollback-0"
                self.journal.tell(operation, action.event, action.cause, **action.detail)
            case rollback.Act():
                return self._act(action.step)
            case rollback.PowerOff():
                self.services.stopwatch.sleep(LEAVE_S)
                self._local.shut_down()
            case rollback.Answer():
                self.answer(StepDecision(action.outcome, action.code, action.reasons))
            case rollback.Notify():
                self.desk.rollback(action, self.state.operation, self._refusals())
        return None

    def _refusals(self) -> int:
        """Count the refusals, so that each is one event and one message (D5)."""
        told = self.journal.records(self.state.operation)
        return sum(one.event == "rollback.refused" for one in told)

    def _act(self, step: Order) -> rollback.Observation:
        self.journal.intend(self.state.operation, step)

        def acted() -> rollback.Observation:
            detail = self._acts[step]() if step in self._acts else {}
            return rollback.Acted(self._facts(None, str(detail.get("file", ""))), detail)

        return self._observed(acted)

    def _observed(self, observe: Callable[[], rollback.Observation]) -> rollback.Observation:
        try:
            return observe()
        except RedundancyError as error:
            return machine.Failed(error.code, error.message)

    def _facts(self, step: Order | None, file: str = "") -> rollback_steps.Facts:
        """Look at this box, and listen where the step needs an address to be free."""
        standing, status = self._look(), self._local.status()
        wanted = (self.state.network or status.network).address
        holder = status.lineage.holder == status.server_key
        listens = step in LISTENS and self.state.operation
        target = standby_address(self.configuration) if step == "readdress" else wanted
        return rollback_steps.Facts(
            part=standing.part or "original",
            at_address=status.network.address == wanted and status.conflict is None,
            answered_by=self._answered_by(target) if listens and target else (),
            file=file or self.state.file,
            carried=standing.carried,
            licensed=self._licensed(status),
            holds=holder and status.lineage.epoch > self.state.epoch,
            protected=standing.protected,
        )

    def _answered_by(self, address: str) -> tuple[str, ...]:
        self.watch.look(address)
        answered = self.watch.prove_silence()
        self.watch.close()
        return tuple(sorted(answered))

    def _licensed(self, status: Status) -> bool:
        modules = {one.module for one in status.licences if one.module}
        users = sum(one.users for one in status.licences)
        own = status.server_key == role.fingerprint(self.configuration.licence_key)
        return own and preconditions.MODULE in modules and users >= status.user_count

    # The steps

    def _back_up(self) -> Mapping[str, Any]:
        operation = self.state.operation
        told = [one for one in self.journal.records(operation) if one.event == "rollback.started"]
        self._local.put_record(RECORD, {"records": [row(one) for one in told]})
        backup = self._local.create_backup(operation)
        self._local.hold_backup(backup.file)
        return {"file": backup.file, "generation": backup.generation, "sha256": backup.sha256}

    def _readdress(self) -> Mapping[str, Any]:
        target = standby_address(self.configuration)
        if not target:
            raise Refused(
                "standby-address-missing",
                "the module configuration names no address for this appliance to go to",
                remedy="fill in the field Server of the standby settings with its old address",
            )
        self.services.stopwatch.sleep(LEAVE_S)
        lost = self._local.changed_since(self.state.file)
        network = self._local.status().network
        self._local.set_network(network.model_copy(update={"address": target}))
        self._local.rest_modules()
        return {"address": target, "lost": list(lost)}

    def _take_part_again(self) -> Mapping[str, Any]:
        network, epoch = self._network(), self.state.epoch + 1
        self._claim(network)
        if self._local.status().lineage.epoch < epoch:
            self._local.open_epoch(self.state.operation, epoch)
        self._local.configure(preconditions.MODULE, self.configuration.stored(), active=True)
        self._local.activate_modules()
        self._announce(network.address, ANNOUNCEMENTS - 1)
        return {"address": network.address, "opened": epoch}

    def _serve_again(self) -> Mapping[str, Any]:
        network = self._network()
        self._claim(network)
        self._local.activate_modules()
        self._announce(network.address, ANNOUNCEMENTS - 1)
        return {"address": network.address}

    def _network(self) -> NetworkSettings:
        return self.state.network or self._local.status().network

    def _claim(self, network: NetworkSettings) -> None:
        """Take the address that was proved to be silent, and announce it at once (D10)."""
        status = self._local.status()
        if status.network != network or status.conflict is not None:
            self._local.set_network(network)
        self.services.addresses.announce(network.address)

    def _announce(self, address: str, times: int) -> None:
        for _ in range(times):
            self.services.stopwatch.sleep(ANNOUNCE_INTERVAL_S)
            self.services.addresses.announce(address)
