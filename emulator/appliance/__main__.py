"""The appliance as a program: `python -m emulator.appliance --state DIR`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from emulator.appliance import appliancectl
from emulator.appliance.appliance import Appliance
from emulator.appliance.linux.control import ControlSocket, PeerStream
from emulator.appliance.linux.machine import Clocks, LinuxMachine
from emulator.appliance.modules import Module
from emulator.appliance.refusal import Refusal
from emulator.appliance.uplink import Uplink, fail_stop
from emulator.clock import RealCalendar, RealStopwatch, ServedCalendar
from emulator.ports import Calendar

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from emulator.appliance.web.app import HeldPages


def main(argv: Sequence[str]) -> int:
    """Boot, serve until told to end, end in order; the exit status."""
    options = _options(argv)
    if os.getpid() == 1:
        _be_init()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    uplink = Uplink(options.run / "lab.sock", fail_stop)
    calendar, release_boot = _calendar(uplink, options.calendar)
    clocks = Clocks(calendar, RealStopwatch())
    machine = LinuxMachine(options.state, options.run, options.interface, clocks, uplink.event)
    _install_command(options.run / "bin")

    def sever(stream: BinaryIO) -> None:
        if isinstance(stream, PeerStream):
            machine.remote_shell.sever(stream.client)

    def load(appliance: Appliance) -> Module:
        from emulator.appliance import module_host  # noqa: PLC0415 - sshd starts before the engine loads

        folder = machine.disk.location("module/redundanz")
        program = str(options.run / "bin" / "appliancectl")
        secret = partial(appliance.module_secret, module_host.MODULE)
        wiring = module_host.linux_wiring(
            program, options.interface, folder, machine.stopwatch, secret
        )
        return module_host.host(machine, wiring)

    appliance = Appliance(machine, sever=sever, power_off=stop.set, load=load)
    # Before the boot, at whose end the module starts and asks through this socket.
    ControlSocket(options.run / "control.sock", appliance.dispatch, calendar).start()
    try:
        appliance.boot()
        pages = LatePages(lambda: appliance.web)
        from emulator.appliance.linux import web_server  # noqa: PLC0415 - sshd starts first

        web_server.serve(pages, pages.largest_body)
        machine.remote_shell.await_listening(machine.stopwatch)
    except (Refusal, OSError) as error:
        sys.stderr.write(f"appliance: {error}\n")
        return 1

    def call(words: Sequence[str], stdin: bytes) -> Mapping[str, Any]:
        with calendar.hold(" ".join(words[:2])):
            return appliance.dispatch(words, BytesIO(stdin))

    uplink.serve_calls(call, appliance.arm_cut)
    release_boot()
    pages.made()  # nobody waits for this thread, and the first visitor need not either
    stop.wait()
    with calendar.hold("shutdown"):
        appliance.shutdown()
    return 0


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m emulator.appliance")
    parser.add_argument("--state", type=Path, required=True, help="the state directory")
    parser.add_argument("--interface", default="eth0", help="the LAN port")
    parser.add_argument("--run", type=Path, default=Path("/run/appliance"), help="for sockets")
    parser.add_argument(
        "--calendar",
        choices=("served", "real"),
        default="served",
        help="served: wait for a lab's runner, who says whether it serves the time",
    )
    return parser.parse_args(argv)


def _calendar(uplink: Uplink, which: str) -> tuple[Calendar, Callable[[], None]]:
    """Return the Calendar, and what to call when the boot is over."""
    now = uplink.await_welcome() if which == "served" else None
    if now is None:
        return cast("Calendar", RealCalendar()), lambda: None  # waits for bells of its own only
    served = ServedCalendar(uplink, now)
    uplink.serve_time(served.granted, served.release)
    return cast("Calendar", served), served.release_boot


def _install_command(folder: Path) -> None:
    """Put `appliancectl` where SSH sessions find it, beside the socket that it asks."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    command = folder / "appliancectl"
    source = Path(appliancectl.__file__).read_text()
    command.write_text(f"#!{sys.executable} -SE\n{source}")
    command.chmod(0o755)


class LatePages:
    """The pages, made while the first visitor connects: nothing of a boot waits for them."""

    def __init__(self, make: Callable[[], HeldPages]) -> None:
        self._make = make
        self._making = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        return self.made()(environ, start_response)

    def largest_body(self, cookies: str) -> int:
        """Return how many bytes a request with these cookies may carry."""
        return self.made().largest_body(cookies)

    def made(self) -> HeldPages:
        """Return the pages, made once."""
        with self._making:
            return self._make()


def _be_init() -> None:
    """As pid 1, leave the work to a child; reap orphans, pass signals on, end with the child.

    Returns in the child only. Whoever is pid 1 gets every orphan of the node, and would
    have to take them from under the feet of `subprocess`.
    """
    worker = os.fork()
    if worker == 0:
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: os.kill(worker, number))
    while True:
        pid, status = os.wait()
        if pid == worker:
            sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
