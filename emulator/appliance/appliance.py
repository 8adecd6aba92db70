"""The appliance program: the same on every backend (docs/design.md, "The appliance")."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO

from emulator.appliance import content as contents
from emulator.appliance import factory_settings, layout
from emulator.appliance.activity import Activity
from emulator.appliance.addressing import Addressing
from emulator.appliance.backups import Backups
from emulator.appliance.commands.table import CONTRACT_VERSION, dispatch
from emulator.appliance.content import Blobs, Content
from emulator.appliance.databases import DamagedDatabase, OutOfOrder
from emulator.appliance.fence import Gate
from emulator.appliance.guard import Guard
from emulator.appliance.identity import Identity
from emulator.appliance.importer import Importer, mend, recover
from emulator.appliance.intake import Intake, Tap
from emulator.appliance.jobs import Jobs
from emulator.appliance.mail_queue import MailQueue, mail_server
from emulator.appliance.modules import ModuleLoader
from emulator.appliance.parts import Parts
from emulator.appliance.records import Facts
from emulator.appliance.references import Sweeper
from emulator.appliance.refusal import Refusal
from emulator.appliance.registrar import Registrar
from emulator.appliance.reports import report
from emulator.appliance.restoring import Restorer
from emulator.appliance.snapshots import Snapshots
from emulator.appliance.store import Store
from emulator.appliance.takeover import Takeovers
from emulator.appliance.uploads import Uploads
from emulator.appliance.vault import Vault
from emulator.appliance.web.sessions import Sessions
from emulator.ports import Machine

if TYPE_CHECKING:
    from emulator.appliance.web.app import HeldPages


def untouched(stream: BinaryIO, size: int) -> BinaryIO:
    """Return a transfer's stream as it is."""
    del size
    return stream


class Appliance:
    """One telephone appliance, as far as a warm standby sees it.

    Args:
        machine: the box that it runs on.
        tap: what a transfer into the appliance is read through; a lab's faults lie there.
        power_off: called by the command `shutdown`; it must return at once and have
            `Appliance.shutdown` called soon after.
        restart: called after an update; it must return at once, have `Appliance.shutdown`
            called soon after, and then another appliance booted on the same machine.
        load: makes the module that the appliance hosts.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        tap: Tap = untouched,
        power_off: Callable[[], None],
        restart: Callable[[], None],
        load: ModuleLoader,
    ) -> None:
        self.machine = machine
        self._power_off = power_off
        self._restart = restart
        self._load = load
        self._tap = tap
        self._parts: Parts | None = None
        self._trouble: OutOfOrder | None = None

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
            OutOfOrder: `damaged`, `newer-format`, `locked`, `secrets`: people must act. Every
                command but `shutdown` is answered with this.
        """
        try:
            self._boot()
        except OutOfOrder as trouble:
            self._trouble = trouble
            report(self.machine, "boot.refused", trouble.code, why=trouble.message)
            raise

    def _boot(self) -> None:
        disk = self.machine.disk
        identity = Identity.open(disk, Vault.unlock(self.machine))
        blobs = Blobs(disk)
        first = identity.is_new
        if first:
            if disk.list(contents.FOLDER) and layout.FACTORY not in disk.list(""):
                raise DamagedDatabase(layout.IDENTITY, "it is empty")
            factory_settings.apply(disk, identity, blobs)
        factory_settings.forget(disk)
        facts = identity.facts()
        addressing = Addressing(self.machine)
        try:
            mend(self.machine, identity)
            outcome = recover(self.machine, identity, blobs)
        except OutOfOrder:
            self._go_online(addressing, facts)  # people must reach it to read why
            raise
        facts = identity.facts()
        self._go_online(addressing, facts)
        store = Store(identity, Content(disk, facts.content, identity.vault), blobs)
        self._parts = self._assemble(store, addressing)
        self._parts.backups.tidy()
        self._parts.snapshots.tidy()
        self._parts.mail.start()
        self._parts.jobs.start()
        self._parts.registrar.start()
        self._parts.module = self._load(self)
        identity.watch(self._changed)
        store.content.watch(self._changed)
        self._parts.guard.start()
        report(self.machine, "booted", "first" if first else outcome, version=facts.version)
        self._parts.module.start()

    def _go_online(self, addressing: Addressing, facts: Facts) -> None:
        addressing.occupy(facts)
        self.machine.remote_shell.serve(facts.root_password)

    def module_secret(self, module: str, field: str) -> str:
        """Return a secret of a module's configuration, for that module alone (D15)."""
        body = self.parts.content.get("modules", module)
        return "" if body is None else str(body["values"].get(field, ""))

    def dispatch(self, argv: Sequence[str], stdin: BinaryIO) -> dict[str, Any]:
        """Run an `appliancectl` command; its answer. The caller holds the Calendar."""
        if self._parts is None:
            if self._trouble is not None and list(argv) == ["shutdown"]:
                self._power_off()
                return {"contract": CONTRACT_VERSION, "ok": True, "result": {}}
            why = self._trouble or Refusal("booting", "the appliance is still booting")
            error = {"code": why.code, "message": why.message, "remedy": why.remedy}
            return {"contract": CONTRACT_VERSION, "ok": False, "error": error}
        return dispatch(self._parts, argv, stdin)

    @cached_property
    def web(self) -> HeldPages:
        """The pages, as a WSGI application; each request holds the Calendar."""
        from emulator.appliance.web.app import pages  # noqa: PLC0415 - SSH answers before Flask loads

        return pages(self.parts)

    def shutdown(self) -> None:
        """End in order; harmless when repeated. The caller holds the Calendar."""
        if self._parts is None:
            return
        if self._parts.module is not None:  # before its commands are declined
            self._parts.module.stop()
        parts, self._parts = self._parts, None
        parts.guard.stop()
        parts.mail.stop()
        parts.jobs.stop()
        parts.registrar.stop()
        parts.uploads.stop()
        self.machine.remote_shell.stop()
        # A kernel answers ARP until the very end: whoever reads `stopped` may rely on silence.
        self.machine.network.down()
        report(self.machine, "stopped")

    def _changed(self) -> None:
        if self._parts is not None and self._parts.module is not None:
            self._parts.module.changed()

    def _contested(self, address: str, mac: str) -> None:
        if self._parts is not None and self._parts.module is not None:
            self._parts.module.contested(address, mac)

    def _assemble(self, store: Store, addressing: Addressing) -> Parts:
        machine, identity = self.machine, store.identity
        gate = Gate(machine, identity)
        sweeper = Sweeper(machine.disk, store, gate)
        intake = Intake(machine, store, gate, sweeper, self._tap)
        backups = Backups(machine, store, sweeper)
        importer = Importer(machine, store, gate, sweeper)
        uploads = Uploads(machine, identity)
        sessions = Sessions(machine)
        mail = MailQueue(machine, lambda: mail_server(store.content))
        return Parts(
            machine=machine,
            identity=identity,
            content=store.content,
            backups=backups,
            snapshots=Snapshots(machine, store, backups, sweeper),
            jobs=Jobs(machine, store, backups, mail),
            gate=gate,
            intake=intake,
            importer=importer,
            uploads=uploads,
            restorer=Restorer(identity, gate, importer, uploads),
            addressing=addressing,
            guard=Guard(machine, identity, addressing, self._contested),
            takeovers=Takeovers(machine, identity, addressing),
            mail=mail,
            registrar=Registrar(machine, store),
            sessions=sessions,
            activity=Activity(sessions),
            booted_at=machine.calendar.reference(),
            power_off=self._power_off,
            restart=self._restart,
        )
