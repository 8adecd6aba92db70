"""The appliance program: the same on every backend (docs/design.md, "The appliance")."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO

from emulator.appliance import factory_settings
from emulator.appliance.addressing import Addressing
from emulator.appliance.backups import Backups
from emulator.appliance.commands.table import CONTRACT_VERSION, dispatch
from emulator.appliance.content import Blobs, Content
from emulator.appliance.faults import TransferFaults
from emulator.appliance.fence import Gate
from emulator.appliance.identity import Identity
from emulator.appliance.importer import Importer, recover
from emulator.appliance.intake import Intake
from emulator.appliance.jobs import Jobs
from emulator.appliance.mail_queue import MailQueue, MailServer
from emulator.appliance.modules import ModuleLoader
from emulator.appliance.parts import Parts
from emulator.appliance.references import Sweeper
from emulator.appliance.refusal import Refusal
from emulator.appliance.reports import report
from emulator.appliance.restoring import Restorer
from emulator.appliance.snapshots import Snapshots
from emulator.appliance.store import Store
from emulator.appliance.takeover import Takeovers
from emulator.appliance.vault import Vault
from emulator.ports import Machine

if TYPE_CHECKING:
    from emulator.appliance.web.app import HeldPages


class Appliance:
    """One telephone appliance, as far as a warm standby sees it.

    Args:
        machine: the box that it runs on.
        sever: breaks the connection that a command's standard input belongs to; a lab's
            transfer faults need it.
        power_off: called by the command `shutdown`; it must return at once and have
            `Appliance.shutdown` called soon after.
        load: makes the module that the appliance hosts.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        sever: Callable[[BinaryIO], None],
        power_off: Callable[[], None],
        load: ModuleLoader,
    ) -> None:
        self.machine = machine
        self._power_off = power_off
        self._load = load
        self._faults = TransferFaults(machine, sever)
        self._parts: Parts | None = None

    @property
    def parts(self) -> Parts:
        """The parts of the appliance.

        Raises:
            Refusal: `booting`.
        """
        if self._parts is None:
            raise Refusal("booting", "the appliance is still booting", "wait a moment")
        return self._parts

    def boot(self) -> None:
        """Come up from the state directory; from factory settings the first time.

        The caller holds the Calendar.

        Raises:
            Refusal: `factory`, when there is neither a state nor usable factory settings.
        """
        disk = self.machine.disk
        identity = Identity.open(disk, Vault.unlock(self.machine))
        blobs = Blobs(disk)
        first = identity.is_new
        if first:
            factory_settings.apply(disk, identity, blobs)
        factory_settings.forget(disk)
        outcome = recover(self.machine, identity, blobs)
        facts = identity.facts()
        addressing = Addressing(self.machine)
        addressing.occupy(facts)
        self.machine.remote_shell.serve(facts.root_password)
        store = Store(identity, Content(disk, facts.content, identity.vault), blobs)
        self._parts = self._assemble(store, addressing)
        self._parts.backups.tidy()
        self._parts.snapshots.tidy()
        self._parts.mail.start()
        self._parts.jobs.start()
        self._parts.module = self._load(self)
        report(self.machine, "booted", "first" if first else outcome, version=facts.version)
        self._parts.module.start()

    def module_secret(self, module: str, field: str) -> str:
        """Return a secret of a module's configuration, for that module alone (D15)."""
        body = self.parts.content.get("modules", module)
        return "" if body is None else str(body["values"].get(field, ""))

    def dispatch(self, argv: Sequence[str], stdin: BinaryIO) -> dict[str, Any]:
        """Run an `appliancectl` command; its answer. The caller holds the Calendar."""
        if self._parts is None:
            error = {"code": "booting", "message": "the appliance is still booting", "remedy": ""}
            return {"contract": CONTRACT_VERSION, "ok": False, "error": error}
        return dispatch(self._parts, argv, stdin)

    def arm_cut(self, fraction: float, count: int) -> None:
        """Cut the next `count` transfers into this appliance after a part of their bytes."""
        self._faults.arm(fraction, count)

    @cached_property
    def web(self) -> HeldPages:
        """The pages, as a WSGI application; each request holds the Calendar."""
        from emulator.appliance.web.app import pages  # noqa: PLC0415 - SSH answers before Flask loads

        return pages(self.parts)

    def shutdown(self) -> None:
        """End in order; harmless when repeated. The caller holds the Calendar."""
        if self._parts is None:
            return
        parts, self._parts = self._parts, None
        if parts.module is not None:
            parts.module.stop()
        parts.mail.stop()
        parts.jobs.stop()
        self.machine.remote_shell.stop()
        report(self.machine, "stopped")

    def _assemble(self, store: Store, addressing: Addressing) -> Parts:
        machine, identity = self.machine, store.identity
        gate = Gate(machine, identity)
        sweeper = Sweeper(machine.disk, store, gate)
        intake = Intake(machine, store, gate, sweeper, self._faults.tap)
        backups = Backups(machine, store)
        importer = Importer(machine, store, gate, sweeper)
        return Parts(
            machine=machine,
            identity=identity,
            content=store.content,
            backups=backups,
            snapshots=Snapshots(machine, store, backups),
            jobs=Jobs(machine, store, backups),
            gate=gate,
            intake=intake,
            importer=importer,
            restorer=Restorer(machine, identity, gate, importer, addressing),
            addressing=addressing,
            takeovers=Takeovers(machine, identity, addressing),
            mail=MailQueue(machine, lambda: _mail_server(store.content)),
            power_off=self._power_off,
        )


def _mail_server(content: Content) -> MailServer | None:
    body = content.get("mail", "server")
    return None if body is None else MailServer(body["host"], body["port"], body["sender"])
