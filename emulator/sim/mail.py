"""The lab's SMTP server (`emulator.lab.MailSink`)."""

from __future__ import annotations

from dataclasses import dataclass
from email import policy
from email.parser import BytesHeaderParser

from emulator.lab import MailRecord
from emulator.sim.world import World


@dataclass(frozen=True)
class _Taken:
    sender: str
    recipient: str
    received_s: float
    raw: bytes


class SimMailSink:
    """Takes every message; they are parsed only when somebody looks."""

    PORT = 25

    def __init__(self, world: World) -> None:
        self._world = world
        self._taken: list[_Taken] = []
        self._records: list[MailRecord] = []

    def take(self, sender: str, recipient: str, message: bytes) -> None:
        """Take one message."""
        self._taken.append(_Taken(sender, recipient, self._world.now_s, message))

    def messages(self) -> tuple[MailRecord, ...]:
        """Return everything it has taken, oldest first."""
        self._records += [_record(one) for one in self._taken[len(self._records) :]]
        return tuple(self._records)


def _record(taken: _Taken) -> MailRecord:
    headers = BytesHeaderParser(policy=policy.default).parsebytes(taken.raw)
    return MailRecord(
        message_id=str(headers["Message-ID"] or "").strip(),
        sender=taken.sender,
        recipients=(taken.recipient,),
        subject=str(headers["Subject"] or ""),
        received_s=taken.received_s,
        raw=taken.raw,
    )
