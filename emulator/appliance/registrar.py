"""Whom the box answers on SIP: its own phones, and only while it is the active (R6, R45).

The SIP server itself is of the machine. It knows its registrations in memory alone: they are in
no backup, and whoever takes over is found by the phones at their next refresh.
"""

from __future__ import annotations

import threading
from datetime import datetime

from emulator.appliance.store import Store
from emulator.appliance.worker import Worker
from emulator.ports import Machine, Registration, SipAccount

KIND = "phones"
PORT = 5060  # of SIP over UDP and TCP (RFC 3261 section 18.1.2)


class Registrar:
    """Keeps the SIP server in line with what the box is: its role, its address, its phones."""

    def __init__(self, machine: Machine, store: Store) -> None:
        self._telephony = machine.telephony
        self._identity = store.identity
        self._content = store.content
        bell = machine.calendar.bell()
        self._worker = Worker(machine, "registrar", bell, self._look)
        self._acting = threading.Lock()  # a look that is under way must not undo a stop
        store.identity.watch(bell.ring)
        store.content.watch(bell.ring)

    def start(self) -> None:
        """Follow the box from now on."""
        self._worker.start()

    def stop(self) -> None:
        """Refuse everyone from now on."""
        self._worker.stop()
        with self._acting:
            self._telephony.stop()

    def registrations(self) -> tuple[Registration, ...]:
        """Return who is registered."""
        return self._telephony.registrations()

    def _look(self, _due: bool) -> datetime | None:  # noqa: FBT001 - the worker passes nothing else
        with self._acting:
            if not self._worker.stopped:
                self._follow()
        return None

    def _follow(self) -> None:
        facts = self._identity.facts()
        if facts.is_standby:
            self._telephony.stop()
        else:
            self._telephony.serve(facts.network.address, self._accounts())

    def _accounts(self) -> list[SipAccount]:
        """Return the accounts of all phones that somebody has; one without a secret has none."""
        return [
            SipAccount(key, body["user"], body["sip_secret"])
            for key, body in self._content.all(KIND).items()
            if body.get("user") and body.get("sip_secret")
        ]
