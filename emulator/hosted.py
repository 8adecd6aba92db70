"""The lab made of real nodes: `emulator.lab.Lab` over a `LabBackend`."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from emulator.addressing import stations
from emulator.backends import LabBackend, Lan, NodePlan, Record
from emulator.clock import RealStopwatch
from emulator.hosted_appliance import HostedAppliance, Site
from emulator.lab import Event, History, LabError, LabSpec, NodeDown, NodeInfo, Timekeeper
from emulator.registry import Registry
from emulator.stations import HostedMailSink, HostedObserver, HostedPhone, HostedWire, Orders
from emulator.subnets import parse_subnet
from emulator.timekeeper import RealTimekeeper, ServedTimekeeper

SWITCH = "switch"
SWITCH_SOCKET = "/run/switch.sock"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
APPLIANCE_PATH = f"/run/appliance/bin:{SYSTEM_PATH}"  # as in an SSH session: `appliancectl` first


class HostedLab:
    """A lab of containers or namespaces. `build` or `join` comes before anything else.

    Args:
        spec: what it is made from.
        backend: who hosts its nodes.
        registry: where it is entered.
        workdir: takes the nodes' logs when the lab goes down.
    """

    def __init__(
        self, spec: LabSpec, backend: LabBackend, registry: Registry, workdir: Path
    ) -> None:
        self._spec = spec
        self._backend = backend
        self._registry = registry
        self._workdir = workdir
        self._lan = Lan(spec.name, parse_subnet(spec.subnet))
        served = ServedTimekeeper(spec.start) if spec.start else None
        self._timekeeper: Timekeeper = served or RealTimekeeper()
        self._history = History()
        self._history_lock = threading.Lock()
        self._orders: Future[Orders] = Future()
        self._cables: Mapping[str, str] = {}
        site = Site(backend, self._lan, self._switch, served, self._happened)
        self._appliances = {one.name: HostedAppliance(one, site) for one in spec.appliances}
        self._mail: HostedMailSink | None = None

    def build(self, record: Record) -> None:
        """Make the LAN and boot everything at the same time.

        Args:
            record: the lab's ledger.

        Raises:
            LabError: something failed; what was made so far is still there.
        """
        jobs: list[Callable[[], None]] = [one.boot for one in self._appliances.values()]
        with ThreadPoolExecutor(len(jobs) + 1) as pool:
            # In the pool too: Ctrl-C in the midst of it must find what was made, to remove it.
            pool.submit(self._backend.create_lan, self._lan, record).result()
            for done in [pool.submit(job) for job in (self._boot_switch, *jobs)]:
                done.result()

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
        """Clients by name (`phone1`, …)."""
        names = (f"phone{number + 1}" for number in range(self._spec.phones))
        return {name: HostedPhone(self._switch(), name) for name in names}

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

    def wall_s(self) -> float:
        """Return Unix time, the clock of the kernel's stamps on frames."""
        return time.time()  # noqa: TID251 - takeover is measured on the kernel's clock

    def pause(self, duration_s: float) -> None:
        """Let real time pass; nobody moves the Calendar meanwhile."""
        RealStopwatch().sleep(duration_s)

    def describe(self) -> tuple[NodeInfo, ...]:
        """Return the rows of `inspect`."""
        others = stations(self._spec.name, self._lan.subnet, self._spec.phones)
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
        """Remove everything; harmless when repeated."""
        self._save_logs()
        try:
            self._backend.destroy(self._spec.name)
        finally:
            self._hang_up()
        self._registry.leave(self._spec.name)

    def _boot_switch(self) -> None:
        argv = ["emulator.agents", "--lab", self._spec.name, "--subnet", self._spec.subnet]
        argv += ["--bridge", self._backend.bridge(self._lan), "--phones", str(self._spec.phones)]
        argv += ["--socket", SWITCH_SOCKET, *(["--fail-stop"] if self._spec.start else [])]
        plan = NodePlan(SWITCH, "switch", tuple(argv), SWITCH_SOCKET)
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

    def _save_logs(self) -> None:
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
    """

    def __init__(self, backend: LabBackend, registry: Registry) -> None:
        self._backend = backend
        self._registry = registry

    def make(self, spec: LabSpec, workdir: Path) -> HostedLab:
        """Build and boot; on failure, or when interrupted, nothing is left behind.

        Raises:
            LabError: it cannot be made here, with the remedy.
        """
        lab = HostedLab(spec, self._backend, self._registry, workdir)
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
