"""Hand-written records: a sound failover, and the means to break one thing in it."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import Any

from emulator.lab import Event, NodeInfo
from scenarios.checkers import CHECKERS
from scenarios.loading import find, load
from scenarios.record import Plan, Record, Seal, SecretScan, StoredMail, Watch
from scenarios.setup import MODULE_ADDRESS
from scenarios.verdict import Verdict

START = datetime(2025, 1, 14, 8, 0, tzinfo=UTC)
PBX1, PBX2, PHONE = "198.18.0.10", "198.18.0.20", "198.18.0.101"
MAC1, MAC2, MAC_PHONE = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:99"
SHA = "ab" * 32
CONTENT = {"users/a": "1", "users/b": "2", "users/carried": "3"}
NOBODY = "0.0.0.0"  # noqa: S104 - RFC 5227's sender, no socket


def station(name: str, address: str, mac: str, role: str = "phone") -> NodeInfo:
    return NodeInfo(name, address, mac, role, "6.7.0.22", "", "", "up")


STATIONS = (
    station("pbx1", PBX1, MAC1, "active"),
    station("pbx2", PBX2, MAC2, "standby"),
    station("phone1", PHONE, MAC_PHONE),
)


class Writer:
    """Writes a history line by line; `at` is in seconds of the wall clock."""

    def __init__(self) -> None:
        self.rows: list[Event] = []

    def add(
        self, at: float, where: str, event: str, cause: str = "", *, served: float = 0.0, **detail
    ) -> None:
        node, _, source = where.partition("/")
        moment = START + timedelta(seconds=served)
        self.rows.append(Event(len(self.rows) + 1, at, moment, node, source, event, cause, detail))

    def read(self, at: float, node: str, moment: str, what: str, answer: Mapping[str, Any]) -> None:
        self.add(at, "runner/runner", "read", what, node=node, moment=moment, answer=answer)


def status(node: str, epoch: int = 1, **changes: Any) -> dict[str, Any]:
    kinds = ("server", "module")
    return {
        "name": node,
        "hardware_id": f"hw-{node}",
        "network": {"address": PBX1 if node == "pbx1" else PBX2},
        "licences": [
            {"kind": kind, "fingerprint": f"{kind}-{node}", "redacted": "XXXXX-…"} for kind in kinds
        ],
        "lineage": {"epoch": epoch, "holder": "server-pbx1", "generation": 1},
        "origin": None,
        "modules": [{"name": "callcenter", "active": node == "pbx1"}],
        "busy": {},
        **changes,
    }


def frame(at_s: float, mac: str, address: str, target: str, *, reply: bool) -> bytes:
    """One pcap record with an ARP packet."""
    hardware = bytes.fromhex(mac.replace(":", ""))
    ethernet = b"\xff" * 6 + hardware + b"\x08\x06"
    arp = struct.pack(
        "!HHBBH6s4s6s4s",
        *(1, 0x0800, 6, 4, 2 if reply else 1),
        *(hardware, IPv4Address(address).packed, b"\0" * 6, IPv4Address(target).packed),
    )
    data = ethernet + arp
    micros = round(at_s * 1e6)
    return struct.pack("<IIII", *divmod(micros, 10**6), len(data), len(data)) + data


def pcap(frames: Iterable[bytes]) -> bytes:
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + b"".join(frames)


def transfer(write: Writer, generation: int = 2, at: float = 30) -> None:
    """A transferred and imported snapshot."""
    what = {"token": "1.1.1", "file": f"s{generation}.seal", "sha256": SHA}
    made = {"epoch": 1, "generation": generation}
    snapshot = {"file": what["file"], "sha256": SHA, **made}
    write.add(at, "pbx1/appliance", "snapshot.created", served=120, **snapshot)
    write.add(at, "pbx2/appliance", "fenced", served=120, token="1.1.1")
    write.add(at, "pbx2/appliance", "receive.started", served=120, **what)
    write.add(at, "pbx2/appliance", "receive.finished", served=120, **what)
    write.add(at, "pbx2/appliance", "import.started", served=120, **what)
    write.add(at, "pbx2/appliance", "import.verified", served=120, **what, **made)
    write.add(at, "pbx2/appliance", "import.committed", served=120, **what, **made)


def switchover(write: Writer, at: float = 50.0) -> None:
    """A click at `at` that takes pbx1's address over 0.2 s later."""
    write.add(at - 0.1, "runner/runner", "step", "switch over pbx2", position=8)
    write.read(at - 0.1, "pbx2", "before-click", "status", status("pbx2"))
    write.add(at, "pbx2/engine", "switchover.asked", by="admin", operation="switchover-1")
    write.add(at + 0.1, "pbx2/engine", "switchover.silent", silent_s=3.1)
    taken = {"operation": "switchover-1", "epoch": 2, "address": PBX1}
    write.add(at + 0.2, "pbx2/appliance", "takeover.committed", **taken)
    write.add(at + 0.2, "pbx2/address", "added", address=PBX1)
    write.add(at + 0.3, "pbx2/engine", "switchover.claimed", address=PBX1)
    write.add(at + 1.5, "pbx2/address", "removed", address=PBX2)
    write.add(at + 1.6, "pbx2/engine", "switchover.finished", operation="switchover-1")


def failover_history() -> Writer:
    """A failover as it should be: run, power-off at 40 s, click at 50 s."""
    write = Writer()
    write.add(0, "runner/runner", "phase", "steps")
    write.add(1, "pbx1/address", "added", address=PBX1)
    write.add(1, "pbx2/address", "added", address=PBX2)
    write.read(2, "pbx1", "steady", "status", status("pbx1"))
    write.read(2, "pbx2", "steady", "status", status("pbx2"))
    write.read(2, "pbx1", "steady", "digest", {"objects": {"users/a": "1", "users/b": "2"}})
    write.add(10, "pbx1/appliance", "changed", "users add", kind="users", id="carried")
    write.add(20, "pbx1/engine", "run.started", served=120, run=1, reason="scheduled")
    write.add(20, "pbx1/engine", "attempt.started", served=120, run=1, attempt=1, token="1.1.1")
    transfer(write)
    write.add(31, "pbx1/engine", "run.succeeded", served=120, run=1)
    write.add(40.1, "runner/runner", "fault", "power-off", node="pbx1", began_s=40.0)
    switchover(write)
    for message_id, recipient in (("<1@lab>", "a@lab.test"), ("<n@lab>", MODULE_ADDRESS)):
        told = {"message_id": message_id, "recipient": recipient}
        write.add(51.7, "pbx2/appliance", "mail.queued", **told)
        write.add(52, "pbx2/mail", "sent", **told)
    page = {"status": 200, "text": "Umschaltung"}
    write.read(51, "pbx2", "click", "page", page)
    origin = {"epoch": 1, "generation": 2, "sha256": SHA}
    active = [{"name": "callcenter", "active": True}, {"name": "redundanz", "active": False}]
    after = status("pbx2", 2, origin=origin, network={"address": PBX1}, modules=active)
    write.read(60, "pbx2", "final", "status", after)
    write.read(60, "pbx2", "final", "digest", {"objects": CONTENT})
    write.read(60, "pbx2", "final", "users", {"users": [{"login": "a", "email": "a@lab.test"}]})
    write.read(60, "pbx2", "final", "changes", {"carried": True, "doomed": False})
    write.read(60, "pbx1", "final", "who-has", {"address": PBX1, "macs": [MAC2]})
    write.read(60, "pbx2", "final", "who-has", {"address": PBX2, "macs": []})
    return write


def failover_frames() -> list[bytes]:
    """ARP as it crosses the switch in that failover."""
    replies = [frame(at, MAC1, PBX1, PHONE, reply=True) for at in (10, 20, 30, 39.9)]
    claims = [frame(50.25, MAC2, PBX1, PBX1, reply=reply) for reply in (False, True)]
    again = [frame(50.45, MAC2, PBX1, PBX1, reply=reply) for reply in (False, True)]
    probes = [frame(46 + 0.25 * n, MAC2, NOBODY, PBX1, reply=False) for n in range(17)]
    return [*replies, *probes, *claims, *again, frame(50.6, MAC2, PBX1, PHONE, reply=True)]


def record(write: Writer, frames: Iterable[bytes] = (), scenario: str = "failover") -> Record:
    """A record over a history."""
    return Record(
        plan=Plan(
            scenario=load(find(scenario)),
            seed=1,
            commit="unknown",
            backend="sim",
            real_time=False,
            start=START,
        ),
        events=tuple(write.rows),
        stations=STATIONS,
        mails=(
            StoredMail("<1@lab>", "pbx@lab.test", ("a@lab.test",), "Restart", 55.0),
            StoredMail("<n@lab>", "pbx@lab.test", (MODULE_ADDRESS,), "Switched", 56.0),
        ),
        pings={"phone1": Watch(PBX1, 100, ((39.95, MAC1), (50.3, MAC2)))},
        pcap=pcap(frames),
        texts=logs(write.rows),
        scan=SecretScan(5, ()),
        sealed=Seal(9, ()),
    )


def logs(events: Iterable[Event]) -> dict[str, str]:
    """The appliances' own logs of a history."""
    lines: dict[str, list[str]] = {"pbx1": [], "pbx2": []}
    for one in events:
        row = {key: getattr(one, key) for key in ("source", "event", "cause", "detail")}
        if one.node in lines:
            lines[one.node].append(json.dumps({"served": one.served.isoformat(), **row}))
    return {f"nodes/{node}/events.jsonl": "\n".join(rows) for node, rows in lines.items()}


def verdict(name: str, given: Record) -> Verdict:
    """What one checker says of a record."""
    return CHECKERS[name](given).verdict


def failover_record() -> Record:
    """The sound failover."""
    return record(failover_history(), failover_frames())


def without(sound: Record, event: str, node: str = "") -> Record:
    """The same record without the events of a name."""
    kept = tuple(one for one in sound.events if one.event != event or (node and one.node != node))
    return replace(sound, events=kept)


def altered(sound: Record, event: str, **detail: Any) -> Record:
    """The same record with other details in the events of a name."""
    events = tuple(
        replace(one, detail={**one.detail, **detail}) if one.event == event else one
        for one in sound.events
    )
    return replace(sound, events=events)


def followed(sound: Record, *rows: tuple[float, str, str, str, Mapping[str, Any]]) -> Record:
    """The same record with events appended: (wall, node/source, event, cause, detail)."""
    write = Writer()
    write.rows = list(sound.events)
    for at, where, event, cause, detail in rows:
        write.add(at, where, event, cause, **detail)
    return replace(sound, events=tuple(write.rows))
