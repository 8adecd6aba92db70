"""The engine: one daemon thread that decides by the machines and acts through the ports.

It looks at, in this order: what an interruption left open, what people ordered, a close
watch that is open, the schedule; and waits on the Calendar for whatever comes next. People
see it as `console.Console`, which `engine_console` fulfils.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta

from redundancy import agenda, replay, rolling_back, run, run_messages, switchover
from redundancy.client import Appliance
from redundancy.configuration import ModuleConfiguration
from redundancy.console import Decision, StepDecision
from redundancy.contract import Origin, Status
from redundancy.desk import Desk
from redundancy.errors import RedundancyError, Refused
from redundancy.journal import Journal
from redundancy.orders import Orders
from redundancy.ports import Services
from redundancy.running import Running
from redundancy.situation import Situation, situation
from redundancy.switching import Switching
from redundancy.watch import CloseWatch

TROUBLE_PAUSE = timedelta(minutes=1)


class Engine:
    """The module's daemon on one appliance.

    Attributes:
        journal: everything that was intended and done.
        orders: what people ordered.
        watch: on the active's address.
        running: the run that is under way.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._calendar = services.calendar
        self.journal = Journal(services.store, services.calendar, services.report)
        self.orders = Orders(services.calendar)
        self.watch = CloseWatch(services.addresses, services.stopwatch)
        self.running: Running | None = None
        self._told_fault = ""  # of a malformed configuration
        self._run_ordered = False  # a manual run waits to be started (O6)
        self._resumed = False
        self._troubled = False  # since it was last resumed: people's orders come first then
        self._stopped = False

    def start(self) -> None:
        """Start the daemon thread."""
        self._services.start("redundanz", self._work)

    def stop(self) -> None:
        """Ask the daemon to end at its next look."""
        self._stopped = True
        self.orders.bell.ring()

    def contested(self, address: str, mac: str) -> None:
        """Hear that another claims an address of this appliance (D10)."""
        self.orders.put(lambda: self._tell_conflict(address, mac))

    def changed(self) -> None:
        """Hear that this appliance's role, licences or content may be others than before."""
        self.orders.bell.ring()

    def look(self) -> Situation:
        """Look at this appliance."""
        return situation(self._services)

    def _work(self) -> None:
        while not self._stopped:
            try:
                self._turn()
            except Exception as error:  # noqa: BLE001 - a daemon that dies protects nobody
                self._recover(error)

    def _recover(self, error: Exception) -> None:
        """Report a trouble, and look after a while at what it broke off."""
        if self._stopped:
            return  # an appliance that ends declines every command
        code = error.code if isinstance(error, RedundancyError) else "defect"
        self._services.report("trouble", code, {"message": f"{error!r:.200}"})
        self.watch.close()
        self._resumed, self._troubled = False, True
        self._pause()

    def _pause(self) -> None:
        """Rest after a trouble; only what people order comes before its end."""
        left = self._calendar.rest(TROUBLE_PAUSE, self.orders.bell)
        while left and not (self._stopped or self.orders):
            left = self._calendar.rest(left, self.orders.bell)

    def _turn(self) -> None:
        """Do the one thing that comes first."""
        if not self._resumed and not (self._troubled and self.orders):
            self._resume_switchover()
            self._resume_run()
            self._resumed, self._troubled = True, False
        elif self.orders:
            self.orders.do_next()
        elif self.watch.open:
            self.watch.probe()
        else:
            self._await()

    def _await(self) -> None:
        """Wait for whatever the clock brings next, and do it."""
        here = self.look()
        self._tell_fault(here.fault)
        due, ages_at = self.due(here), self._ages_at(here)
        instants = [one for one in (due.at if due else None, ages_at) if one is not None]
        if not self._calendar.wait(min(instants, default=None), self.orders.bell):
            return
        now = self._calendar.now()
        if ages_at is not None and ages_at <= now:
            self._tell_age()
        elif due is not None and due.at <= now:
            self._run_scheduled(due)

    def _tell_fault(self, fault: str) -> None:
        """Say in the log that what is saved is malformed, and so counts as no configuration."""
        if fault and fault != self._told_fault:
            self.journal.tell("configuration", "configuration.malformed", faults=fault)
        self._told_fault = fault

    # The age of a standby's data (F0)

    def _ages_at(self, here: Situation) -> datetime | None:
        """Return when a standby's data will be too old; None where nobody is to be told."""
        if here.configuration is None or here.status.origin is None:
            return None
        told = self.journal.records(_age_operation(here.status.origin))
        if told or here.roles.current != "standby":
            return None
        return here.status.origin.taken_at + timedelta(hours=here.configuration.stale_after_h)

    def _tell_age(self) -> None:
        """Say once that the data is too old. Nothing else follows: a person switches (R46)."""
        here = self.look()
        if here.configuration is None or here.status.origin is None:
            return
        operation = _age_operation(here.status.origin)
        taken_at = here.status.origin.taken_at
        self._desk(here.configuration, here.status).data_aged(operation, taken_at)
        self.journal.tell(operation, "data.aged", taken_at=taken_at.isoformat())

    def _tell_conflict(self, address: str, mac: str) -> None:
        """Report once an epoch that a device claims the address that this appliance claimed.

        The original active, which cannot know better, leaves it to the one that took over.
        """
        here = self.look()
        epoch = here.status.lineage.epoch
        operation = f"conflict-{epoch}.{mac.replace(':', '')}"
        claimed = here.roles.current == "active" and epoch > 1
        if here.configuration is None or not claimed or self.journal.records(operation):
            return
        self._desk(here.configuration, here.status).contested(operation, address, mac)
        self.journal.tell(operation, "address.contested", address=address, mac=mac)

    # Runs

    def due(self, here: Situation) -> agenda.Due | None:
        """Return the next scheduled run; None where none is to be made."""
        if here.configuration is None or not here.may_run:
            return None
        schedule = here.configuration.schedule(here.status.zone)
        return agenda.next_due(schedule, self.journal.records(), self._calendar.now())

    def order_run(self, by: str) -> int:
        """Have a run made unless one is under way or ordered already; returns its number (O6)."""
        under_way = self._under_way()
        if under_way is not None:
            return under_way
        number = self.journal.next_number("run")
        if not self._run_ordered:
            self._run_ordered = True
            self.orders.put(lambda: self._run_manually(by))
        return number

    def _run_manually(self, by: str) -> None:
        self._run_ordered = False
        if self._under_way() is not None:
            return  # it is the one that was wanted (O6)
        here = self.look()
        if here.configuration is not None and here.may_run:
            self._run(here.configuration, here.status, f"manual by {by}")

    def _under_way(self) -> int | None:
        """Return the run that has begun and not ended, were it broken off by trouble."""
        if self.running is not None:
            return self.running.state.run
        last = self.journal.last("run")
        state = replay.of_run(self.journal.records(last)) if last else None
        return None if state is None or state.over else state.run

    def _run_scheduled(self, due: agenda.Due) -> None:
        """Start the run of a slot; one that comes late is reported (D5)."""
        here = self.look()
        if here.configuration is None or not here.may_run:
            return
        schedule, now = here.configuration.schedule(here.status.zone), self._calendar.now()
        late = agenda.delayed(schedule, due, now)
        if late is not None:
            self._desk(here.configuration, here.status).delayed(late)
            self._report_missed("slot.delayed", late)
        self._run(here.configuration, here.status, "scheduled", schedule.latest(now))

    def _run(
        self,
        configuration: ModuleConfiguration,
        status: Status,
        reason: str,
        slot: datetime | None = None,
    ) -> None:
        started = run_messages.Started(
            self.journal.next_number("run"),
            status.lineage.epoch,
            configuration.attempts_max,
            after_failure=self._last_outcome() in {"failed", "refused"},
            reason=reason,
            source=run_messages.Source(
                configuration.backup_source,
                configuration.backup_age_max_h,
                configuration.backup_wait_limit_min,
            ),
            slot=slot,
        )
        self._drive_run(self._new_running(configuration, status), started)

    def _last_outcome(self) -> str:
        last = self.journal.last("run")
        return replay.of_run(self.journal.records(last)).phase if last else "idle"

    def _resume_run(self) -> None:
        last = self.journal.last("run")
        if last is None:
            return
        here = self.look()
        if here.configuration is None:
            return
        running = self._new_running(here.configuration, here.status)
        running.state = replay.of_run(self.journal.records(last))
        if running.state.over:
            self._close_rollback(running.state)  # the power may have gone right after its end
        else:
            self._drive_run(running, run_messages.Restarted())

    def _new_running(self, configuration: ModuleConfiguration, status: Status) -> Running:
        desk = self._desk(configuration, status)
        return Running(self._services, self.journal, configuration, desk, self._wait)

    def _drive_run(self, running: Running, seen: run_messages.Observation) -> None:
        self.running = running
        try:
            running.drive(seen)
        finally:
            self.running = None
        self._report_skipped(running)
        self._close_rollback(running.state)

    def _close_rollback(self, state: run.State) -> None:
        if state.phase == "succeeded" and self.journal.last("rollback"):
            # What a rollback still lacks can be ordered by a person; the run has succeeded.
            with contextlib.suppress(RedundancyError):
                self.rolling(lambda _decision: None).close_after_run()

    def _report_skipped(self, running: Running) -> None:
        """Report slots that passed while a run was under way (O5)."""
        schedule = running.configuration.schedule(running.desk.status.zone)
        started = self.journal.records(run.operation(running.state.run))[0].at
        passed = agenda.skipped(schedule, started, self._calendar.now())
        if passed is not None:
            running.desk.skipped(passed)
            self._report_missed("slot.skipped", passed)

    def _report_missed(self, event: str, slots: agenda.Missed) -> None:
        operation = f"slot-{self.journal.next_number('slot')}"
        first, last = slots.first.isoformat(), slots.last.isoformat()
        self.journal.tell(operation, event, first=first, last=last, count=slots.count)

    def _wait(self, duration: timedelta) -> None:
        """Wait in mid-run; orders that come meanwhile are carried out."""
        left = self._calendar.rest(duration, self.orders.bell)
        while left:
            if self._stopped:
                raise SystemExit
            while self.orders:
                self.orders.do_next()
            left = self._calendar.rest(left, self.orders.bell)

    # Switchover and rollback

    def _resume_switchover(self) -> None:
        last = self.journal.last("switchover")
        if last is None:
            return
        here = self.look()
        if here.configuration is None:
            return
        status = here.status
        adopts = status.origin.network if status.origin else None
        state = replay.of_switchover(self.journal.records(last), adopts)
        if not state.over:
            switching = self.switching(here.configuration, status, lambda _decision: None)
            switching.state = state
            switching.drive(switchover.Restarted(status.takeover))

    def switching(
        self, configuration: ModuleConfiguration, status: Status, answer: Callable[[Decision], None]
    ) -> Switching:
        """Return what carries a switchover out; for the daemon's thread only."""
        desk = self._desk(configuration, status)
        return Switching(self._services, self.journal, configuration, desk, self.watch, answer)

    def rolling(self, answer: Callable[[StepDecision], None]) -> rolling_back.RollingBack:
        """Return what carries a step of a rollback out; for the daemon's thread only.

        Raises:
            Refused: `unconfigured`.
        """
        here = self.look()
        if here.configuration is None:
            raise Refused("unconfigured", "the module is not configured on this appliance")
        desk = self._desk(here.configuration, here.status)
        return rolling_back.RollingBack(
            self._services, self.journal, here.configuration, desk, self.watch, answer
        )

    def _desk(self, configuration: ModuleConfiguration, status: Status) -> Desk:
        return Desk(Appliance(self._services.local), configuration, status)


def _age_operation(origin: Origin) -> str:
    """Name the notice that data is too old: one for each generation that was imported."""
    return f"age-{origin.epoch}.{origin.generation}"
