"""What a lab can do inside of an appliance: the appliance's side of faults.

A rig stands between the appliance program and its machine. The program knows nothing of it:
it sees a machine whose disk is full, whose SSH server is stopped, or whose transfer is cut at
a byte. The disk's faults act in the appliance's own disk port, to the byte and alike on every
backend; what writes past that port (the module's journal, sshd) does not meet them.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, BinaryIO

from emulator.appliance.commands.table import CONTRACT_VERSION
from emulator.appliance.rigged_disk import RiggedDisk
from emulator.appliance.transfer_faults import TransferFaults
from emulator.ports import (
    Calendar,
    Disk,
    Machine,
    MailServer,
    Network,
    RemoteShell,
    Stopwatch,
    Telephony,
)

SSH_KEYS, USUAL_PORT = "ssh", 22

Dispatch = Callable[[Sequence[str], BinaryIO], dict[str, Any]]


class Tripwires:
    """Events at which the appliance stands still until the lab has acted.

    Args:
        halt: waits until then; it is given the tripwire's number.
    """

    def __init__(self, halt: Callable[[int], None]) -> None:
        self._halt = halt
        self._order = threading.Lock()
        self._numbers = itertools.count(1)
        self._armed: dict[int, tuple[str, int]] = {}  # event and how many more of it

    def arm(self, event: str, times: int) -> int:
        """Stand still at the how-manieth event of a name; the tripwire's number."""
        with self._order:
            number = next(self._numbers)
            self._armed[number] = (event, times)
            return number

    def take(self) -> int:
        """Return a number for something that calls `halt` by itself."""
        with self._order:
            return next(self._numbers)

    def halt(self, number: int) -> None:
        """Stand still now."""
        self._halt(number)

    def step(self, event: str) -> None:
        """Note that an event was told of."""
        tripped = []
        with self._order:
            for number, (name, left) in list(self._armed.items()):
                if name == event:
                    self._armed[number] = (name, left - 1)
                    if left == 1:
                        tripped.append(number)
                        del self._armed[number]
        for number in tripped:
            self._halt(number)


class RiggedShell:
    """SSH that a lab can stop, and whose password it can change (`emulator.ports.RemoteShell`)."""

    def __init__(self, shell: RemoteShell, stopwatch: Stopwatch, disk: Disk) -> None:
        self._shell = shell
        self._stopwatch = stopwatch
        self._disk = disk
        self._password = ""
        self._other = ""
        self._stopped = False

    def serve(self, password: str) -> None:
        """Start (or go on) to answer."""
        self._password = password
        if not self._stopped:
            self._shell.serve(self._other or password)

    def await_listening(self, stopwatch: Stopwatch) -> None:
        """Wait until connections are taken."""
        self._shell.await_listening(stopwatch)

    def stop(self) -> None:
        """Stop answering and end the sessions."""
        self._shell.stop()

    def fall_silent(self) -> None:
        """Stop answering, whatever the appliance wants."""
        self._stopped = True
        self._shell.stop()

    def speak(self) -> int:
        """Answer again."""
        self._stopped = False
        self._answer()
        return 1

    def change_password(self, password: str) -> None:
        """Take another password than the appliance's."""
        self._other = password
        self._shell.serve(password)

    def restore_password(self) -> int:
        """Take the appliance's password again."""
        self._other = ""
        self._shell.serve(self._password)
        return 1

    def move(self, port: int) -> None:
        """Answer at another port (D19)."""
        self._shell.listen_at(port)
        self._shell.stop()
        self._answer()

    def move_back(self) -> int:
        """Answer at the usual port again."""
        self.move(USUAL_PORT)
        return 1

    def listen_at(self, port: int) -> None:
        """Take connections at a port from the next start on."""
        self._shell.listen_at(port)

    def change_host_key(self) -> None:
        """Forget the host keys; others are made."""
        self._shell.stop()
        for name in self._disk.list(SSH_KEYS):
            self._disk.unlink(f"{SSH_KEYS}/{name}")
        self._answer()

    def _answer(self) -> None:
        self._shell.serve(self._other or self._password)
        self._shell.await_listening(self._stopwatch)


class RiggedMachine:
    """A machine as its appliance sees it through a rig (`emulator.ports.Machine`)."""

    def __init__(self, machine: Machine, tripwires: Tripwires) -> None:
        self._machine = machine
        self._tripwires = tripwires
        self.disk = RiggedDisk(machine.disk)
        self.remote_shell = RiggedShell(machine.remote_shell, machine.stopwatch, machine.disk)

    @property
    def calendar(self) -> Calendar:
        """The clock."""
        return self._machine.calendar

    @property
    def stopwatch(self) -> Stopwatch:
        """Elapsed time."""
        return self._machine.stopwatch

    @property
    def network(self) -> Network:
        """The LAN port."""
        return self._machine.network

    @property
    def telephony(self) -> Telephony:
        """SIP."""
        return self._machine.telephony

    def listens(self, port: int) -> bool:
        """Tell whether connections are taken at a port."""
        return self._machine.listens(port)

    def start(self, name: str, body: Callable[[], None]) -> None:
        """Start a thread."""
        self._machine.start(name, body)

    def submit_mail(self, server: MailServer, recipient: str, message: bytes) -> None:
        """Hand one message to an SMTP server."""
        self._machine.submit_mail(server, recipient, message)

    def entropy(self, length: int) -> bytes:
        """Return unpredictable bytes."""
        return self._machine.entropy(length)

    def emit(self, source: str, event: str, cause: str, detail: Mapping[str, Any]) -> None:
        """Tell of an event, and stand still at it if the lab wants that."""
        self._machine.emit(source, event, cause, detail)
        self._tripwires.step(event)


class RiggedCommands:
    """Commands that a lab can have answered without being carried out."""

    def __init__(self) -> None:
        self._feigning = False
        self._feigned = 0

    def through(self, dispatch: Dispatch) -> Dispatch:
        """Return the way to an appliance's commands, past this."""

        def answer(argv: Sequence[str], stdin: BinaryIO) -> dict[str, Any]:
            if self._feigning and list(argv[:1]) == ["import"]:
                self._feigned += 1
                return {"contract": CONTRACT_VERSION, "ok": True, "result": _imported(argv[1])}
            return dispatch(argv, stdin)

        return answer

    def feign(self) -> None:
        """Report every import as done, and do none (T14)."""
        self._feigning = True

    def mean(self) -> int:
        """Carry imports out again; how many were feigned."""
        self._feigning = False
        feigned, self._feigned = self._feigned, 0
        return feigned


def _imported(token: str) -> dict[str, int]:
    """Return what an import under a token is answered with."""
    return {"epoch": int(token.partition(".")[0]), "generation": 1, "objects": 1}


class Rig:
    """All levers of an appliance.

    Args:
        machine: the box.
        sever: breaks the connection that a command's standard input belongs to.
        halt: stands still until the lab has acted on a tripwire.
        others: levers of the program that runs on the box.

    Attributes:
        machine: the box as the appliance is to see it.
        transfers: what transfers into the appliance are read through.
        commands: what the appliance's answers pass through.
    """

    def __init__(
        self,
        machine: Machine,
        sever: Callable[[BinaryIO], None],
        halt: Callable[[int], None],
        **others: Callable[..., Any],
    ) -> None:
        self._tripwires = Tripwires(halt)
        self.machine = RiggedMachine(machine, self._tripwires)
        self.transfers = TransferFaults(machine, sever)
        self.commands = RiggedCommands()
        disk, shell = self.machine.disk, self.machine.remote_shell
        self._levers: Mapping[str, Callable[..., Any]] = {
            "transfer.cut": self.transfers.arm_cut,
            "transfer.flip": self.transfers.arm_flip,
            "transfer.disarm": self.transfers.disarm,
            "transfer.hold": self.transfers.arm_hold,
            "transfer.release": self.transfers.release,
            "transfer.halt": self._halt_transfer,
            "event.halt": self._tripwires.arm,
            "import.feign": self.commands.feign,
            "import.mean": self.commands.mean,
            "disk.fill": disk.fill,
            "disk.free": disk.free,
            "disk.fail-reads": disk.fail_reads,
            "disk.read": disk.read,
            "ssh.stop": shell.fall_silent,
            "ssh.start": shell.speak,
            "ssh.password": shell.change_password,
            "ssh.password-back": shell.restore_password,
            "ssh.host-key": shell.change_host_key,
            "ssh.move": shell.move,
            "ssh.move-back": shell.move_back,
            "clock.shift": self._shift_clock,
            **others,
        }

    def pull(self, lever: str, values: Mapping[str, Any]) -> Any:
        """Pull a lever.

        Raises:
            KeyError: there is none of that name.
        """
        return self._levers[lever](**values)

    def _halt_transfer(self, fraction: float, *, before_last: bool) -> int:
        number = self._tripwires.take()
        self.transfers.arm_halt(fraction, before_last, lambda: self._tripwires.halt(number))
        return number

    def _shift_clock(self, by_s: float) -> None:
        self.machine.calendar.shift(timedelta(seconds=by_s))
