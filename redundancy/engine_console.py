"""The engine as people see it and order it; fulfils `console.Console`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import BinaryIO

from redundancy import agenda, history, logbook, preconditions, rollback_view, rolling_back
from redundancy import switchover as machine
from redundancy.client import Appliance
from redundancy.configuration import ModuleConfiguration
from redundancy.console import Decision, Overview, RollbackView, StepDecision, Watch
from redundancy.contract import Imported, Status
from redundancy.engine import Engine
from redundancy.errors import RedundancyError, Refused
from redundancy.journal import Journal
from redundancy.orders import Order
from redundancy.ports import Services
from redundancy.rollback_steps import Order as StepOrder
from redundancy.running import access
from redundancy.sending import Transfer
from redundancy.situation import Situation, roles_of
from redundancy.switching import replug
from redundancy.watch import SILENCE_NEEDED_S

UPLOAD_STALL_LIMIT_S = 60.0


class EngineConsole:
    """One appliance's engine, for its pages and its command line.

    Reading never changes anything. What must not happen beside the daemon's own work (a run,
    a switchover, a step of a rollback) is ordered from the daemon.
    """

    def __init__(self, services: Services, engine: Engine) -> None:
        self._services = services
        self._engine = engine
        self._calendar = services.calendar
        self._local = Appliance(services.local)
        self._journal = engine.journal

    # What people see

    def overview(self) -> Overview:
        """Read the current picture; changes nothing."""
        here = self._engine.look()
        status, roles, origin = here.status, here.roles, here.status.origin
        age = self._calendar.now() - origin.taken_at if origin else None
        stale_after_h = here.configuration.stale_after_h if here.configuration else 0
        due = self._engine.due(here)
        return Overview(
            role=roles.current,
            designated=roles.designated,
            origin_age=age,
            origin_stale=age is not None and age > timedelta(hours=stale_after_h),
            adopts=origin.network if origin else None,
            own=status.network,
            lines_to_replug=replug(status),
            watch=self._watch_view(),
            switchover=self.last_switchover(),
            runs=history.runs(self._journal),
            next_run=due.at if due else None,
            zone=status.zone,
            transfer=self._transfer(),
            configuration_fault=here.fault,
        )

    def last_switchover(self) -> str | None:
        """Return the last word on a switchover, from the journal alone: no click waits for it."""
        return history.last_switchover(self._journal)

    def _transfer(self) -> Transfer | None:
        running = self._engine.running
        progress = running.progress if running else None
        return progress.transfer() if progress else None

    def _watch_view(self) -> Watch | None:
        watch = self._engine.watch
        answered = tuple(sorted(watch.answered_by))
        if not watch.open or not (answered or watch.silent_s):
            return None  # nobody looks, or nothing has been heard yet
        return Watch(watch.address, watch.silent_s, SILENCE_NEEDED_S, answered)

    def open_watch(self) -> None:
        """Watch the active's address closely for the next 60 s (D9)."""
        here = self._engine.look()
        if here.roles.current == "standby" and here.status.origin is not None:
            self._engine.watch.look(here.status.origin.network.address)
            self._engine.orders.bell.ring()

    def log_lines(self) -> list[str]:
        """Return the module's log down to the configured level, oldest first (R19)."""
        here = self._engine.look()
        level = here.configuration.log_level if here.configuration else "info"
        return logbook.lines(self._journal.records(), level, here.status.zone)

    def journal(self) -> Journal:
        """Return the journal, for the log."""
        return self._journal

    # Runs

    def run_now(self, by: str) -> int:
        """Start a run unless one is under way; returns its number."""
        here = self._engine.look()
        if self._engine.running is None and here.configuration is None:
            raise Refused("unconfigured", "the module is not configured on this appliance")
        if self._engine.running is None and not here.may_run:
            raise Refused(
                "not-active",
                f"{here.status.name} is not the active appliance, or the module is inactive on it",
                remedy="start the run on the active appliance",
            )
        return self._engine.order_run(by)

    # Switchover

    def switch_over(self, by: str, *, confirmed: bool, override: str = "") -> Decision:
        """Switch to this appliance; returns as soon as it is decided.

        Args:
            by: who ordered it.
            confirmed: what D17 asks was answered.
            override: why the address is to be claimed even while something answers; the
                appliance's console can give it, no page can (D9).
        """
        orders = self._engine.orders
        before = orders.done
        try:
            here = self._engine.look()  # not on the daemon's thread, which goes on listening (D9)
        except RedundancyError as error:
            return self._broken_off(error, "")

        def current() -> Situation:
            return here if orders.done == before else self._engine.look()

        def work(order: Order[Decision]) -> None:
            self._switch(order, current, confirmed=confirmed, override=override)

        return orders.decide(by, work)

    def _switch(
        self,
        order: Order[Decision],
        current: Callable[[], Situation],
        *,
        confirmed: bool,
        override: str,
    ) -> None:
        """Carry out a click; whatever goes wrong, the person gets an answer."""
        own = ""
        try:
            here = current()
            status, own = here.status, here.status.network.address
            if here.configuration is None:
                order.answer(Decision("refused", "unconfigured", (), own))
            elif _taken_over(status):
                order.answer(Decision("claimed", "already", (("address", own),), own))
            else:
                operation = f"switchover-{self._journal.next_number('switchover')}"
                switching = self._engine.switching(here.configuration, status, order.answer)
                switching.drive(machine.Asked(operation, order.by, confirmed, override))
        except RedundancyError as error:
            order.answer(self._broken_off(error, own))
            raise  # so that the daemon looks at what has become of it
        finally:
            order.answer(Decision("refused", "defect", (), own))

    def _broken_off(self, error: RedundancyError, own: str) -> Decision:
        """Say what a click has come to that trouble broke off: the claim is never undone (F6)."""
        said = ("message", error.message)
        with suppress(RedundancyError):  # who cannot even look has claimed nothing that it knows of
            status = self._engine.look().status
            if _taken_over(status):
                taken = status.network.address
                return Decision("claimed", "unfinished", (("why", error.code), said), taken)
        return Decision("refused", error.code, (said,), own)

    # Rollback

    def rollback(self) -> RollbackView:
        """Read where a rollback stands; changes nothing."""
        here = self._engine.look()
        return rollback_view.view(self._local, self._journal, here)

    def roll_back(self, step: str, by: str) -> StepDecision:
        """Carry out a step of the rollback, or `abandon` it (R57)."""
        named = rolling_back.named(step)

        def work(order: Order[StepDecision]) -> None:
            self._roll(order, named)

        return self._engine.orders.decide(by, work)

    def _roll(self, order: Order[StepDecision], step: StepOrder) -> None:
        """Carry out a step of a rollback; whatever goes wrong, the person gets an answer."""
        try:
            self._engine.rolling(order.answer).order(step, order.by)
            if order.decision is not None and order.decision.code == "shutdown":
                # until the appliance ends the module
                self._calendar.wait(None, self._engine.orders.bell)
        except RedundancyError as error:
            reasons = (("message", error.message), ("remedy", error.remedy))
            order.answer(StepDecision("refused", error.code, reasons))
        finally:
            order.answer(StepDecision("refused", "defect"))

    # Set-up

    def configuration(self) -> ModuleConfiguration | None:
        """Return the saved module configuration; None where there is none, or a malformed one."""
        return self._engine.look().configuration

    def save_configuration(self, configuration: ModuleConfiguration, by: str) -> None:
        """Save, and open the first epoch where this is the designated active (D14)."""
        status = self._local.status()
        if status.type == "cloud":
            raise Refused("cloud-appliance", f"{status.name} is a cloud appliance (R2)")
        if preconditions.MODULE not in {one.module for one in status.licences}:
            raise Refused(
                "module-licence-missing",
                f"{status.name} has no licence for the module Redundanz (R47)",
                remedy="install the module licence, then save again",
            )
        operation = f"configure-{self._journal.next_number('configure')}"
        roles = roles_of(status, configuration)
        server = configuration.standby_server.partition(":")[0]
        if roles.designated == "active" and server == status.network.address:
            raise Refused(
                "same-address",
                f"{server} is the address of {status.name} itself (R36)",
                remedy="enter the address of the standby, which needs one of its own (R9)",
            )
        if roles.designated == "active" and status.lineage.epoch == 0:
            self._local.open_epoch(operation, 1)
            roles = roles_of(self._local.status(), configuration)
        active = roles.designated == roles.current == "active"
        self._local.configure(preconditions.MODULE, configuration.stored(), active=active)
        self._journal.tell(operation, "configured", by=by)
        self._engine.orders.bell.ring()

    def collisions(self) -> tuple[agenda.Collision, ...]:
        """Return the first collision of the schedule with each backup job (R32)."""
        here = self._engine.look()
        if here.configuration is None or not here.may_run:
            return ()
        schedule, now = here.configuration.schedule(here.status.zone), self._calendar.now()
        takes = history.usual_duration(self._journal)
        return agenda.collisions(schedule, self._local.jobs(), takes, now)

    def standby_host_key(self, configuration: ModuleConfiguration) -> str:
        """Return the host key that the standby shows now (D11)."""
        return self._services.transport.host_key(access(configuration))

    def initialise(self, stream: BinaryIO, size: int, by: str) -> Imported:
        """Import the uploaded backup of the active once (R40 to R44)."""
        here = self._engine.look()
        # An acting active that was rolled back still holds its old epoch; the appliance takes
        # nothing but a higher one from another (D14).
        if here.roles.designated != "standby":
            raise Refused(
                "not-standby",
                f"{here.status.name} is not a configured standby; nothing was imported",
                remedy="save the module configuration with the active's licence key first (R39)",
            )
        imported = self._local.initialise(stream, size, UPLOAD_STALL_LIMIT_S, lambda _sent: None)
        operation = f"initialise-{self._journal.next_number('initialise')}"
        epoch, generation = imported.epoch, imported.generation
        self._journal.tell(operation, "initialised", by=by, epoch=epoch, generation=generation)
        return imported


def _taken_over(status: Status) -> bool:
    """Whether this appliance holds the address by a switchover of the epoch that it is in."""
    return status.takeover is not None and status.lineage.epoch == status.takeover.epoch
