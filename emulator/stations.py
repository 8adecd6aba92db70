"""The runner's end of the switch node: observer, phones, mail sink and wire of a hosted lab."""

from __future__ import annotations

import base64
import itertools
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from email import message_from_bytes, policy
from typing import Any, Protocol

from emulator.lab import ArpReply, LabError, MailRecord, NodeDown, PingRecord
from emulator.nodelink import Pipe
from emulator.ports import SipAccount
from emulator.telephones import Behaviour, Call, ClientRecord, Handset

GRACE_S = 30.0  # beyond the time that an order takes by its nature


class Orders:
    """Orders to `emulator.agents` over one pipe, several at a time.

    Args:
        pipe: to the program's socket.
    """

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._numbers = itertools.count(1)
        self._answers: dict[int, Mapping[str, Any]] = {}
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._gone = False
        threading.Thread(target=self._read, name="orders", daemon=True).start()

    def do(self, operation: str, takes_s: float = 0.0, **values: Any) -> Any:
        """Give an order and wait for its result.

        Args:
            operation: `station.operation`.
            takes_s: how long the operation takes by its nature.
            values: its arguments.

        Raises:
            LabError: it was declined, with why.
            NodeDown: the program is gone or does not answer.
        """
        number = next(self._numbers)
        line = json.dumps({"id": number, "do": operation, "with": values}).encode() + b"\n"
        try:
            with self._writing:
                self._pipe.send(line)
        except OSError as error:
            raise NodeDown("the lab's switch is gone", remedy="make the lab anew") from error
        with self._changed:
            self._changed.wait_for(lambda: number in self._answers or self._gone, takes_s + GRACE_S)
            answer = self._answers.pop(number, None)
        if answer is None:
            raise NodeDown(f"the lab's switch did not answer {operation}", remedy="make it anew")
        if "error" in answer:
            raise LabError(answer["error"])
        return answer["result"]

    def plug(self, cable: str, pid: int) -> None:
        """Lay a cable to a process of the switch's host (`emulator.backends.Plug`)."""
        self.do("switch.plug", cable=cable, pid=pid)

    def close(self) -> None:
        """Hang up; harmless when repeated."""
        self._pipe.close()

    def _read(self) -> None:
        for line in self._pipe.lines():
            answer = json.loads(line)
            with self._changed:
                self._answers[answer["id"]] = answer
                self._changed.notify_all()
        with self._changed:
            self._gone = True
            self._changed.notify_all()


class HostedObserver:
    """The observer of a hosted lab."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    def who_has(self, address: str, listen_s: float = 0.5) -> tuple[ArpReply, ...]:
        """Ask once; every answer within the time."""
        rows = self._orders.do("observer.who_has", listen_s, address=address, listen_s=listen_s)
        return tuple(ArpReply(at_s, mac) for at_s, mac in rows)

    def watch(self, address: str, interval_s: float = 0.01) -> None:
        """Ask again and again in the background, until `stop`."""
        self._orders.do("observer.watch", address=address, interval_s=interval_s)

    def stop(self) -> tuple[ArpReply, ...]:
        """End the watch and return every answer."""
        return tuple(ArpReply(at_s, mac) for at_s, mac in self._orders.do("observer.stop"))


class HostedPhone:
    """A phone of a hosted lab."""

    def __init__(self, orders: Orders, name: str) -> None:
        self._orders = orders
        self._name = name

    def watch(self, address: str, interval_s: float = 0.01) -> None:
        """Ping in the background until `stop`; the first answer primes the cache."""
        self._orders.do(f"{self._name}.watch", address=address, interval_s=interval_s)

    def stop(self) -> PingRecord:
        """End the watch and return what was seen."""
        sent, answers = self._orders.do(f"{self._name}.stop")
        return PingRecord(sent, tuple((at_s, mac) for at_s, mac in answers))


class HostedTelephone:
    """A telephone of a hosted lab."""

    def __init__(self, orders: Orders, name: str, handset: Handset) -> None:
        self._orders = orders
        self._name = name
        self.handset = handset

    def provision(self, registrar: str, secret: str) -> None:
        """Give it its account and habits, and switch it on.

        Args:
            registrar: the address of the appliance.
            secret: of its account.
        """
        own = self.handset
        account = {"registrar": registrar, "extension": own.extension, "name": own.account}
        self._do("provision", account={**account, "secret": secret}, behaviour=vars(own.behaviour))

    def registered(self, since_s: float, limit_s: float) -> bool:
        """Wait for a good answer to a registration since an instant; whether one came."""
        return bool(self._do("await_registered", limit_s, since_s=since_s, limit_s=limit_s))

    def dial(self, extension: str, limit_s: float = 10.0) -> Call:
        """Call somebody; returns when they talk, or when it is clear that they will not."""
        return Call(**self._do("dial", limit_s, extension=extension, limit_s=limit_s))

    def hears(self, packets: int, limit_s: float) -> bool:
        """Wait until so much audio of the newest call has come; whether it has."""
        return bool(self._do("await_audio", limit_s, packets=packets, limit_s=limit_s))

    def hang_up(self) -> None:
        """End the call."""
        self._do("hang_up")

    def restart(self) -> None:
        """Pull its plug and put it in again (R52)."""
        self._do("restart")

    def record(self) -> ClientRecord:
        """Return everything that was seen so far."""
        seen = self._do("seen")
        return ClientRecord(
            answers=tuple((at_s, mac) for at_s, mac in seen["answers"]),
            restarts=tuple(seen["restarts"]),
            calls=tuple(Call(**one) for one in seen["calls"]),
        )

    def _do(self, order: str, takes_s: float = 0.0, **values: Any) -> Any:
        return self._orders.do(f"{self._name}.{order}", takes_s, **values)


class HostedCrowd:
    """Many telephones of a hosted lab, at one place."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    def provision(
        self, registrar: str, accounts: Sequence[SipAccount], behaviour: Behaviour
    ) -> None:
        """Give them their accounts, and switch them on."""
        rows = [asdict(one) for one in accounts]
        expires_s = behaviour.registers_every_s
        self._orders.do("crowd.provision", registrar=registrar, accounts=rows, expires_s=expires_s)

    def answers(self) -> Mapping[str, tuple[tuple[float, str], ...]]:
        """Return every good answer to a registration, by extension."""
        seen = self._orders.do("crowd.seen")
        return {
            extension: tuple((at_s, mac) for at_s, mac in rows) for extension, rows in seen.items()
        }


class HostedMailSink:
    """The mail sink of a hosted lab."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._taken: list[MailRecord] = []
        self._lock = threading.Lock()

    def messages(self) -> tuple[MailRecord, ...]:
        """Return everything it has taken, oldest first; only what is new crosses the channel."""
        with self._lock:
            rows = self._orders.do("mail.messages", after=len(self._taken))
            self._taken.extend(_mail(row) for row in rows)
            return tuple(self._taken)


def _mail(row: Mapping[str, Any]) -> MailRecord:
    raw = base64.b64decode(row["raw"])
    message = message_from_bytes(raw, policy=policy.default)
    return MailRecord(
        message_id=str(message["Message-ID"] or "").strip(),
        sender=row["sender"],
        recipients=tuple(row["recipients"]),
        subject=str(message["Subject"] or ""),
        received_s=row["received_s"],
        raw=raw,
    )


class Plugged(Protocol):
    """Told of cables."""

    def __call__(self, node: str, *, up: bool) -> None:
        """A node's cable was plugged in or out."""


class HostedWire:
    """The switch of a hosted lab.

    Args:
        orders: to the switch node.
        cable: names the bridge's end of a node's cable.
        plugged: called after a cable was plugged in or out on purpose.
    """

    def __init__(self, orders: Orders, cable: Callable[[str], str], plugged: Plugged) -> None:
        self._orders = orders
        self._cable = cable
        self._plugged = plugged

    def capture(self) -> None:
        """Start to record ARP and SIP on the whole LAN."""
        self._orders.do("switch.capture")

    def pcap(self) -> bytes:
        """Stop and return the recording in pcap form."""
        return base64.b64decode(self._orders.do("switch.pcap"))

    def carrier(self, node: str, *, up: bool) -> None:
        """Plug a node's cable in or out."""
        self._orders.do("switch.carrier", cable=self._cable(node), up=up)
        self._plugged(node, up=up)
