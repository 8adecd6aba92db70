"""The appliance as a program: `python -m emulator.appliance --state DIR`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from emulator.appliance import appliancectl
from emulator.appliance.appliance import Appliance
from emulator.appliance.crash_point import CrashPoint, Stop
from emulator.appliance.databases import ASIDE, OutOfOrder, kept_aside
from emulator.appliance.linux.control import ControlSocket, PeerStream
from emulator.appliance.linux.machine import Clocks, LinuxMachine
from emulator.appliance.modules import Module
from emulator.appliance.refusal import Refusal
from emulator.appliance.rig import Rig
from emulator.appliance.uplink import Uplink, fail_stop
from emulator.clock import RealCalendar, RealStopwatch, ServedCalendar
from emulator.ports import Calendar, Machine

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from emulator.appliance.web.app import HeldPages

POWER_COMMANDS = ("poweroff", "halt")
SHUTDOWN = """#!/bin/sh
at=
for word in "$@"; do
  case "$word" in
    -h|-H|-P|--halt|--poweroff) ;;
    now|+0) at=now ;;
    *) at=unknown; break ;;
  esac
done
if [ "$at" != now ]; then
  echo "shutdown: only 'shutdown -h now' is known here: it switches the appliance off" >&2
  exit 2
fi
exec {command} shutdown
"""


def main(argv: Sequence[str]) -> int:
    """Boot, serve until told to end, end in order; the exit status."""
    options = _options(argv)
    if options.engine is not None:
        sys.path.insert(0, str(options.engine))
    if os.getpid() == 1:
        _be_init()
    ending = Ending()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: ending.power_off())
    uplink = Uplink(options.run / "lab.sock", fail_stop)
    calendar, release_boot = _calendar(uplink, options.calendar)
    clocks = Clocks(calendar, RealStopwatch())
    crash_point = _crash_point(uplink, calendar)
    box = LinuxMachine(
        options.state,
        options.run,
        interface=options.interface,
        clocks=clocks,
        tell=uplink.event,
        crash_point=crash_point,
    )
    install_command(options.run / "bin")

    def sever(stream: BinaryIO) -> None:
        if isinstance(stream, PeerStream):
            box.remote_shell.sever(stream.client)

    rig = Rig(box, sever, uplink.halt, crash=crash_point.arm)
    machine = rig.machine

    def load(appliance: Appliance) -> Module:
        from emulator.appliance import module_host  # noqa: PLC0415 - sshd starts before the engine loads

        folder = machine.disk.location("module/redundanz")
        program = str(options.run / "bin" / "appliancectl")
        secret = partial(appliance.module_secret, module_host.MODULE)
        wiring = module_host.linux_wiring(
            program, options.interface, folder, machine.stopwatch, secret
        )
        wiring = replace(wiring, store=module_host.WatchedStore(wiring.store, crash_point))
        return module_host.host(machine, wiring)

    appliance = Appliance(
        machine,
        tap=rig.transfers.tap,
        power_off=ending.power_off,
        restart=ending.restart,
        load=load,
    )
    # Before the boot, at whose end the module starts and asks through this socket.
    dispatch = rig.commands.through(appliance.dispatch)
    ControlSocket(options.run / "control.sock", dispatch, calendar).start()
    try:
        warm_up = _bring_up(appliance, machine)
    except (Refusal, OSError) as error:
        sys.stderr.write(f"appliance: {error}\n")
        return 1

    _answer_lab(uplink, appliance, rig, calendar)
    release_boot()
    warm_up()  # nobody waits for this thread, and the first visitor need not either
    ending.wait()
    with calendar.hold("shutdown"):
        appliance.shutdown()
    ending.carry_out()
    return 0


def _answer_lab(uplink: Uplink, appliance: Appliance, rig: Rig, calendar: Calendar) -> None:
    """Carry out what the lab's runner asks for; each command and lever holds the Calendar."""

    def call(words: Sequence[str], stdin: bytes) -> Mapping[str, Any]:
        with calendar.hold(" ".join(words[:2])):
            return appliance.dispatch(words, BytesIO(stdin))

    def pull(lever: str, values: Mapping[str, Any]) -> Any:
        with calendar.hold(lever):
            return rig.pull(lever, values)

    uplink.serve_calls(call, pull)


def _bring_up(appliance: Appliance, machine: Machine) -> Callable[[], object]:
    """Boot and open the ports; what to do when nobody waits any more.

    An appliance that is out of order stays on: its console, and its page where it has an
    address, say why.
    """
    from emulator.appliance.linux import web_server  # noqa: PLC0415 - sshd starts first

    try:
        appliance.boot()
    except OutOfOrder as trouble:
        from emulator.appliance.web.rescue import RescuePage  # noqa: PLC0415 - hardly ever needed

        sys.stderr.write(f"appliance: {trouble}; {trouble.remedy}\n")
        rescue = RescuePage(trouble)
        web_server.serve(rescue, rescue.largest_body)
        return lambda: None
    for name in kept_aside(machine.disk):
        sys.stderr.write(f"appliance: a damaged database is kept as {ASIDE}/{name}\n")
    pages = LatePages(lambda: appliance.web)
    web_server.serve(pages, pages.largest_body)
    machine.remote_shell.await_listening(machine.stopwatch)
    return pages.made


def _crash_point(uplink: Uplink, calendar: Calendar) -> CrashPoint:
    """Return what ends this program where the lab wants it; the node's other processes follow."""

    def end(stop: Stop) -> None:
        detail = {"named_step": f"{stop.source} {stop.event}"}
        uplink.event(calendar.now(), "lab", "crashed", "after" if stop.after else "before", detail)
        os.kill(os.getpid(), signal.SIGKILL)

    return CrashPoint(end)


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
    parser.add_argument("--engine", type=Path, help="a folder with another build of the module")
    return parser.parse_args(argv)


def _calendar(uplink: Uplink, which: str) -> tuple[Calendar, Callable[[], None]]:
    """Return the Calendar, and what to call when the boot is over."""
    welcome = uplink.await_welcome() if which == "served" else None
    if welcome is None:
        return cast("Calendar", RealCalendar()), lambda: None  # waits for bells of its own only
    served = ServedCalendar(uplink, welcome.now, welcome.ahead)
    uplink.serve_time(served.granted, served.release)
    return cast("Calendar", served), served.release_boot


def install_command(folder: Path) -> None:
    """Put `appliancectl` where SSH sessions find it, beside the socket that it asks."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    command = folder / "appliancectl"
    source = Path(appliancectl.__file__).read_text()
    command.write_text(f"#!{sys.executable} -SE\n{source}")
    command.chmod(0o755)
    for name in POWER_COMMANDS:  # what root types on any Linux; before the system's own in PATH
        script = folder / name
        script.write_text(f"#!/bin/sh\nexec {command} shutdown\n")
        script.chmod(0o755)
    script = folder / "shutdown"
    script.write_text(SHUTDOWN.format(command=command))
    script.chmod(0o755)


class Ending:
    """How this program is to end, once somebody has said so: for good, or to start anew."""

    def __init__(self) -> None:
        self._told = threading.Event()
        self._anew = False

    def power_off(self) -> None:
        """Have the program end; returns at once."""
        self._told.set()

    def restart(self) -> None:
        """Have the program end and start anew; returns at once."""
        self._anew = True
        self._told.set()

    def wait(self) -> None:
        """Wait until somebody has said so."""
        self._told.wait()

    def carry_out(self) -> None:
        """Put a new program in this one's place if that was asked for."""
        if self._anew:
            os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - no shell, and the very same words


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
