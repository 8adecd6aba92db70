"""The program of a lab's switch node: `python -m emulator.agents`."""

from __future__ import annotations

import argparse
import base64
import json
import os
import socket
import tempfile
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from emulator.addressing import OTHERS, ROUTER, WEB, Station, stations
from emulator.agents.namespace import NetworkNamespace
from emulator.agents.neighbourhood import Neighbourhood
from emulator.agents.observer import Observer
from emulator.agents.obstruction import Obstructions
from emulator.agents.phone import Phone
from emulator.agents.stranger import Strangers
from emulator.agents.switch import Switch
from emulator.company.sounds import Sound, Voice
from emulator.telephones import ROUTER_CACHE_S

Operation = Callable[..., Any]
SYLLABLES_SPOKEN = 120  # by a telephone, before it is silent


@dataclass(frozen=True)
class Crew:
    """The stations of a lab.

    Attributes:
        places: who they are.
        prefix: the length of the LAN's prefix.
        folder: for the files of user agents; None: phones are kernels that ping.
        router_s: how long a router believes an ARP answer.
    """

    places: tuple[Station, ...]
    prefix: int
    folder: Path | None
    router_s: float


class Panel:
    """The operations that orders can name, as `node.operation`.

    Cables can be laid at once; stations are furnished meanwhile, and orders to them wait.

    Args:
        switch: the switch.
        obstructions: what it does to frames.
        strangers: the foreign device's place.
        crew: the stations.
    """

    def __init__(
        self,
        switch: Switch,
        obstructions: Obstructions,
        strangers: Strangers,
        crew: Crew,
    ) -> None:
        self._own: dict[str, Operation] = {
            "switch.plug": switch.plug,
            "switch.carrier": switch.carrier,
            "switch.detach": switch.detach,
            "switch.capture": switch.capture,
            "switch.pcap": lambda: base64.b64encode(switch.pcap()).decode(),
            "switch.lacks": obstructions.lacks,
            "switch.drop": obstructions.drop,
            "switch.reset": obstructions.reset,
            "switch.shape": obstructions.shape,
            "switch.clear": obstructions.clear,
            "switch.welcome_stranger": strangers.welcome,
            "switch.expel_stranger": strangers.expel,
        }
        self._furnished = ThreadPoolExecutor(1).submit(furnish, switch, crew)

    def operation(self, name: str) -> Operation:
        """Return an operation; KeyError if there is none, OSError if furnishing failed."""
        return self._own.get(name) or self._furnished.result()[name]


def furnish(switch: Switch, crew: Crew) -> dict[str, Operation]:
    """Set all stations up and return their operations."""
    places = crew.places
    namespaces = {station: NetworkNamespace() for station in places}
    switch.furnish(namespaces, crew.prefix)
    operations: dict[str, Operation] = {
        "switch.cables": lambda: {place.name: switch.cable(place) for place in places},
        "switch.namespaces": lambda: {place.name: namespaces[place].path for place in places},
    }
    for station, namespace in namespaces.items():
        operations |= _operations(crew, station, namespace)
    return operations


def _operations(crew: Crew, station: Station, namespace: NetworkNamespace) -> dict[str, Operation]:
    if station.name in PLACES:
        return PLACES[station.name](crew, station, namespace)
    if crew.folder is None:
        return _pinger(station, namespace)
    return _telephone(station, namespace, crew.folder)


def _mail(_crew: Crew, station: Station, namespace: NetworkNamespace) -> dict[str, Operation]:
    from emulator.agents.mail import MailSink  # noqa: PLC0415 - slow; cables do not wait for it

    sink = MailSink(namespace, station.address)
    return {"mail.messages": sink.messages, "mail.behave": sink.behave}


def _observer(_crew: Crew, station: Station, namespace: NetworkNamespace) -> dict[str, Operation]:
    observer = Observer(namespace, station.mac, station.address)
    return {
        "observer.who_has": observer.who_has,
        "observer.watch": observer.watch,
        "observer.stop": observer.stop,
    }


def _web(_crew: Crew, station: Station, namespace: NetworkNamespace) -> dict[str, Operation]:
    from emulator.agents.web_client import WebClient  # noqa: PLC0415 - few labs have one

    web = WebClient(namespace, station.mac)
    return {f"{WEB}.watch": web.watch, f"{WEB}.stop": web.stop}


def _router(crew: Crew, station: Station, namespace: NetworkNamespace) -> dict[str, Operation]:
    Neighbourhood(namespace, station.address).behave(crew.router_s, heeds_announcements=True)
    return _pinger(station, namespace)


def _crowd(crew: Crew, station: Station, namespace: NetworkNamespace) -> dict[str, Operation]:
    from emulator.agents.crowd import Crowd  # noqa: PLC0415 - few labs have one

    if crew.folder is None:
        raise ValueError("a crowd needs user agents")
    crowd = Crowd(namespace, station, crew.folder / station.name)
    return {"crowd.provision": crowd.provision, "crowd.seen": crowd.seen}


PLACES = {"mail": _mail, "observer": _observer, "crowd": _crowd, WEB: _web, ROUTER: _router}


def _pinger(station: Station, namespace: NetworkNamespace) -> dict[str, Operation]:
    phone = Phone(namespace)
    return {f"{station.name}.watch": phone.watch, f"{station.name}.stop": phone.stop}


def _telephone(station: Station, namespace: NetworkNamespace, folder: Path) -> dict[str, Operation]:
    from emulator.agents.telephone import Telephone  # noqa: PLC0415 - few labs have any

    tone = folder / "voice.wav"
    if not tone.exists():
        tone.write_bytes(b"".join(Voice().pieces(Sound(station.name, SYLLABLES_SPOKEN))))
    telephone = Telephone(namespace, station, folder / station.name, tone)
    orders = (
        telephone.provision,
        telephone.restart,
        telephone.await_registered,
        telephone.dial,
        telephone.await_audio,
        telephone.hang_up,
        telephone.seen,
    )
    return {f"{station.name}.{order.__name__}": order for order in orders}


def serve(path: Path, panel: Panel, *, fail_stop: bool) -> None:
    """Take orders, one JSON object a line, each answered under its number.

    Args:
        path: of the Unix socket.
        panel: what can be ordered.
        fail_stop: end with the connection, so that a killed runner leaves nothing running.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen()
        while True:
            peer, _ = listener.accept()
            if fail_stop:
                _take_orders(peer, panel)
                os._exit(0)  # threads that wait for frames do not hold the end up
            threading.Thread(target=_take_orders, args=(peer, panel), daemon=True).start()


def _take_orders(peer: socket.socket, panel: Panel) -> None:
    writing = threading.Lock()

    def obey(order: Mapping[str, Any]) -> None:
        answer = {"id": order["id"], **_obey(order, panel)}
        with writing:
            peer.sendall(json.dumps(answer).encode() + b"\n")

    with peer, peer.makefile("rb") as lines:
        for line in lines:
            threading.Thread(target=obey, args=(json.loads(line),), daemon=True).start()


def _obey(order: Mapping[str, Any], panel: Panel) -> dict[str, Any]:
    try:
        return {"result": panel.operation(order["do"])(**order["with"])}
    except KeyError:
        return {"error": f"{order['do']} is not known here"}
    except (OSError, TypeError, ValueError) as error:
        return {"error": f"{order['do']}: {error}"}


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lab", required=True)
    parser.add_argument("--bridge", required=True)
    parser.add_argument("--subnet", required=True, type=IPv4Network)
    parser.add_argument("--phones", required=True, type=int)
    parser.add_argument("--socket", required=True, type=Path)
    parser.add_argument("--user-agents", action="store_true", help="phones register by SIP")
    parser.add_argument("--crowd", action="store_true", help="there is a place for many phones")
    parser.add_argument("--others", nargs="*", default=[], choices=OTHERS, help="other clients")
    parser.add_argument("--router-s", type=float, default=ROUTER_CACHE_S, help="its ARP cache")
    parser.add_argument("--fail-stop", action="store_true")
    options = parser.parse_args()
    places = stations(
        options.lab, options.subnet, options.phones, crowd=options.crowd, others=options.others
    )
    switch, prefix = Switch(options.bridge), options.subnet.prefixlen
    strangers, obstructions = Strangers(switch, options.lab, prefix), Obstructions(options.bridge)
    switch.clear_away()
    obstructions.clear_away()
    folder = Path(tempfile.mkdtemp(prefix="phones-", dir="/run")) if options.user_agents else None
    crew = Crew(places, prefix, folder, options.router_s)
    panel = Panel(switch, obstructions, strangers, crew)
    serve(options.socket, panel, fail_stop=options.fail_stop)


if __name__ == "__main__":
    main()
