"""The folder of a run: `runs/<scenario>/<time>/`, written once, read as often as one likes.

plan.yaml                the scenario as it was run, seed, commit, backend
events.jsonl             the history
wire.pcap                ARP as it crossed the switch
mails/0001.eml …         what the sink took, and mails/index.json
clients.json             what the observer and the phones saw
stations.json            the nodes and their addresses
nodes/<node>/events.jsonl  each appliance's own log
scan.json                where the lab's secrets were looked for
seal.json                the SHA-256 of every file above
summary.json             verdicts and figures
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from emulator.lab import Event, MailRecord, NodeInfo
from scenarios.frames import NotARecording
from scenarios.record import (
    Plan,
    Record,
    Seal,
    SecretScan,
    StoredMail,
    Watch,
    event_from,
    event_row,
)

_SEAL, _UNSEALED = "seal.json", {"seal.json", "summary.json"}  # a summary is written anew
_TEXTS = ("*.json", "*.jsonl", "*.yaml", "mails/*.eml", "nodes/*/*", "nodes/*.log")


_BROKEN = (
    AttributeError,
    KeyError,
    NotARecording,
    TypeError,
    ValidationError,
    ValueError,
    yaml.YAMLError,
)


class NotARun(Exception):  # noqa: N818 - says what is wrong with the folder
    """The folder is no stored run, or an incomplete one."""


class RunFolder:
    """Writes one run's evidence."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def make(cls, path: Path) -> RunFolder:
        """Begin a new folder; FileExistsError where there is one already."""
        path.mkdir(parents=True, mode=0o755)
        return cls(path)

    def discard(self) -> None:
        """Remove the folder of a run that never began, and what it made empty above."""
        shutil.rmtree(self.path)
        with suppress(OSError):  # earlier runs are there
            self.path.parent.rmdir()
            self.path.parent.parent.rmdir()

    def write_plan(self, plan: Plan) -> None:
        """Write the plan."""
        data = plan.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
        self._write("plan.yaml", text.encode())

    def write_history(self, events: Iterable[Event]) -> None:
        """Write the history."""
        rows = (json.dumps(event_row(event), ensure_ascii=False) for event in events)
        self._write("events.jsonl", "".join(f"{row}\n" for row in rows).encode())

    def write_pcap(self, pcap: bytes) -> None:
        """Write the recording of the wire."""
        self._write("wire.pcap", pcap)

    def write_mails(self, mails: Sequence[MailRecord]) -> None:
        """Write each message as the sink took it."""
        index = []
        for number, mail in enumerate(mails, 1):
            self._write(f"mails/{number:04}.eml", mail.raw)
            index.append(
                {
                    "message_id": mail.message_id,
                    "sender": mail.sender,
                    "recipients": list(mail.recipients),
                    "subject": mail.subject,
                    "received_s": mail.received_s,
                }
            )
        self.write_json("mails/index.json", index)

    def write_clients(self, observed: Watch | None, pings: Mapping[str, Watch]) -> None:
        """Write what the stations saw."""
        self.write_json(
            "clients.json",
            {
                "observer": None if observed is None else asdict(observed),
                "phones": {name: asdict(watch) for name, watch in pings.items()},
            },
        )

    def write_stations(self, stations: Iterable[NodeInfo]) -> None:
        """Write the nodes of the lab."""
        self.write_json("stations.json", [asdict(station) for station in stations])

    def write_node_log(self, node: str, name: str, data: bytes) -> None:
        """Write one of an appliance's own logs."""
        self._write(f"nodes/{node}/{name}", data)

    def scan(self, secrets: Iterable[str]) -> SecretScan:
        """Look for the lab's secrets in everything that was written, and note the result."""
        needles = sorted({secret.encode() for secret in secrets if secret})
        found = [
            str(path.relative_to(self.path))
            for path in sorted(self.path.rglob("*"))
            if path.is_file() and any(needle in path.read_bytes() for needle in needles)
        ]
        self.write_json("scan.json", {"searched": len(needles), "found": found})
        return SecretScan(len(needles), tuple(found))

    def seal(self) -> None:
        """Note the SHA-256 of every file, so that a later change shows."""
        self.write_json(_SEAL, _hashes(self.path))

    def write_json(self, name: str, value: Any) -> None:
        """Write a JSON document."""
        text = json.dumps(value, indent=1, ensure_ascii=False, default=str)
        self._write(name, f"{text}\n".encode())

    def point_latest(self) -> None:
        """Make `latest` beside this run's folder name it."""
        link = self.path.parent / "latest"
        fresh = self.path.parent / f".latest-{self.path.name}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(self.path.name)
        fresh.replace(link)

    def _write(self, name: str, data: bytes) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        path.write_bytes(data)
        path.chmod(0o644)


def load(path: Path) -> Record:
    """Read a stored run.

    Raises:
        NotARun: what is missing or broken, by file.
    """
    try:
        return _read(path)
    except FileNotFoundError as error:
        raise NotARun(f"{error.filename}: missing") from error
    except _BROKEN as error:
        raise NotARun(f"{path}: broken: {error}") from error


def _read(path: Path) -> Record:
    plan = Plan.model_validate(yaml.safe_load((path / "plan.yaml").read_text()))
    clients = _json(path / "clients.json")
    record = Record(
        plan=plan,
        events=tuple(
            event_from(json.loads(line))
            for line in (path / "events.jsonl").read_text().split("\n")  # U+2028 ends no event
            if line
        ),
        stations=tuple(NodeInfo(**one) for one in _json(path / "stations.json")),
        mails=tuple(
            StoredMail(**{**one, "recipients": tuple(one["recipients"])})
            for one in _json(path / "mails/index.json")
        ),
        observed=None if clients["observer"] is None else _watch(clients["observer"]),
        pings={name: _watch(one) for name, one in clients["phones"].items()},
        pcap=(path / "wire.pcap").read_bytes(),
        texts=dict(_texts(path)),
        scan=_scan(path / "scan.json"),
        sealed=_seal(path),
    )
    _ = record.frames  # read here, so that a broken recording is told as such
    return record


def _texts(path: Path) -> Iterable[tuple[str, str]]:
    for pattern in _TEXTS:
        for file in sorted(path.glob(pattern)):
            if file.is_file():
                yield str(file.relative_to(path)), file.read_text(errors="replace")


def _json(path: Path) -> Any:
    return json.loads(path.read_text())


def _watch(row: Mapping[str, Any]) -> Watch:
    answers = tuple((float(at_s), str(mac)) for at_s, mac in row["answers"])
    return Watch(str(row["address"]), int(row["sent"]), answers)


def _scan(path: Path) -> SecretScan | None:
    if not path.is_file():
        return None
    row = _json(path)
    return SecretScan(int(row["searched"]), tuple(row["found"]))


def _hashes(path: Path) -> dict[str, str]:
    files = {str(one.relative_to(path)): one for one in sorted(path.rglob("*")) if one.is_file()}
    return {
        name: hashlib.sha256(file.read_bytes()).hexdigest()
        for name, file in files.items()
        if name not in _UNSEALED
    }


def _seal(path: Path) -> Seal | None:
    if not (path / _SEAL).is_file():
        return None
    sealed: dict[str, str] = _json(path / _SEAL)
    found = _hashes(path)
    broken = [name for name in sorted({*sealed, *found}) if sealed.get(name) != found.get(name)]
    return Seal(len(sealed), tuple(broken))
