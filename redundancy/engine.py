"""The engine: one daemon thread that decides by the machines and acts through the ports.

It looks at, in this order: what people ordered, a close watch that is open, the schedule;
and waits on the Calendar for whatever comes next. People see it as `console.Console`.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Generic, TypeVar

from redundancy import (
    agenda,
    history,
    logbook,
    preconditions,
    role,
    rollback_view,
    rolling_back,
    run,
    switchover,
)
from redundancy.configuration import ModuleConfiguration
from redundancy.console import Decision, Overview, RollbackView, StepDecision, Watch
from redundancy.contract import Appliance, Imported, Origin, Status
from redundancy.desk import Desk
from redundancy.errors import RedundancyError, Refused
from redundancy.journal import Journal
from redundancy.ports import Bell, Services
from redundancy.rollback import Order
from redundancy.running import Running, access
from redundancy.sending import Transfer
from redundancy.switching import Switching, replug
from redundancy.watch import SILENCE_NEEDED_S, CloseWatch

D = TypeVar("D")
UPLOAD_STALL_LIMIT_S = 60.0
TROUBLE_PAUSE = timedelta(minutes=1)
AGE_LOOK = timedelta(hours=1)  # imports come without a word to a standby's engine


@dataclass
class _Order(Generic[D]):
    """A click that waits for its decision."""

    by: str
    decided: Bell
    decision: D | None = None

    def answer(self, decision: D) -> None:
        """Let the person know; only the first answer counts."""
        if self.decision is None:
            self.decision = decision
            self.decided.ring()


class Engine:
    """The module's daemon on one appliance; fulfils `console.Console`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._calendar = services.calendar
        self._local = Appliance(services.local)
        self._journal = Journal(services.store, services.calendar, services.report)
        self._watch = CloseWatch(services.addresses, services.stopwatch)
        self._bell = services.calendar.bell()
        self._orders: deque[Callable[[], None]] = deque()
        self._running: Running | None = None
        self._run_ordered = False  # a manual run waits to be started (O6)
        self._resumed = False
        self._stopped = False

    # The daemon

    def start(self) -> None:
        """Start the daemon thread."""
        self._services.start("redundanz", self._work)

    def stop(self) -> None:
        """Ask the daemon to end at its next look."""
        self._stopped = True
        self._bell.ring()

    def _work(self) -> None:
        while not self._stopped:
            try:
                self._turn()
            except Exception as error:  # noqa: BLE001 - a daemon that dies protects nobody
                code = error.code if isinstance(error, RedundancyError) else "defect"
                self._services.report("trouble", code, {"message": f"{error!r:.200}"})
                self._watch.close()
                self._calendar.wait(self._calendar.now() + TROUBLE_PAUSE, self._bell)

    def _turn(self) -> None:
        """Do the one thing that comes first."""
        if not self._resumed:
            self._resume_switchover()
            self._resume_run()
            self._resumed = True
        elif self._orders:
            self._orders.popleft()()
        elif self._watch.open:
            self._watch.probe()
        else:
            self._await()

    def _due(self) -> agenda.Due | None:
        """Return the next scheduled run; None where none is to be made."""
        configuration, status = self.configuration(), self._local.status()
        if configuration is None or not self._may_run(configuration, status):
            return None
        schedule = configuration.schedule(status.zone)
        return agenda.next_due(schedule, self._journal.records(), self._calendar.now())

    def _await(self) -> None:
        """Wait for whatever the clock brings next, and do it."""
        due, ages_at = self._due(), self._ages_at()
        look = None if due is not None else self._calendar.now() + AGE_LOOK
        instants = [one for one in (due.at if due else None, ages_at, look) if one is not None]
        if not self._calendar.wait(min(instants), self._bell):
            return
        now = self._calendar.now()
        if ages_at is not None and ages_at <= now:
            self._tell_age()
        elif due is not None and due.at <= now:
            self._run_scheduled(due)

    def _ages_at(self) -> datetime | None:
        """Return when a standby's data will be too old; None where nobody is to be told (F0)."""
        configuration, status = self.configuration(), self._local.status()
        if configuration is None or status.origin is None:
            return None
        told = self._journal.records(_age_operation(status.origin))
        if told or self._roles(configuration, status).current != "standby":
            return None
        return status.origin.taken_at + timedelta(hours=configuration.stale_after_h)

    def _tell_age(self) -> None:
        """Say once that the data is too old. Nothing else follows: a person switches (R46)."""
        configuration, status = self.configuration(), self._local.status()
        if configuration is None or status.origin is None:
            return
        operation = _age_operation(status.origin)
        taken_at = status.origin.taken_at
        self._desk(configuration, status).data_aged(operation, taken_at)
        self._journal.tell(operation, "data.aged", taken_at=taken_at.isoformat())

    def _may_run(self, configuration: ModuleConfiguration, status: Status) -> bool:
        roles = self._roles(configuration, status)
        enabled = any(one.name == preconditions.MODULE and one.active for one in status.modules)
        return roles.current == "active" and enabled

    def _run_scheduled(self, due: agenda.Due) -> None:
        """Start the run of a slot; one that comes late is reported (D5)."""
        configuration, status = self.configuration(), self._local.status()
        if configuration is None or not self._may_run(configuration, status):
            return
        schedule, now = configuration.schedule(status.zone), self._calendar.now()
        late = agenda.delayed(schedule, due, now)
        if late is not None:
            self._desk(configuration, status).delayed(late)
            self._report_missed("slot.delayed", late)
        self._run(configuration, status, "scheduled", schedule.latest(now))

    def _run(
        self,
        configuration: ModuleConfiguration,
        status: Status,
        reason: str,
        slot: datetime | None = None,
    ) -> None:
        started = run.Started(
            self._journal.next_number("run"),
            status.lineage.epoch,
            configuration.attempts_max,
            after_failure=self._last_outcome() in {"failed", "refused"},
            reason=reason,
            source=run.Source(
                configuration.backup_source,
                configuration.backup_age_max_h,
                configuration.backup_wait_limit_min,
            ),
            slot=slot,
        )
        self._drive_run(self._new_running(configuration, status), started)

    def _run_manually(self, by: str) -> None:
        self._run_ordered = False
        if self._running is not None:
            return  # the one that is under way is the one that was wanted (O6)
        configuration, status = self.configuration(), self._local.status()
        if configuration is not None and self._may_run(configuration, status):
            self._run(configuration, status, f"manual by {by}")

    def _resume_run(self) -> None:
        last = self._journal.last("run")
        configuration = self.configuration()
        if last is None or configuration is None:
            return
        running = self._new_running(configuration, self._local.status())
        running.state = run.replay(self._journal.records(last))
        if not running.state.over:
            self._drive_run(running, run.Restarted())

    def _new_running(self, configuration: ModuleConfiguration, status: Status) -> Running:
        desk = self._desk(configuration, status)
        return Running(self._services, self._journal, configuration, desk, self._wait)

    def _drive_run(self, running: Running, seen: run.Observation) -> None:
        self._running = running
        try:
            running.drive(seen)
        finally:
            self._running = None
        self._report_skipped(running)
        if running.state.phase == "succeeded":
            # What a rollback still lacks can be ordered by a person; the run has succeeded.
            with contextlib.suppress(RedundancyError):
                self._rolling(lambda _decision: None).close_after_run()

    def _report_skipped(self, running: Running) -> None:
        """Report slots that passed while a run was under way (O5)."""
        status = self._local.status()
        schedule = running.configuration.schedule(status.zone)
        started = self._journal.records(run.operation(running.state.run))[0].at
        passed = agenda.skipped(schedule, started, self._calendar.now())
        if passed is not None:
            running.desk.skipped(passed)
            self._report_missed("slot.skipped", passed)

    def _report_missed(self, event: str, slots: agenda.Missed) -> None:
        operation = f"slot-{self._journal.next_number('slot')}"
        first, last = slots.first.isoformat(), slots.last.isoformat()
        self._journal.tell(operation, event, first=first, last=last, count=slots.count)

    def _wait(self, duration: timedelta) -> None:
        """Wait in mid-run; orders that come meanwhile are carried out."""
        left = self._calendar.rest(duration, self._bell)
        while left:
            if self._stopped:
                raise SystemExit
            while self._orders:
                self._orders.popleft()()
            left = self._calendar.rest(left, self._bell)

    def _last_outcome(self) -> str:
        last = self._journal.last("run")
        return run.replay(self._journal.records(last)).phase if last else "idle"

    def _resume_switchover(self) -> None:
        last = self._journal.last("switchover")
        configuration = self.configuration()
        if last is None or configuration is None:
            return
        status = self._local.status()
        adopts = status.origin.network if status.origin else None
        state = switchover.replay(self._journal.records(last), adopts)
        if not state.over:
            switching = self._new_switching(configuration, status, lambda _decision: None)
            switching.state = state
            switching.drive(switchover.Restarted(status.takeover))

    def _new_switching(
        self, configuration: ModuleConfiguration, status: Status, answer: Callable[[Decision], None]
    ) -> Switching:
        desk = self._desk(configuration, status)
        return Switching(self._services, self._journal, configuration, desk, self._watch, answer)

    def _switch(self, order: _Order[Decision], *, confirmed: bool) -> None:
        """Carry out a click; whatever goes wrong, the person gets an answer."""
        own = ""
        try:
            configuration, status = self.configuration(), self._local.status()
            own = status.network.address
            if configuration is None:
                order.answer(Decision("refused", "unconfigured", (), own))
            elif status.takeover and status.lineage.epoch == status.takeover.epoch:
                order.answer(Decision("claimed", "already", (("address", own),), own))
            else:
                operation = f"switchover-{self._journal.next_number('switchover')}"
                switching = self._new_switching(configuration, status, order.answer)
                switching.drive(switchover.Asked(operation, order.by, confirmed))
        except RedundancyError as error:
            order.answer(Decision("refused", error.code, (("message", error.message),), own))
        finally:
            order.answer(Decision("refused", "defect", (), own))

    # What people see and order (console.Console)

    def overview(self) -> Overview:
        """Read the current picture; changes nothing."""
        configuration, status = self.configuration(), self._local.status()
        roles = self._roles(configuration, status)
        origin = status.origin
        age = self._calendar.now() - origin.taken_at if origin else None
        stale_after_h = configuration.stale_after_h if configuration else 0
        due = self._due()
        return Overview(
            role=roles.current,
            designated=roles.designated,
            origin_age=age,
            origin_stale=age is not None and age > timedelta(hours=stale_after_h),
            adopts=origin.network if origin else None,
            own=status.network,
            lines_to_replug=replug(status),
            watch=self._watch_view(),
            switchover=history.last_switchover(self._journal),
            runs=history.runs(self._journal),
            next_run=due.at if due else None,
            zone=status.zone,
            transfer=self._transfer(),
        )

    def open_watch(self) -> None:
        """Watch the active's address closely for the next 60 s (D9)."""
        configuration, status = self.configuration(), self._local.status()
        standby = self._roles(configuration, status).current == "standby"
        if standby and status.origin is not None:
            self._watch.look(status.origin.network.address)
            self._bell.ring()

    def switch_over(self, by: str, *, confirmed: bool) -> Decision:
        """Switch to this appliance; returns as soon as it is decided."""
        order: _Order[Decision] = _Order(by, self._calendar.bell())
        return self._decided(order, lambda: self._switch(order, confirmed=confirmed))

    def rollback(self) -> RollbackView:
        """Read where a rollback stands; changes nothing."""
        configuration, status = self.configuration(), self._local.status()
        return rollback_view.view(self._local, self._journal, configuration, status)

    def roll_back(self, step: str, by: str) -> StepDecision:
        """Carry out a step of the rollback, or `abandon` it (R57)."""
        order: _Order[StepDecision] = _Order(by, self._calendar.bell())
        return self._decided(order, lambda: self._roll(order, rolling_back.named(step)))

    def _decided(self, order: _Order[D], work: Callable[[], None]) -> D:
        """Have the daemon do something, and wait until it has decided."""
        self._orders.append(work)
        self._bell.ring()
        while order.decision is None:
            self._calendar.wait(None, order.decided)
        return order.decision

    def _roll(self, order: _Order[StepDecision], step: Order) -> None:
        """Carry out a step of a rollback; whatever goes wrong, the person gets an answer."""
        try:
            self._rolling(order.answer).order(step, order.by)
            if order.decision is not None and order.decision.code == "shutdown":
                self._calendar.wait(None, self._bell)  # until the appliance ends the module
        except RedundancyError as error:
            reasons = (("message", error.message), ("remedy", error.remedy))
            order.answer(StepDecision("refused", error.code, reasons))
        finally:
            order.answer(StepDecision("refused", "defect"))

    def _rolling(self, answer: Callable[[StepDecision], None]) -> rolling_back.RollingBack:
        configuration, status = self.configuration(), self._local.status()
        if configuration is None:
            raise Refused("unconfigured", "the module is not configured on this appliance")
        desk = self._desk(configuration, status)
        return rolling_back.RollingBack(
            self._services, self._journal, configuration, desk, self._watch, answer
        )

    def run_now(self, by: str) -> int:
        """Start a run unless one is under way; returns its number."""
        if self._running is not None:
            return self._running.state.run
        configuration, status = self.configuration(), self._local.status()
        if configuration is None:
            raise Refused("unconfigured", "the module is not configured on this appliance")
        if not self._may_run(configuration, status):
            raise Refused(
                "not-active",
                f"{status.name} is not the active appliance, or the module is inactive on it",
                remedy="start the run on the active appliance",
            )
        number = self._journal.next_number("run")
        if not self._run_ordered:
            self._run_ordered = True
            self._orders.append(lambda: self._run_manually(by))
            self._bell.ring()
        return number

    def initialise(self, stream: BinaryIO, size: int, by: str) -> Imported:
        """Import the uploaded backup of the active once (R40 to R44)."""
        configuration, status = self.configuration(), self._local.status()
        # An acting active that was rolled back still holds its old epoch; the appliance takes
        # nothing but a higher one from another (D14).
        if self._roles(configuration, status).designated != "standby":
            raise Refused(
                "not-standby",
                f"{status.name} is not a configured standby; nothing was imported",
                remedy="save the module configuration with the active's licence key first (R39)",
            )
        imported = self._local.initialise(stream, size, UPLOAD_STALL_LIMIT_S, lambda _sent: None)
        operation = f"initialise-{self._journal.next_number('initialise')}"
        epoch, generation = imported.epoch, imported.generation
        self._journal.tell(operation, "initialised", by=by, epoch=epoch, generation=generation)
        return imported

    def configuration(self) -> ModuleConfiguration | None:
        """Return the saved module configuration."""
        values = self._local.configuration(preconditions.MODULE)
        if values is None:
            return None
        secret = {"standby_password": self._services.secret("standby_password")}
        return ModuleConfiguration.model_validate({**values, **secret})

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
        roles = self._roles(configuration, status)
        if roles.designated == "active" and status.lineage.epoch == 0:
            self._local.open_epoch(operation, 1)
            roles = self._roles(configuration, self._local.status())
        active = roles.designated == roles.current == "active"
        self._local.configure(preconditions.MODULE, configuration.stored(), active=active)
        self._journal.tell(operation, "configured", by=by)
        self._bell.ring()

    def log_lines(self) -> list[str]:
        """Return the module's log down to the configured level, oldest first (R19)."""
        configuration = self.configuration()
        level = configuration.log_level if configuration else "info"
        return logbook.lines(self._journal.records(), level, self._local.status().zone)

    def collisions(self) -> tuple[agenda.Collision, ...]:
        """Return the first collision of the schedule with each backup job (R32)."""
        configuration, status = self.configuration(), self._local.status()
        if configuration is None or not self._may_run(configuration, status):
            return ()
        schedule, now = configuration.schedule(status.zone), self._calendar.now()
        takes = history.usual_duration(self._journal)
        return agenda.collisions(schedule, self._local.jobs(), takes, now)

    def standby_host_key(self, configuration: ModuleConfiguration) -> str:
        """Return the host key that the standby shows now (D11)."""
        return self._services.transport.host_key(access(configuration))

    def journal(self) -> Journal:
        """Return the journal, for the log."""
        return self._journal

    def _roles(self, configuration: ModuleConfiguration | None, status: Status) -> role.Roles:
        key = role.fingerprint(configuration.licence_key) if configuration else None
        return role.roles(status.server_key, key, status.lineage)

    def _desk(self, configuration: ModuleConfiguration, status: Status) -> Desk:
        return Desk(self._local, configuration, status)

    def _transfer(self) -> Transfer | None:
        progress = self._running.progress if self._running else None
        return progress.transfer() if progress else None

    def _watch_view(self) -> Watch | None:
        answered = tuple(sorted(self._watch.answered_by))
        if not self._watch.open or not (answered or self._watch.silent_s):
            return None  # nobody looks, or nothing has been heard yet
        return Watch(self._watch.address, self._watch.silent_s, SILENCE_NEEDED_S, answered)


def _age_operation(origin: Origin) -> str:
    """Name the notice that data is too old: one for each generation that was imported."""
    return f"age-{origin.epoch}.{origin.generation}"
