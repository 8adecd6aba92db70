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
    """Takes messages as its manner has it; they are parsed only when somebody looks."""

    PORT = 25

    def __init__(self, world: World) -> None:
        self._world = world
        self._taken: list[_Taken] = []
        self._records: list[MailRecord] = []
        self._manner = "well"
        self._delay_s = 0.0
        self._met = 0
        self._put_off: set[str] = set()

    def behave(self, manner: str, delay_s: float) -> int:
        """Behave `well` or otherwise from now on; how many messages met the old manner."""
        met = max(self._met, int(self._manner == "down"))
        self._manner, self._delay_s, self._met = manner, delay_s, 0
        self._put_off.clear()
        return met

    @property
    def listens(self) -> bool:
        """Whether a connection is taken."""
        return self._manner != "down"

    def take(self, sender: str, recipient: str, message: bytes) -> None:
        """Take one message, in a task of its sender.

        Raises:
            OSError: it is turned away, with the words of an SMTP server (RFC 5321, 4.2.3).
        """
        if self._manner == "slow":
            self._met += 1
            self._world.sleep(self._delay_s)
        if self._manner == "refusing":
            self._met += 1
            raise OSError("550 5.7.1 not taken here")
        if self._manner == "greylisting" and recipient not in self._put_off:
            self._met += 1
            self._put_off.add(recipient)
            raise OSError("451 4.7.1 greylisted, try again later")
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
