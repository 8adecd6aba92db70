"""Sends the module's notifications through the appliance's mail queue (D5, R26, R27)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from redundancy import notices, rollback, rollback_texts, run, run_messages
from redundancy.agenda import Missed
from redundancy.client import Appliance
from redundancy.configuration import ModuleConfiguration
from redundancy.contract import Mail, Status, User
from redundancy.notices import Sender
from redundancy.switchover import Notify


@dataclass(frozen=True)
class Desk:
    """Where mails are written and handed in.

    Attributes:
        local: the appliance whose queue takes them.
        configuration: whether to send, and to whom.
        status: of the appliance, for its name.
    """

    local: Appliance
    configuration: ModuleConfiguration
    status: Status

    def run(self, action: run_messages.Notify, state: run.State) -> None:
        """Notify the module's address of a run's outcome."""
        event, recipient = f"{action.kind}-{state.epoch}.{state.run}", self._recipient
        match action.kind:
            case "run-failed":
                mail = notices.run_failed(self._sender, event, recipient, state)
            case "run-refused":
                mail = notices.run_refused(self._sender, event, recipient, state, action.problems)
            case "run-recovered":
                mail = notices.run_recovered(self._sender, event, recipient, state)
        self._hand_in(mail)

    def delayed(self, slots: Missed) -> None:
        """Notify the module's address of a run that comes late (D5)."""
        event = f"run-delayed-{slots.first.isoformat()}"
        self._hand_in(notices.run_delayed(self._sender, event, self._recipient, slots))

    def skipped(self, slots: Missed) -> None:
        """Notify the module's address of slots without a run (D5, O5)."""
        event = f"run-skipped-{slots.first.isoformat()}"
        self._hand_in(notices.run_skipped(self._sender, event, self._recipient, slots))

    def data_aged(self, operation: str, taken_at: datetime) -> None:
        """Notify the module's address that the standby's data is too old (D5, F0)."""
        limit_h = self.configuration.stale_after_h
        mail = notices.data_aged(self._sender, operation, self._recipient, taken_at, limit_h)
        self._hand_in(mail)

    def contested(self, operation: str, address: str, mac: str) -> None:
        """Notify the module's address that another device claims this appliance's (D10)."""
        mail = notices.address_contested(self._sender, operation, self._recipient, (address, mac))
        self._hand_in(mail)

    def switchover(self, action: Notify, operation: str) -> None:
        """Notify the module's address of a switchover's outcome."""
        event = f"{action.kind}-{operation}"
        if action.kind == "switchover-done":
            mail = notices.switchover_done(self._sender, event, self._recipient)
        else:
            mail = notices.switchover_refused(self._sender, event, self._recipient, action.reasons)
        self._hand_in(mail)

    def rollback(self, action: rollback.Notify, operation: str, number: int) -> None:
        """Notify the module's address of a step that failed; `number` counts the refusals."""
        event = f"rollback-failed-{operation}-{number}"
        words = rollback_texts.STEPS[self._sender.language][action.step].title
        advice = rollback_texts.advice(self._sender.language, action.cause, action.reasons)
        self._hand_in(
            notices.rollback_failed(self._sender, event, self._recipient, (words, *advice))
        )

    def users_mails(self, operation: str, users: Sequence[User]) -> list[Mail]:
        """Write the mail of R54 to every user who has an address (R55), whatever R26 says."""
        return [
            notices.restart_phone(self._sender, f"restart-{operation}-{one.login}", one, one.email)
            for one in users
            if one.email
        ]

    @property
    def _sender(self) -> Sender:
        one = self.status
        return Sender(one.name, one.hardware_id, one.zone, self.configuration.language)

    @property
    def _recipient(self) -> str:
        return self.configuration.mail_address

    def _hand_in(self, mail: Mail) -> None:
        if self.configuration.send_mails:
            self.local.enqueue_mails([mail])
