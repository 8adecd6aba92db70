"""Labs that are up, on disk: who owns them, what they are made of, what a killed run left.

$XDG_STATE_HOME/standby-lab/
    lock                     taken while a subnet or a name is chosen
    subnets/198.18.0.0       claims of subnets, with their owner
    labs/NAME/lab.json       the lab (0600: it contains the lab's passwords)
    cache/                   what the labs' programs may lose at any time
    labs/NAME/ledger.jsonl   everything outside of this folder, written before it is made
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, Literal

from emulator.backends import LabBackend, Record
from emulator.company import Sound
from emulator.lab import ApplianceSpec, LabError, LabSpec, WhichLab
from emulator.subnets import DEFAULT_POOL, Uses, choose, host_routes, parse_subnet
from emulator.telephones import Clients

ENDED = {"Z", "X"}  # states of /proc/PID/stat (proc(5)): zombie, dead
FORMAT = 3  # of lab.json; rises with whatever a running lab must have
START_TIME_FIELD = 19  # of /proc/PID/stat, counted after the command's name (proc(5))


def state_folder(environment: Mapping[str, str]) -> Path:
    """Return where labs are kept on disk (XDG Base Directory Specification)."""
    base = environment.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "standby-lab"


@dataclass(frozen=True)
class Owner:
    """A process: its id alone may mean another one after a while."""

    pid: int
    started: int  # in the kernel's ticks since boot

    @staticmethod
    def of(pid: int) -> Owner | None:
        """Return the process with an id, None if there is none.

        One that has ended, and that nobody has asked for its exit status yet, is none.
        """
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        if fields[0] in ENDED:
            return None
        return Owner(pid, int(fields[START_TIME_FIELD]))

    def alive(self) -> bool:
        """Say whether it still runs."""
        return Owner.of(self.pid) == self


@dataclass(frozen=True)
class Outline:
    """What must be known of a lab to remove it; None: its file does not say it.

    Attributes:
        owner: None also for a lab that was brought up to stay.
    """

    backend: str | None
    owner: Owner | None
    subnet: IPv4Network | None


@dataclass(frozen=True)
class LabRecord:
    """What is known of a lab.

    Attributes:
        owner: the process that needs it; None: it was brought up to stay.
    """

    spec: LabSpec
    backend: Literal["docker", "netns"]
    owner: Owner | None


class OtherVersionError(LabError):
    """A lab's file is not of this version of the program; the lab can only be removed."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the lab {name} was made by another version of standby-lab",
            remedy=f"remove it: standby-lab down {name}",
        )


class Registry:
    """The state folder.

    Args:
        folder: see `state_folder`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._me = Owner.of(os.getpid())
        self._held: dict[IPv4Network, int] = {}

    @property
    def labs_folder(self) -> Path:
        """Return where each lab has its folder."""
        return self._folder / "labs"

    def free_subnet(
        self, backend: LabBackend, wanted: str | None = None, pool: str = DEFAULT_POOL
    ) -> IPv4Network:
        """Choose a /24 and claim it until `leave`, or until this process ends.

        Raises:
            LabError: the wanted one is malformed or in use, or none is free.
        """
        network = None if wanted is None else parse_subnet(wanted)
        with self._locked():
            uses = [host_routes(), backend.subnets(), self._claims()]
            subnet = choose(network, IPv4Network(pool), uses)
            while not self._hold(subnet):
                uses.append({subnet: "a lab of another state folder, being made just now"})
                subnet = choose(network, IPv4Network(pool), uses)
            _write(self._claim(subnet), {"owner": asdict(self._me) if self._me else None})
        return subnet

    def enter(self, spec: LabSpec, backend: LabBackend) -> Record:
        """Register a lab that this process is about to make; its ledger.

        Raises:
            LabError: a lab of that name exists.
        """
        home = self.labs_folder / spec.name
        with self._locked():
            if self._load(spec.name) is not None:
                raise LabError(
                    f"a lab named {spec.name} exists already",
                    remedy=f"take it down: standby-lab down {spec.name}; or choose another --name",
                )
            shutil.rmtree(home, ignore_errors=True)  # of a removal that was killed
            self._save(LabRecord(spec, backend.name, self._me))

        def record(row: Mapping[str, Any]) -> None:
            with (home / "ledger.jsonl").open("a") as ledger:
                ledger.write(json.dumps(row) + "\n")
                ledger.flush()
                os.fsync(ledger.fileno())

        return record

    def amend(self, spec: LabSpec) -> None:
        """Register what a lab of this process is made of from now on."""
        known = self.lab(spec.name)
        self._save(LabRecord(spec, known.backend, known.owner))

    def keep(self, name: str) -> None:
        """Let a lab outlive this process."""
        known = self.lab(name)
        self._save(LabRecord(known.spec, known.backend, None))

    def leave(self, name: str) -> None:
        """Forget a lab that is gone; harmless when repeated."""
        with self._locked():
            subnet = _outline(self.labs_folder / name / "lab.json").subnet
            if subnet is not None:
                self._claim(subnet).unlink(missing_ok=True)
                if subnet in self._held:
                    os.close(self._held.pop(subnet))
            shutil.rmtree(self.labs_folder / name, ignore_errors=True)

    def lab(self, name: str) -> LabRecord:
        """Return a lab by name.

        Raises:
            WhichLab: there is none; with the names that there are.
            OtherVersionError: another version of the program has made it.
        """
        record = self._load(name)
        if record is None:
            names = ", ".join(self.names()) or "none"
            raise WhichLab(
                f"there is no lab named {name} (up: {names})",
                remedy=f"bring it up: standby-lab up --name {name}",
            )
        return record

    def names(self) -> tuple[str, ...]:
        """Return the names of all labs, also of those that another version has made."""
        return tuple(sorted(one.parent.name for one in self.labs_folder.glob("*/lab.json")))

    def labs(self) -> tuple[LabRecord, ...]:
        """Return all labs that this version can use, by name."""
        found = []
        for name in self.names():
            with contextlib.suppress(OtherVersionError):
                found.append(self._load(name))
        return tuple(one for one in found if one is not None)

    def outline(self, name: str) -> Outline:
        """Return what must be known of a lab to remove it, whatever version has made it.

        Raises:
            WhichLab: there is none.
        """
        if name not in self.names():
            self.lab(name)
        return _outline(self.labs_folder / name / "lab.json")

    def left_behind(self, backends: Sequence[LabBackend]) -> dict[str, LabBackend]:
        """Return what killed runs left: labs without owner, labels without a lab."""
        found: dict[str, LabBackend] = {}
        for backend in backends:
            labels = backend.labels()
            known = {name: self.outline(name) for name in self.names()}
            for name, one in known.items():
                orphan = not one.owner.alive() if one.owner else name not in labels
                if orphan and one.backend in (backend.name, None):
                    found[name] = backend
            found |= {name: backend for name in labels if name not in known}
        return found

    def repair(self, backends: Sequence[LabBackend]) -> tuple[str, ...]:
        """Remove what killed runs left, and only that; the names of those labs."""
        found = self.left_behind(backends)
        for name, backend in found.items():
            backend.destroy(name)
            self.leave(name)
        return tuple(sorted(found))

    def _hold(self, subnet: IPv4Network) -> bool:
        """Hold a subnet against other state folders; False if one of them does.

        Its routes show it as soon as the lab is there. Until then a name in the kernel does
        (unix(7), abstract sockets), which goes with this process.
        """
        name = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            name.bind(f"\0standby-lab/{subnet.network_address}")
        except OSError:
            name.close()
            return False
        self._held[subnet] = name.detach()
        return True

    def _claims(self) -> Uses:
        uses: dict[IPv4Network, str] = {}
        for file in (self._folder / "subnets").glob("*.0"):
            owner = json.loads(file.read_text())["owner"]
            if owner is None or not Owner(**owner).alive():
                file.unlink()
            else:
                uses[IPv4Network(f"{file.name}/24")] = f"a run of process {owner['pid']}"
        for name in self.names():
            subnet = self.outline(name).subnet
            if subnet is not None:
                uses[subnet] = f"the lab {name}"
        return uses

    def _claim(self, subnet: IPv4Network) -> Path:
        return self._folder / "subnets" / str(subnet.network_address)

    def _load(self, name: str) -> LabRecord | None:
        """Return a lab, None if there is none.

        Raises:
            OtherVersionError: its file is not of this version.
        """
        try:
            row = json.loads((self.labs_folder / name / "lab.json").read_text())
            if row["format"] != FORMAT:
                raise OtherVersionError(name)
            return _record(row)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise OtherVersionError(name) from error

    def _save(self, record: LabRecord) -> None:
        row = {"format": FORMAT, **asdict(record)}
        start = record.spec.start
        row["spec"]["start"] = start.isoformat() if start else None
        _write(self.labs_folder / record.spec.name / "lab.json", row)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _record(row: Mapping[str, Any]) -> LabRecord:
    spec = row["spec"]
    spec["appliances"] = tuple(
        ApplianceSpec(
            one["name"],
            one["factory"],
            {sha256: Sound(*made) for sha256, made in one["sounds"].items()},
        )
        for one in spec["appliances"]
    )
    spec["start"] = datetime.fromisoformat(spec["start"]) if spec["start"] else None
    spec["others"] = tuple(spec["others"])
    spec["clients"] = Clients(**spec["clients"]) if spec["clients"] else None
    owner = Owner(**row["owner"]) if row["owner"] else None
    return LabRecord(LabSpec(**spec), row["backend"], owner)


def _outline(file: Path) -> Outline:
    """Read as much of a lab's file as can be understood."""
    try:
        row = json.loads(file.read_text())
    except (OSError, ValueError):
        row = None
    values = row if isinstance(row, dict) else {}
    backend, owner, spec = values.get("backend"), values.get("owner"), values.get("spec")
    found = None
    if isinstance(owner, dict) and type(owner.get("pid")) is int:
        found = Owner(owner["pid"], owner.get("started", 0))
    subnet = None
    if isinstance(spec, dict):
        with contextlib.suppress(LabError, TypeError, ValueError, AttributeError):
            subnet = parse_subnet(spec.get("subnet", ""))
    return Outline(backend if isinstance(backend, str) else None, found, subnet)


def _write(path: Path, row: Mapping[str, Any]) -> None:
    """Replace a file atomically; only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    part.touch(0o600)
    part.write_text(json.dumps(row))
    part.replace(path)
