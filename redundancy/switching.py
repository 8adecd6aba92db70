"""Carries out what the machine of a switchover asks for, one action at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from redundancy import machine, switchover
from redundancy.client import Appliance
from redundancy.configuration import ModuleConfiguration
from redundancy.console import Decision
from redundancy.contract import Status
from redundancy.desk import Desk
from redundancy.errors import RedundancyError
from redundancy.journal import Journal
from redundancy.ports import Services
from redundancy.situation import roles_of
from redundancy.watch import CloseWatch

ANNOUNCE_INTERVAL_S = 0.2


@dataclass
class Switching:
    """One switchover, from a person's order (or a restart) to its end.

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
    answer: Callable[[Decision], None]
    state: switchover.State = field(default_factory=switchover.State)

    def __post_init__(self) -> None:
        """Name who carries out which action."""
        self._handlers: Mapping[type, Callable[[Any], switchover.Observation | None]] = {
            switchover.Assess: self._assess,
            switchover.Listen: self._listen,
            switchover.Claim: self._claim,
            switchover.Announce: self._announce,
            switchover.Answer: self._answer,
            switchover.Activate: self._activate,
            switchover.MailUsers: self._mail_users,
            switchover.Settle: self._settle,
            switchover.Notify: self._notify,
        }

    def drive(self, seen: switchover.Observation) -> switchover.State:
        """Feed observations to the machine until the switchover is over."""
        machine.drive(seen, self._take, self._perform)
        return self.state

    def _take(self, seen: switchover.Observation) -> Sequence[switchover.Action]:
        self.state, actions = switchover.step(self.state, seen)
        return actions

    def _perform(self, action: switchover.Action) -> switchover.Observation | None:
        if isinstance(action, machine.Tell):  # what cannot be told ends this drive; it is resumed
            self._tell(action)
            return None
        try:
            return self._handlers[type(action)](action)
        except RedundancyError as error:
            return machine.Failed(error.code, error.message)

    @property
    def _local(self) -> Appliance:
        return Appliance(self.services.local)

    def _tell(self, action: machine.Tell) -> None:
        self.journal.tell(self.state.operation, action.event, action.cause, **action.detail)

    def _assess(self, _action: switchover.Assess) -> switchover.Observation:
        status = self.desk.status  # of the look that the order began with: another takes too long
        current = roles_of(status, self.configuration).current
        return switchover.Assessed(
            standby=current == "standby",
            epoch=status.lineage.epoch,
            adopts=status.origin.network if status.origin else None,
            doubts=self.doubts(status),
        )

    def doubts(self, status: Status) -> tuple[tuple[str, str], ...]:
        """Return what a person must confirm before a switchover (D17)."""
        found: list[tuple[str, str]] = []
        if status.origin is not None:
            age = self.services.calendar.now() - status.origin.taken_at
            if age > timedelta(hours=self.configuration.stale_after_h):
                found.append(("data-stale", f"{age.total_seconds() / 3600:.0f}"))
        found += [("lines", one) for one in replug(status)]
        return tuple(found)

    def _listen(self, action: switchover.Listen) -> switchover.Observation:
        self.journal.intend(self.state.operation, "listen", address=action.address)
        self.watch.look(action.address)
        answered = self.watch.prove_silence()
        silent_s = self.watch.silent_s
        self.watch.close()
        if answered:
            return switchover.Answered(tuple(sorted(answered)))
        return switchover.Silent(silent_s)

    def _claim(self, action: switchover.Claim) -> switchover.Observation:
        self.journal.intend(self.state.operation, "claim", epoch=action.epoch)
        self._local.take_over(action.operation, action.epoch, action.network)
        return machine.Done()

    def _announce(self, action: switchover.Announce) -> switchover.Observation:
        for number in range(action.times):
            if number or action.times > 1:
                self.services.stopwatch.sleep(ANNOUNCE_INTERVAL_S)
            self.services.addresses.announce(action.address)
        return machine.Done()

    def _answer(self, action: switchover.Answer) -> None:
        self.watch.close()
        adopted = self.state.adopts.address if self.state.adopts else ""
        self.answer(Decision(action.outcome, action.code, action.reasons, adopted))

    def _activate(self, _action: switchover.Activate) -> switchover.Observation:
        return machine.Done({"modules": list(self._local.activate_modules().modules)})

    def _mail_users(self, action: switchover.MailUsers) -> switchover.Observation:
        self.journal.intend(action.operation, "mail-users")
        mails = self.desk.users_mails(action.operation, self._local.users())
        self._local.enqueue_mails(mails)
        return machine.Done({"mails": len(mails)})

    def _settle(self, action: switchover.Settle) -> switchover.Observation:
        self.journal.intend(action.operation, "settle")
        self._local.settle(action.operation)
        return machine.Done()

    def _notify(self, action: switchover.Notify) -> None:
        self.desk.switchover(action, self.state.operation)


def replug(status: Status) -> tuple[str, ...]:
    """Return the kinds of lines that are plugged by hand before a switchover (R53)."""
    return tuple(one for one in ("isdn", "analogue") if status.lines.get(one, 0))
