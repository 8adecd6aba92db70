"""The simulated lab (`emulator.lab.Lab`) and who makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import httpx

from emulator.addressing import HOST, ROUTER, WEB, mac_of, stations
from emulator.lab import Event, LabError, LabSpec, NodeInfo
from emulator.ports import SipAccount
from emulator.sim.browser import PAGE_LIMIT_S, SimHttp
from emulator.sim.lan import SimLan
from emulator.sim.levers import SimLevers
from emulator.sim.life import Life
from emulator.sim.mail import SimMailSink
from emulator.sim.node import Loader, SimNode, load_module
from emulator.sim.observer import SimObserver
from emulator.sim.phone import BROWSING, PINGING, Habits, SimPhone, routing
from emulator.sim.served import Served, SimTimekeeper
from emulator.sim.site import Site
from emulator.sim.telephone import SimCrowd, SimTelephone
from emulator.sim.wire import SimWire
from emulator.sim.world import World
from emulator.telephones import USUAL, Handset, Telephone, crowd_of, telephones_of
from redundancy import module

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class SimLab:
    """Appliances, stations and the LAN, all in this thread.

    Args:
        spec: what it is made from.
        start: the Calendar at power-on.
        load: makes the module that each appliance hosts.
    """

    def __init__(self, spec: LabSpec, start: datetime, load: Loader = load_module) -> None:
        self._spec = spec
        world = World()
        lan = SimLan(world)
        self._site = Site(world, Served(world, start), lan, spec.seed)
        self._timekeeper = SimTimekeeper(world, self._site.served)
        self._wire = SimWire(self._site)
        subnet = IPv4Network(spec.subnet)
        host = lan.station("host", mac_of(spec.name, "host"), [str(subnet[HOST])])
        self._host = Life("host")
        self._http = SimHttp(self._site, (host, self._host), self._pages)
        self._stations = stations(
            spec.name, subnet, spec.phones, crowd=bool(crowd_of(spec)), others=spec.others
        )
        self._phones: dict[str, SimPhone] = {}
        self._telephones: dict[str, SimTelephone] = {}
        self._crowd = SimCrowd()
        self._mail = SimMailSink(world)
        for one in self._stations:
            station = lan.station(one.name, one.mac, [one.address])
            if one.name == "mail":
                self._site.sinks[one.name] = self._mail
            elif one.name == "observer":
                self._observer = SimObserver(world, lan, station)
            elif spec.clients is None or one.name in spec.others:
                self._phones[one.name] = SimPhone(world, lan, station, habits_of(one.name, spec))
        self._appliances = {
            one.name: SimNode(self._site, one, self._browse, load) for one in spec.appliances
        }

        self._levers = SimLevers(self._site, spec.name, self._appliances, self._wire, self._mail)

    def build(self) -> None:
        """Boot the appliances.

        Raises:
            LabError: one does not come up.
        """
        for one in self._appliances.values():
            one.boot()
        registrar = next(iter(self._appliances.values())).address
        for name, (own, account) in telephones_of(self._spec).items():
            self._telephones[name] = self._telephone(name, own, account, registrar)
        known = {one.handset.extension: one for one in self._telephones.values()}
        for phone in known.values():
            phone.meet(known)
        scale = 1 if self._spec.clients is None else self._spec.clients.scale
        for account in crowd_of(self._spec):
            own = Handset(account.extension, account.name, "crowd", USUAL.scaled(scale))
            member = self._telephone("crowd", own, account, registrar)
            self._crowd.members[account.extension] = member

    def _telephone(
        self, place: str, own: Handset, account: SipAccount, registrar: str
    ) -> SimTelephone:
        site = self._site
        station = site.lan.stations[place]
        return SimTelephone(site.world, site.exchanges, station, own, (account, registrar))

    @property
    def spec(self) -> LabSpec:
        """What it was made from."""
        return self._spec

    @property
    def backend(self) -> Literal["sim"]:
        """`sim`."""
        return "sim"

    @property
    def timekeeper(self) -> SimTimekeeper:
        """The Calendar."""
        return self._timekeeper

    @property
    def observer(self) -> SimObserver:
        """The station that asks."""
        return self._observer

    @property
    def phones(self) -> Mapping[str, SimPhone]:
        """Clients by name (`phone1`, …)."""
        return self._phones

    @property
    def telephones(self) -> Mapping[str, Telephone]:
        """Phones with a user agent by name."""
        return self._telephones

    @property
    def crowd(self) -> SimCrowd | None:
        """Many more telephones at one place; None where nobody asked for them."""
        return self._crowd if self._crowd.members else None

    @property
    def mail(self) -> SimMailSink:
        """The mail sink."""
        return self._mail

    @property
    def wire(self) -> SimWire:
        """The switch."""
        return self._wire

    @property
    def levers(self) -> SimLevers:
        """What faults are made of."""
        return self._levers

    def appliance(self, name: str) -> SimNode:
        """Return an appliance by name; KeyError if there is none."""
        return self._appliances[name]

    def events(self) -> Sequence[Event]:
        """Return everything that happened so far, in order."""
        return tuple(self._site.history.rows)

    def note(self, event: str, cause: str = "", **detail: Any) -> None:
        """Add an event of the runner's own."""
        self._site.happened("runner", "runner", event, cause, detail)

    def wall_s(self) -> float:
        """Return the Stopwatch, with which everything is stamped here."""
        return self._site.world.now_s

    def pause(self, duration_s: float) -> None:
        """Let the Stopwatch go on, holding the Calendar."""
        self._site.world.pause(duration_s)

    def later(self, delay_s: float, action: Callable[[], None]) -> None:
        """Have the runner do something after a time of the Stopwatch, which waits for it."""
        self._site.world.later(delay_s, action)

    def instant(self) -> tuple[int, int]:
        """Return what stays the same as long as no other task has acted, and no event come."""
        return self._site.world.turns, len(self._site.history.rows)

    def look_at_events(self, sink: Callable[[Event], None] | None) -> None:
        """Have somebody told of every event the moment it happens."""
        self._site.history.sink = sink

    def describe(self) -> tuple[NodeInfo, ...]:
        """Return the rows of `inspect`."""
        rows = [one.describe() for one in self._appliances.values()]
        for one in self._stations:
            role = one.name.rstrip("0123456789")
            rows.append(NodeInfo(one.name, one.address, one.mac, role, "", "", "", "up"))
        return tuple(rows)

    def down(self) -> None:
        """End every appliance; harmless when repeated."""
        for one in self._appliances.values():
            if one.running():
                one.power_off()
        self._site.world.end(self._host)

    def _pages(self, node: str) -> tuple[Life, WSGIApplication] | None:
        one = self._appliances.get(node)
        return None if one is None else one.pages()

    def _browse(self, base_url: str) -> httpx.Client:
        return httpx.Client(
            transport=self._http,
            base_url=base_url,
            follow_redirects=True,
            trust_env=False,
            timeout=PAGE_LIMIT_S,
        )


def habits_of(client: str, spec: LabSpec) -> Habits:
    """Return how a client that is no telephone behaves."""
    if client == WEB:
        return BROWSING
    if client == ROUTER:
        return routing(1 if spec.clients is None else spec.clients.scale)
    return PINGING


class SimMaker:
    """Makes simulated labs (`emulator.lab.LabMaker`)."""

    def make(self, spec: LabSpec, workdir: Path) -> SimLab:  # noqa: ARG002 - a simulated lab needs no room on disk
        """Build and boot.

        Raises:
            LabError: real time, or another engine than this process has loaded, was asked for, or
                an appliance does not come up.
        """
        if spec.start is None:
            raise LabError(
                "the backend sim has no real time to wait in",
                remedy="leave --real-time out, or choose --backend docker or netns",
            )
        loaded = Path(str(module.__file__))
        if spec.engine is not None and not loaded.is_relative_to(Path(spec.engine).resolve()):
            raise LabError(
                f"this process has loaded the engine of {loaded.parent}",
                remedy="a simulated lab with another engine needs a process of its own",
            )
        lab = SimLab(spec, spec.start)
        try:
            lab.build()
        except BaseException:
            lab.down()
            raise
        return lab
