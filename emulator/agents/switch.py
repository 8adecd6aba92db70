"""The switch: cables, carriers, and the recording of what crosses the bridge."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import select
import socket
import struct
import threading

from emulator.addressing import Station
from emulator.agents.frames import ARP_AND_SIP, Frame, Tap
from emulator.agents.namespace import NetworkNamespace, run_ip
from emulator.clock import RealStopwatch

SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
IFF_UP, IFF_RUNNING = 0x1, 0x40
FLAGS = struct.Struct("16sH14x")  # struct ifreq
LINK_LIMIT_S = 3.0  # the kernel tells of carriers once a second
LINK_LOOK_S = 0.002


class Switch:
    """Works on a bridge in its own network namespace.

    Args:
        bridge: the bridge's interface name.
    """

    def __init__(self, bridge: str) -> None:
        self._bridge = bridge
        self._recording: tuple[Tap, threading.Thread, list[Frame]] | None = None

    def plug(self, cable: str, pid: int) -> None:
        """Lay a cable from the bridge to the namespace of a process, as its `eth0`.

        It goes dark when the process ends, however it ends: whoever made the namespace may
        keep it for a while, and the kernel would go on answering ARP in it.

        Args:
            cable: the name of the bridge's end.
            pid: of the process.
        """
        with contextlib.suppress(OSError):  # that of a node that was killed just now
            run_ip(f"link del {cable}")
        run_ip(
            f"link add {cable} type veth peer name eth0 netns {pid}",
            f"link set {cable} master {self._bridge} up",
        )
        death = os.pidfd_open(pid), cable, socket.if_nametoindex(cable)
        threading.Thread(target=self._darken_after, args=death, daemon=True).start()

    def _darken_after(self, process: int, cable: str, index: int) -> None:
        """Wait until a process has ended, then take the carrier from the cable that it had."""
        end = select.poll()
        end.register(process, select.POLLIN)
        end.poll()
        os.close(process)
        with contextlib.suppress(OSError):  # the cable has gone as well
            if socket.if_nametoindex(cable) == index:  # else it is the next boot's
                self.carrier(cable, up=False)

    def clear_away(self) -> None:
        """Remove what an earlier program has left, beside what went with its end."""
        left = [name for _, name in socket.if_nameindex() if name.startswith(f"{self._bridge}.")]
        run_ip(*(f"link del {name}" for name in left), f"neigh flush dev {self._bridge}")

    def furnish(self, stations: dict[Station, NetworkNamespace], prefix: int) -> None:
        """Give each station a port with its MAC and address, and a cable to the bridge."""
        lines = []
        for station, namespace in stations.items():
            cable = self.cable(station)
            ends = f"name eth0 address {station.mac} netns {namespace.path}"
            lines += [
                f"link add {cable} type veth peer {ends}",
                f"link set {cable} master {self._bridge} up",
            ]
        run_ip(*lines)
        for station, namespace in stations.items():
            with namespace.entered():
                run_ip(
                    "link set lo up",
                    f"addr add {station.address}/{prefix} dev eth0",
                    "link set eth0 up",
                )

    def cable(self, station: Station) -> str:
        """Return the name of the bridge's end of a station's cable."""
        return f"{self._bridge}.{station.host}"

    def carrier(self, cable: str, *, up: bool) -> None:
        """Plug a cable in or out: the other end loses its carrier (netdevice(7)).

        Returns when frames pass, or at once when plugged out.

        Args:
            cable: an interface of this namespace.
            up: in or out.
        """
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            flags = _flags(control, cable)
            _set_flags(control, cable, flags | IFF_UP if up else flags & ~IFF_UP)
            if up:
                _await_link(control, cable)

    def detach(self, cable: str) -> None:
        """Let nothing pass any more, while the other end keeps its carrier.

        So goes the power: who saw the carrier go first could still act on it.
        """
        with contextlib.suppress(OSError):  # the end of its network took the cable along
            run_ip(f"link set {cable} nomaster")

    def capture(self) -> None:
        """Start to record ARP and SIP on the whole LAN, unicast included.

        Raises:
            ValueError: a recording is under way.
        """
        if self._recording is not None:
            raise ValueError("the switch is recording already: fetch that recording first")
        tap = Tap(self._bridge, ARP_AND_SIP, promiscuous=True)
        frames: list[Frame] = []
        recorder = threading.Thread(target=lambda: frames.extend(tap.frames()), daemon=True)
        self._recording = tap, recorder, frames
        recorder.start()

    def pcap(self) -> bytes:
        """Stop and return the recording.

        Raises:
            ValueError: nothing is being recorded.
        """
        if self._recording is None:
            raise ValueError("the switch is not recording anything")
        tap, recorder, frames = self._recording
        self._recording = None
        from scapy.data import DLT_EN10MB  # noqa: PLC0415 - slow; the LAN is up before
        from scapy.utils import RawPcapWriter  # noqa: PLC0415 - same

        tap.close()
        recorder.join()
        file = io.BytesIO()
        writer = RawPcapWriter(file, linktype=DLT_EN10MB, nano=True)
        writer.write_header(None)
        for frame in frames:
            writer.write_packet(frame.data, sec=frame.seconds, usec=frame.nanoseconds)
        writer.flush()
        return file.getvalue()


def _flags(control: socket.socket, cable: str) -> int:
    answer = fcntl.ioctl(control, SIOCGIFFLAGS, FLAGS.pack(cable.encode(), 0))
    return int(FLAGS.unpack(answer)[1])


def _set_flags(control: socket.socket, cable: str, flags: int) -> None:
    fcntl.ioctl(control, SIOCSIFFLAGS, FLAGS.pack(cable.encode(), flags))


def _await_link(control: socket.socket, cable: str) -> None:
    """Wait until the kernel has passed the carrier on, and the bridge forwards.

    It does so up to a second later (its link watch); a cable whose other end is dark never
    gets that far. Setting the flags once more waits for the lock under which that is done.
    """
    stopwatch = RealStopwatch()
    limit_s = stopwatch.now_s() + LINK_LIMIT_S
    while not (flags := _flags(control, cable)) & IFF_RUNNING and stopwatch.now_s() < limit_s:
        stopwatch.sleep(LINK_LOOK_S)
    _set_flags(control, cable, flags)
