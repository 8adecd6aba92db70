"""Carries out what the machine of a run asks for, one action at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from redundancy import machine, preconditions, run, run_messages
from redundancy.client import Appliance
from redundancy.configuration import ModuleConfiguration
from redundancy.contract import Status
from redundancy.desk import Desk
from redundancy.errors import DefiniteError, IndefiniteError, RedundancyError, Refused
from redundancy.journal import Journal
from redundancy.ports import Services, StandbyAccess
from redundancy.sending import Progress, Sending, Transfer

IMPORT_POLL_S = 0.5
IMPORT_LIMIT_S = 600.0
_NO_ROOM = frozenset({"disk-full", "disk-error"})


@dataclass
class Running:
    """One run, from its start (or restart) to its end.

    Attributes:
        services: the module's ports.
        journal: where every step is written down.
        configuration: as it was when the run began.
        desk: sends the notifications.
        wait: lets a duration pass on the Calendar.
        state: of the machine.
        progress: of the transfer of this moment; None while none is under way.
    """

    services: Services
    journal: Journal
    configuration: ModuleConfiguration
    desk: Desk
    wait: Callable[[timedelta], None]
    state: run.State = field(default_factory=run.State)
    progress: Progress | None = None
    _standby: Appliance | None = None

    def __post_init__(self) -> None:
        """Name who carries out which action."""
        self._handlers: Mapping[type, Callable[[Any], run_messages.Observation | None]] = {
            run_messages.Check: self._check,
            run_messages.Export: self._export,
            run_messages.Choose: self._choose,
            run_messages.AwaitBackup: self._await_backup,
            run_messages.Fence: self._fence,
            run_messages.Send: self._send,
            run_messages.Import: self._import,
            run_messages.WaitUntil: self._wait,
            run_messages.Release: self._release,
            run_messages.Notify: self._notify,
        }

    def drive(self, seen: run_messages.Observation) -> run.State:
        """Feed observations to the machine until the run is over."""
        try:
            machine.drive(seen, self._take, self._perform)
        finally:
            self._disconnect()
        return self.state

    def _take(self, seen: run_messages.Observation) -> Sequence[run_messages.Action]:
        self.state, actions = run.step(self.state, seen, self.services.calendar.now())
        return actions

    def _perform(self, action: run_messages.Action) -> run_messages.Observation | None:
        if isinstance(action, machine.Tell):
            self.journal.tell(self._operation, action.event, action.cause, **action.detail)
            return None
        try:
            return self._handlers[type(action)](action)
        except IndefiniteError as error:
            self._disconnect()
            return machine.Failed(error.code, error.message, definite=False)
        except DefiniteError as error:
            self._disconnect()
            if isinstance(action, run_messages.Notify) and error.code in _NO_ROOM:
                raise  # the turn ends, the run does not: it is resumed until the mail is queued
            return machine.Failed(error.code, error.message, definite=True)

    @property
    def _operation(self) -> str:
        return run.operation(self.state.run)

    @property
    def _local(self) -> Appliance:
        return Appliance(self.services.local)

    def _check(self, _action: run_messages.Check) -> run_messages.Observation:
        standby = self._connected()
        theirs = self._quiet_status(standby)
        verifying = self.state.phase == "verifying"
        found = () if verifying else preconditions.problems(self._local.status(), theirs)
        return run_messages.Checked(found, theirs.origin)

    def _quiet_status(self, standby: Appliance) -> Status:
        """Read the standby's state; an import of ours that still goes on is waited for."""
        started_s = self.services.stopwatch.now_s()
        while True:
            status = standby.status()
            if status.busy.importing != str(self.state.token):
                return status
            if self.services.stopwatch.now_s() - started_s > IMPORT_LIMIT_S:
                raise IndefiniteError(
                    f"{status.name} is still importing after {IMPORT_LIMIT_S:.0f} s",
                    remedy=f"look at the load of {status.name}",
                )
            self.services.stopwatch.sleep(IMPORT_POLL_S)

    def _export(self, action: run_messages.Export) -> run_messages.Observation:
        self.journal.intend(self._operation, "export")
        return self._sealed(action.operation, of="")

    def _choose(self, action: run_messages.Choose) -> run_messages.Observation:
        if self._local.status().busy.backup:
            return run_messages.BackupBusy()
        made = [one for one in self._local.backups() if one.job and one.complete]
        if not made:
            return run_messages.NoBackup()
        self.journal.intend(self._operation, "export", of=made[-1].file)
        return self._sealed(action.operation, of=made[-1].file)

    def _sealed(self, operation: str, of: str) -> run_messages.Observation:
        try:
            return run_messages.Exported(self._local.create_snapshot(operation, of))
        except Refused as error:
            if error.code == "busy":
                return run_messages.BackupBusy()
            raise

    def _fence(self, action: run_messages.Fence) -> run_messages.Observation:
        self.journal.intend(self._operation, "fence", token=str(action.token))
        self._connected().fence(action.token)
        return machine.Done()

    def _send(self, action: run_messages.Send) -> run_messages.Observation:
        self.journal.intend(self._operation, "send", token=str(action.token))
        limit_s = self.configuration.stall_limit_s
        try:
            sending = Sending(self.services.store, self._connected(), limit_s, self._count)
            sending.send(action.token, action.snapshot)
        finally:
            self.progress = None
        return machine.Done()

    def _count(self, size: int) -> Progress:
        self.progress = Progress(size, self.services.stopwatch, self._report)
        return self.progress

    def _report(self, transfer: Transfer) -> None:
        detail = {"run": self.state.run, "attempt": self.state.attempt, **asdict(transfer)}
        self.services.report("progress", "", detail)

    def _import(self, action: run_messages.Import) -> run_messages.Observation:
        self.journal.intend(self._operation, "import", token=str(action.token))
        self._connected().import_backup(action.token, action.file)
        return machine.Done()

    def _wait(self, action: run_messages.WaitUntil) -> run_messages.Observation:
        self._disconnect()
        # Never longer than R24 says, wherever a clock that was set meanwhile stands now.
        left = max(action.at - self.services.calendar.now(), timedelta())
        self.wait(min(left, run.WAIT))
        return run_messages.WaitOver()

    def _await_backup(self, action: run_messages.AwaitBackup) -> run_messages.Observation:
        self._disconnect()
        self.wait(action.duration)
        return run_messages.WaitOver()

    def _release(self, action: run_messages.Release) -> None:
        # A snapshot that stays held costs disk; it must not turn a success into a failure.
        with contextlib.suppress(RedundancyError):
            self._local.release_snapshot(action.file)

    def _notify(self, action: run_messages.Notify) -> None:
        self.desk.run(action, self.state)

    def _connected(self) -> Appliance:
        if self._standby is None:
            self._standby = Appliance(self.services.transport.connect(access(self.configuration)))
        return self._standby

    def _disconnect(self) -> None:
        if self._standby is not None:
            self._standby.close()
            self._standby = None


def access(configuration: ModuleConfiguration) -> StandbyAccess:
    """Return how the configuration says that the standby is reached (R33 to R36, D19)."""
    host, _, port = configuration.standby_server.partition(":")
    return StandbyAccess(
        user=configuration.standby_user,
        password=configuration.standby_password.get_secret_value(),
        host=host,
        port=int(port) if port else 22,
        host_key=configuration.standby_host_key or None,
    )
