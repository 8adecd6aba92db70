"""The folder of a run: `runs/<scenario>/<time>/`, written once, read as often as one likes.

plan.yaml                the scenario as it was run, seed, commit, backend
events.jsonl             the history
wire.pcap                ARP as it crossed the switch
mails/0001.eml …         what the sink took, and mails/index.json
clients.json             what the observer and the phones saw
stations.json            the nodes and their addresses
nodes/<node>/events.jsonl  each appliance's own log
times.json               when it began and ended
scan.json                where the lab's secrets were looked for
seal.json                the SHA-256 of every file above
summary.json             verdicts and figures
report.html              the drill report in German; report.en.html in English

The last three are made anew, to the byte, from what is sealed: whoever doubts one makes it again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from emulator.lab import Event, MailRecord, NodeInfo
from emulator.telephones import Call
from scenarios.frames import NotARecording
from scenarios.marks import YamlError, parse
from scenarios.record import (
    Plan,
    Record,
    Seal,
    SecretScan,
    StoredMail,
    Telephone,
    Times,
    Watch,
    event_from,
    event_row,
)

_SEAL = "seal.json"
REPORTS = {"de": "report.html", "en": "report.en.html"}
_MADE = {"summary.json", *REPORTS.values()}  # from the sealed files, and made anew
_TEXTS = ("*.json", "*.jsonl", "*.yaml", "mails/*.eml", "nodes/*/*", "nodes/*.log")


_BROKEN = (
    ArithmeticError,
    AttributeError,
    IsADirectoryError,
    KeyError,
    NotARecording,
    RecursionError,
    TypeError,
    ValidationError,
    ValueError,
    YamlError,
)
MOST_FILES, LARGEST = 20_000, 2**31


class NotARun(Exception):  # noqa: N818 - says what is wrong with the folder
    """The folder is no stored run, or an incomplete one."""


class Altered(NotARun):
    """The evidence was changed since the run, so that it cannot even be read any more."""


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

    def write_clients(
        self,
        observed: Watch | None,
        pings: Mapping[str, Watch],
        telephones: Mapping[str, Telephone],
        crowd: Mapping[str, Watch],
    ) -> None:
        """Write what the stations saw."""
        self.write_json(
            "clients.json",
            {
                "observer": None if observed is None else asdict(observed),
                "phones": {name: asdict(watch) for name, watch in pings.items()},
                "telephones": {name: asdict(one) for name, one in telephones.items()},
                "crowd": {extension: asdict(one) for extension, one in crowd.items()},
            },
        )

    def write_stations(self, stations: Iterable[NodeInfo]) -> None:
        """Write the nodes of the lab."""
        self.write_json("stations.json", [asdict(station) for station in stations])

    def write_node_log(self, node: str, name: str, data: bytes) -> None:
        """Write one of an appliance's own logs."""
        self._write(f"nodes/{node}/{name}", data)

    def write_times(self, times: Times) -> None:
        """Write when the drill began and ended."""
        self.write_json(
            "times.json", {"began": times.began.isoformat(), "ended": times.ended.isoformat()}
        )

    def write_report(self, language: str, page: str) -> Path:
        """Write the drill report in a language (`REPORTS`), and return where."""
        self._write(REPORTS[language], page.encode())
        return self.path / REPORTS[language]

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
        Altered: it was changed since the run.
    """
    try:
        _look_over(path)
        return _read(path)
    except FileNotFoundError as error:
        raise NotARun(f"{error.filename}: missing") from error
    except _BROKEN as error:
        changed = ", ".join(_changed(path)[:5])
        if changed:
            raise Altered(f"{path}: {changed} is not as the run wrote it: {error}") from error
        raise NotARun(f"{path}: broken: {error}") from error


def _look_over(path: Path) -> None:
    """Refuse what no run writes, before any of it is opened.

    Raises:
        NotARun: a link, a device or a pipe; more or larger files than a drill can make.
    """
    if not path.is_dir():
        raise NotARun(f"{path}: there is no such folder")
    total = 0
    for number, one in enumerate(path.rglob("*"), 1):
        mode = one.lstat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise NotARun(f"{one}: neither a file nor a folder, and nothing else is in a run")
        total += one.lstat().st_size
        if number > MOST_FILES or total > LARGEST:
            raise NotARun(f"{path}: more than {MOST_FILES} files, or {LARGEST >> 20} MiB")


def _changed(path: Path) -> Sequence[str]:
    """Return the files that are not as the seal says; none where the seal cannot be read."""
    try:
        sealed = _seal(path)
    except _BROKEN:
        return ("seal.json",)
    return sealed.broken if sealed else ()


def _read(path: Path) -> Record:
    plan = Plan.model_validate(parse((path / "plan.yaml").read_text()).value)
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
        crowd={name: _watch(one) for name, one in clients.get("crowd", {}).items()},
        telephones={name: _telephone(one) for name, one in clients.get("telephones", {}).items()},
        pcap=(path / "wire.pcap").read_bytes(),
        texts=dict(_texts(path)),
        scan=_scan(path / "scan.json"),
        sealed=_seal(path),
        times=_times(path / "times.json"),
    )
    _ = record.frames  # read here, so that a broken recording is told as such
    return record


def _texts(path: Path) -> Iterable[tuple[str, str]]:
    for pattern in _TEXTS:
        for file in sorted(path.glob(pattern)):
            if file.is_file() and file.name not in _MADE:
                yield str(file.relative_to(path)), file.read_text(errors="replace")


def _json(path: Path) -> Any:
    return json.loads(path.read_text())


def _watch(row: Mapping[str, Any]) -> Watch:
    answers = tuple((float(at_s), str(mac)) for at_s, mac in row["answers"])
    return Watch(str(row["address"]), int(row["sent"]), answers)


def _telephone(row: Mapping[str, Any]) -> Telephone:
    return Telephone(
        **{
            **row,
            "answers": tuple((float(at_s), str(mac)) for at_s, mac in row["answers"]),
            "restarts": tuple(row["restarts"]),
            "calls": tuple(Call(**one) for one in row["calls"]),
        }
    )


def _scan(path: Path) -> SecretScan | None:
    if not path.is_file():
        return None
    row = _json(path)
    return SecretScan(int(row["searched"]), tuple(row["found"]))


def _times(path: Path) -> Times | None:
    if not path.is_file():
        return None
    row = _json(path)
    began, ended = (datetime.fromisoformat(row[name]) for name in ("began", "ended"))
    return Times(began, ended)


def sealed_files(path: Path) -> dict[str, str]:
    """Return the SHA-256 of each sealed file, as the seal of a stored run says; none unsealed."""
    sealed: dict[str, str] = _json(path / _SEAL) if (path / _SEAL).is_file() else {}
    return sealed


def seal_hash(path: Path) -> str:
    """Return the SHA-256 of the seal itself, which stands for the whole evidence; "" unsealed."""
    seal = path / _SEAL
    return hashlib.sha256(seal.read_bytes()).hexdigest() if seal.is_file() else ""


def _hashes(path: Path) -> dict[str, str]:
    files = {str(one.relative_to(path)): one for one in sorted(path.rglob("*")) if one.is_file()}
    return {
        name: hashlib.sha256(file.read_bytes()).hexdigest()
        for name, file in files.items()
        if name not in {_SEAL, *_MADE}
    }


def _seal(path: Path) -> Seal | None:
    if not (path / _SEAL).is_file():
        return None
    sealed = sealed_files(path)
    found = _hashes(path)
    broken = [name for name in sorted({*sealed, *found}) if sealed.get(name) != found.get(name)]
    return Seal(len(sealed), tuple(broken))
