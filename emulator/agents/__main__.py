"""The program of a lab's switch node: `python -m emulator.agents`."""

from __future__ import annotations

import argparse
import base64
import json
import os
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from emulator.addressing import Station, stations
from emulator.agents.namespace import NetworkNamespace
from emulator.agents.observer import Observer
from emulator.agents.phone import Phone
from emulator.agents.switch import Switch

Operation = Callable[..., Any]


class Panel:
    """The operations that orders can name, as `node.operation`.

    Cables can be laid at once; stations are furnished meanwhile, and orders to them wait.

    Args:
        switch: the switch.
        places: the stations.
        prefix: the length of the LAN's prefix.
    """

    def __init__(self, switch: Switch, places: tuple[Station, ...], prefix: int) -> None:
        self._own: dict[str, Operation] = {
            "switch.plug": switch.plug,
            "switch.carrier": switch.carrier,
            "switch.capture": switch.capture,
            "switch.pcap": lambda: base64.b64encode(switch.pcap()).decode(),
        }
        self._furnished = ThreadPoolExecutor(1).submit(furnish, switch, places, prefix)

    def operation(self, name: str) -> Operation:
        """Return an operation; KeyError if there is none, OSError if furnishing failed."""
        return self._own.get(name) or self._furnished.result()[name]


def furnish(switch: Switch, places: tuple[Station, ...], prefix: int) -> dict[str, Operation]:
    """Set all stations up and return their operations."""
    namespaces = {station: NetworkNamespace() for station in places}
    switch.furnish(namespaces, prefix)
    operations: dict[str, Operation] = {
        "switch.cables": lambda: {place.name: switch.cable(place) for place in places},
        "switch.namespaces": lambda: {place.name: namespaces[place].path for place in places},
    }
    for station, namespace in namespaces.items():
        operations |= _operations(station, namespace)
    return operations


def _operations(station: Station, namespace: NetworkNamespace) -> dict[str, Operation]:
    if station.name == "mail":
        from emulator.agents.mail import MailSink  # noqa: PLC0415 - slow; cables do not wait for it

        return {"mail.messages": MailSink(namespace, station.address).messages}
    if station.name == "observer":
        observer = Observer(namespace, station.mac, station.address)
        return {
            "observer.who_has": observer.who_has,
            "observer.watch": observer.watch,
            "observer.stop": observer.stop,
        }
    phone = Phone(namespace)
    return {f"{station.name}.watch": phone.watch, f"{station.name}.stop": phone.stop}


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
    parser.add_argument("--fail-stop", action="store_true")
    options = parser.parse_args()
    places = stations(options.lab, options.subnet, options.phones)
    panel = Panel(Switch(options.bridge), places, options.subnet.prefixlen)
    serve(options.socket, panel, fail_stop=options.fail_stop)


if __name__ == "__main__":
    main()
