"""The lab made of real nodes: `emulator.lab.Lab` over a `LabBackend`."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

from emulator.addressing import stations
from emulator.backends import LabBackend, Lan, NodePlan, Record
from emulator.clock import RealStopwatch
from emulator.company import Progress
from emulator.hosted_appliance import HostedAppliance, Site, engine_files
from emulator.hosted_levers import HostedLevers, Room
from emulator.lab import Event, History, LabError, LabSpec, NodeDown, NodeInfo, Timekeeper
from emulator.registry import Registry
from emulator.stations import (
    HostedCrowd,
    HostedMailSink,
    HostedObserver,
    HostedPhone,
    HostedTelephone,
    HostedWire,
    Orders,
)
from emulator.subnets import parse_subnet
from emulator.telephones import ROUTER_CACHE_S, USUAL, crowd_of, telephones_of
from emulator.timekeeper import RealTimekeeper, ServedTimekeeper

SWITCH = "switch"
SWITCH_SOCKET = "/run/switch.sock"
SWITCH_LATER_MODULES = ("emulator.agents.mail", "scapy.layers.l2", "scapy.utils")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
APPLIANCE_PATH = f"/run/appliance/bin:{SYSTEM_PATH}"  # as in an SSH session: `appliancectl` first


class HostedLab:
    """A lab of containers or namespaces. `build` or `join` comes before anything else.

    Args:
        spec: what it is made from.
        backend: who hosts its nodes.
        registry: where it is entered.
        workdir: takes the nodes' logs when the lab goes down.
        progress: told how far the files of an appliance are.
        leave: what becomes of the nodes when the lab goes down; None: they are removed.
    """

    def __init__(  # noqa: PLR0913 - what it is made from, by whom, and where to
        self,
        spec: LabSpec,
        backend: LabBackend,
        registry: Registry,
        workdir: Path,
        progress: Progress = lambda _line, _done: None,
        *,
        leave: Callable[[HostedLab], None] | None = None,
    ) -> None:
        self._spec = spec
        self._backend = backend
        self._registry = registry
        self._workdir = workdir
        self._leave = leave or HostedLab.remove
        self._lan = Lan(spec.name, parse_subnet(spec.subnet))
        served = ServedTimekeeper(spec.start) if spec.start else None
        self._timekeeper: Timekeeper = served or RealTimekeeper()
        self._history = History()
        self._history_lock = threading.Lock()
        self._orders: Future[Orders] = Future()
        self._cables: Mapping[str, str] = {}
        engine = {} if spec.engine is None else engine_files(Path(spec.engine))
        volume = sum(sound.size for one in spec.appliances for sound in one.sounds.values())
        site = Site(
            backend, self._lan, self._switch, served, self._happened, engine, progress, volume
        )
        self._appliances = {one.name: HostedAppliance(one, site) for one in spec.appliances}
        self._mail: HostedMailSink | None = None
        self._levers = HostedLevers(
            Room(
                backend=backend,
                lan=self._lan,
                orders=self._switch,
                wire=lambda: self.wire,
                appliances=self._appliances,
                cable=self._cable,
                timekeeper=served,
            )
        )

    def build(self, record: Record) -> None:
        """Make the LAN and boot everything at the same time.

        Args:
            record: the lab's ledger.

        Raises:
            LabError: something failed; what was made so far is still there.
        """
        with ThreadPoolExecutor(1) as pool:
            # In a pool: Ctrl-C in the midst of it must find what was made, to remove it.
            pool.submit(self._backend.create_lan, self._lan, record).result()
        self.boot()

    def boot(self) -> None:
        """Boot everything at the same time, on nodes that are new or were cleared.

        Raises:
            LabError: something failed.
        """
        jobs = (self._boot_switch, *(one.boot for one in self._appliances.values()))
        with ThreadPoolExecutor(len(jobs)) as pool:
            for done in [pool.submit(job) for job in jobs]:
                done.result()
            for done in [pool.submit(job) for job in self._provisions()]:
                done.result()

    def _provisions(self) -> list[Callable[[], None]]:
        """Return what switches the telephones on."""
        registrar = str(self._spec.appliances[0].factory["network"]["address"])
        accounts = telephones_of(self._spec)
        jobs: list[Callable[[], None]] = [
            partial(one.provision, registrar, accounts[name][1].secret)
            for name, one in self.telephones.items()
        ]
        crowd, clients = self.crowd, self._spec.clients
        if crowd is not None and clients is not None:
            usual = USUAL.scaled(clients.scale)
            jobs.append(partial(crowd.provision, registrar, crowd_of(self._spec), usual))
        return jobs

    def clear(self) -> None:
        """Take every node back to what it was before its first boot; the LAN stays.

        Raises:
            LabError: a node can be neither cleared nor removed.
        """
        nodes = (*self._appliances, SWITCH)
        with ThreadPoolExecutor(len(nodes)) as pool:
            list(pool.map(partial(self._backend.clear, self._lan), nodes))

    def join(self) -> None:
        """Open the channels of a lab that another process has brought up."""
        self._meet_switch()
        for one in self._appliances.values():
            if one.running():
                one.join()

    @property
    def spec(self) -> LabSpec:
        """What it was made from."""
        return self._spec

    @property
    def backend(self) -> Literal["docker", "netns"]:
        """`docker` or `netns`."""
        return self._backend.name

    @property
    def timekeeper(self) -> Timekeeper:
        """The Calendar."""
        return self._timekeeper

    @property
    def observer(self) -> HostedObserver:
        """The station that asks."""
        return HostedObserver(self._switch())

    @property
    def phones(self) -> Mapping[str, HostedPhone]:
        """Phones that ping, by name (`phone1`, …), and clients of other sorts."""
        names = [f"phone{number + 1}" for number in range(self._spec.phones)]
        pinging = names if self._spec.clients is None else []
        return {name: HostedPhone(self._switch(), name) for name in (*pinging, *self._spec.others)}

    @property
    def telephones(self) -> Mapping[str, HostedTelephone]:
        """Phones with a user agent by name; those of the first users of the first appliance."""
        return {
            name: HostedTelephone(self._switch(), name, own)
            for name, (own, _) in telephones_of(self._spec).items()
        }

    @property
    def crowd(self) -> HostedCrowd | None:
        """Many more telephones at one place; None where nobody asked for them."""
        return HostedCrowd(self._switch()) if crowd_of(self._spec) else None

    @property
    def mail(self) -> HostedMailSink:
        """The mail sink."""
        if self._mail is None:
            self._mail = HostedMailSink(self._switch())
        return self._mail

    @property
    def wire(self) -> HostedWire:
        """The switch."""
        return HostedWire(self._switch(), self._cable, self._plugged)

    @property
    def levers(self) -> HostedLevers:
        """What faults are made of."""
        return self._levers

    def appliance(self, name: str) -> HostedAppliance:
        """Return an appliance by name; KeyError if there is none."""
        return self._appliances[name]

    def execute(
        self, node: str, argv: Sequence[str], stdin: bytes = b""
    ) -> tuple[int, bytes, bytes]:
        """Run a program on a node, station or appliance: exit status, output, errors."""
        if node not in self._appliances:
            places = self._switch().do("switch.namespaces")
            path = places.get(node)
            if path is None:
                names = ", ".join((*self._appliances, *places))
                raise LabError(
                    f"lab {self._spec.name} has no node {node}", remedy=f"it has {names}"
                )
            node, argv = SWITCH, ["nsenter", f"--net={path}", "--", *argv]
        else:
            if not self._appliances[node].running():
                raise NodeDown(f"{node} is off", remedy="nothing can be run there")
            argv = ["env", f"PATH={APPLIANCE_PATH}", *argv]
        done = self._backend.execute(self._lan, node, argv, stdin)
        return done.status, done.out, done.err

    def events(self) -> Sequence[Event]:
        """Return everything that happened so far, in order."""
        with self._history_lock:
            return tuple(self._history.rows)

    def note(self, event: str, cause: str = "", **detail: Any) -> None:
        """Add an event of the runner's own."""
        self._now(node="runner", source="runner", event=event, cause=cause, detail=detail)

    def look_at_events(self, sink: Callable[[Event], None] | None) -> None:
        """Have somebody told of every event as it arrives; the sink must return at once."""
        with self._history_lock:
            self._history.sink = sink

    def wall_s(self) -> float:
        """Return Unix time, the clock of the kernel's stamps on frames."""
        return time.time()  # noqa: TID251 - takeover is measured on the kernel's clock

    def pause(self, duration_s: float) -> None:
        """Let real time pass; nobody moves the Calendar meanwhile."""
        RealStopwatch().sleep(duration_s)

    def describe(self) -> tuple[NodeInfo, ...]:
        """Return the rows of `inspect`."""
        many = bool(crowd_of(self._spec))
        spec = self._spec
        others = stations(spec.name, self._lan.subnet, spec.phones, crowd=many, others=spec.others)
        rows = [one.describe() for one in self._appliances.values()]
        health = "up" if self._backend.running(self._lan, SWITCH) else "off"
        for one in others:
            role = one.name.rstrip("0123456789")
            rows.append(NodeInfo(one.name, one.address, one.mac, role, "", "", "", health))
        return tuple(rows)

    def keep(self) -> None:
        """Close the channels and let the lab outlive this process."""
        self._registry.keep(self._spec.name)
        self._hang_up()

    def down(self) -> None:
        """Leave nothing of the lab behind; harmless when repeated."""
        self.save_logs()
        try:
            self._leave(self)
        finally:
            self._hang_up()

    def remove(self) -> None:
        """Remove the nodes and the LAN; harmless when repeated."""
        self._backend.destroy(self._spec.name)
        self._registry.leave(self._spec.name)

    def _boot_switch(self) -> None:
        argv = ["emulator.agents", "--lab", self._spec.name, "--subnet", self._spec.subnet]
        argv += ["--bridge", self._backend.bridge(self._lan), "--phones", str(self._spec.phones)]
        argv += [] if self._spec.clients is None else ["--user-agents"]
        argv += ["--crowd"] if crowd_of(self._spec) else []
        argv += ["--others", *self._spec.others] if self._spec.others else []
        scale = 1 if self._spec.clients is None else self._spec.clients.scale
        argv += ["--router-s", str(ROUTER_CACHE_S / scale)]
        argv += ["--socket", SWITCH_SOCKET, *(["--fail-stop"] if self._spec.start else [])]
        program, later = tuple(argv), SWITCH_LATER_MODULES
        plan = NodePlan(SWITCH, "switch", program, SWITCH_SOCKET, later_modules=later)
        try:
            self._backend.boot(self._lan, plan, self._plug)
            self._meet_switch()
        except BaseException as error:
            if not self._orders.done():
                self._orders.set_exception(error)
            raise

    def _meet_switch(self) -> None:
        orders = Orders(self._backend.connect(self._lan, SWITCH, SWITCH_SOCKET))
        self._orders.set_result(orders)
        self._cables = orders.do("switch.cables")

    def _plug(self, cable: str, pid: int) -> None:
        self._switch().plug(cable, pid)

    def _switch(self) -> Orders:
        """Return the way to the switch; appliances that boot meanwhile wait for it."""
        return self._orders.result()

    def _cable(self, node: str) -> str:
        return self._cables.get(node) or self._backend.cable(self._lan, node)

    def _plugged(self, node: str, *, up: bool) -> None:
        self._now(node=node, source="wire", event="carrier", cause="", detail={"up": up})

    def _happened(self, node: str, row: Mapping[str, Any]) -> None:
        known = {name: row[name] for name in ("source", "event", "cause", "detail")}
        served = datetime.fromisoformat(row["served"])
        self._add(wall_s=row["wall"], served=served, node=node, **known)

    def _now(self, **fields: Any) -> None:
        self._add(wall_s=self.wall_s(), served=self._timekeeper.now(), **fields)

    def _add(self, **fields: Any) -> None:
        with self._history_lock:
            self._history.add(**fields)

    def save_logs(self) -> None:
        """Write what the nodes' programs wrote to their standard streams."""
        folder = self._workdir / "nodes"
        for node in (*self._appliances, SWITCH):
            with contextlib.suppress(LabError, OSError):
                log = self._backend.log(self._lan, node)
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{node}.log").write_bytes(log)

    def _hang_up(self) -> None:
        for one in self._appliances.values():
            one.hang_up()
        if self._orders.done() and self._orders.exception() is None:
            self._orders.result().close()


class HostedMaker:
    """Makes labs on one backend (`emulator.lab.LabMaker`).

    Args:
        backend: who hosts the nodes.
        registry: where labs are entered.
        progress: told how far the files of an appliance are.
    """

    def __init__(
        self,
        backend: LabBackend,
        registry: Registry,
        progress: Progress = lambda _line, _done: None,
    ) -> None:
        self._backend = backend
        self._registry = registry
        self._progress = progress

    def make(self, spec: LabSpec, workdir: Path) -> HostedLab:
        """Build and boot; on failure, or when interrupted, nothing is left behind.

        Raises:
            LabError: it cannot be made here, with the remedy.
        """
        lab = HostedLab(spec, self._backend, self._registry, workdir, self._progress)
        record = self._registry.enter(spec, self._backend)
        try:
            lab.build(record)
        except BaseException:
            lab.down()
            raise
        return lab

    def attach(self, name: str, workdir: Path) -> HostedLab:
        """Open the channels of a lab that was brought up to stay.

        Raises:
            LabError: there is no such lab, or it belongs to a run that is under way.
        """
        known = self._registry.lab(name)
        if known.owner is not None:
            raise LabError(
                f"lab {name} belongs to a run (process {known.owner.pid})",
                remedy="wait for its end; what a killed run left: standby-lab doctor --repair",
            )
        lab = HostedLab(known.spec, self._backend, self._registry, workdir)
        lab.join()
        return lab
