"""Two simulated machines with SSH between them, each with its part of the LAN."""

import io
from datetime import UTC, datetime

from emulator.ports import Interface
from emulator.sim.disk import SimDisk
from emulator.sim.lan import SimLan
from emulator.sim.life import Life
from emulator.sim.machine import SimMachine
from emulator.sim.served import Served
from emulator.sim.services import SimWiring
from emulator.sim.site import Site
from emulator.sim.world import World
from redundancy.errors import (
    Refused,
)
from redundancy.ports import Payload, StandbyAccess

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ADDRESS = {"pbx1": "198.18.0.10", "pbx2": "198.18.0.20"}
MAC = {"pbx1": "02:00:00:00:00:01", "pbx2": "02:00:00:00:00:02"}
MEGABYTE = 1_000_000


def whole(stdin):
    """Read up to the end, as a program does that knows short reads."""
    return b"".join(iter(lambda: stdin.read(100_000), b""))


def exactly(stdin, size):
    """Read so many bytes."""
    data = b""
    while len(data) < size:
        data += stdin.read(size - len(data))
    return data


class Box:
    """One machine with a small program instead of an appliance."""

    def __init__(self, site, name):
        self.site = site
        self.name = name
        self.platter = SimDisk()
        self.station = site.lan.station(name, MAC[name])
        self.program = lambda argv, stdin: {"echo": list(argv), "bytes": len(whole(stdin))}
        self.received = b""
        self.boot()

    def boot(self):
        self.life = Life(self.name)
        self.site.lan.power(self.station, on=True)
        self.machine = SimMachine(self.site, self.life, self.platter, self.station, 1)
        self.wiring = SimWiring(self.site, self.life, self.machine, self.dispatch, str)
        self.site.shells[self.name] = self.machine.remote_shell
        self.machine.remote_shell.dispatch = self.dispatch
        self.run(self._start)

    def _start(self):
        interface = Interface(MAC[self.name], ((ADDRESS[self.name], 24),), "198.18.0.1", ())
        self.machine.network.apply(interface)
        self.machine.remote_shell.serve("secret")

    def dispatch(self, argv, stdin):
        try:
            return {"contract": 2, "ok": True, "result": self.program(argv, stdin)}
        except Refused as error:
            body = {"code": error.code, "message": error.message, "remedy": error.remedy}
            return {"contract": 2, "ok": False, "error": body}

    def run(self, body):
        return self.site.world.call(self.life, "test", body)

    def die(self):
        self.site.lan.power(self.station, on=False)
        self.site.world.end(self.life)
        self.platter.power_cut()


class Bench:
    """Two boxes on one LAN."""

    def __init__(self):
        world = World()
        self.site = Site(world, Served(world, START), SimLan(world), seed=7)
        self.world = world
        self.near, self.far = Box(self.site, "pbx1"), Box(self.site, "pbx2")

    def connect(self, **changes):
        access = {"user": "root", "password": "secret", "host": ADDRESS["pbx2"], **changes}
        return self.near.wiring.transport.connect(StandbyAccess(**access))

    def call(self, argv=("status",), payload=None, meanwhile=None):
        """Call the far program over SSH; `meanwhile` is (delay, action)."""

        def body():
            channel = self.connect()
            if meanwhile is not None:
                self.world.later(*meanwhile)
            return channel.call(list(argv), payload)

        return self.near.run(body)


def payload_of(size, progress=lambda _sent: None, stall_limit_s=5.0):
    return Payload(io.BytesIO(bytes(size)), size, stall_limit_s, progress)
