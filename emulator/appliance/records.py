"""What `identity.db` remembers, as values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property
from ipaddress import IPv4Interface
from typing import Any, NamedTuple

from emulator.appliance.refusal import Usage
from emulator.licences import Licence, parse_key


class Token(NamedTuple):
    """The right to act on a standby: the newest (epoch, run, attempt) wins (D2, D14)."""

    epoch: int
    run: int
    attempt: int

    def __str__(self) -> str:
        """Render as on the command line: `1.3.2`."""
        return f"{self.epoch}.{self.run}.{self.attempt}"

    @classmethod
    def parse(cls, text: str) -> Token:
        """Read a token.

        Raises:
            Usage: it is none.
        """
        if not re.fullmatch(r"\d{1,9}\.\d{1,9}\.\d{1,9}", text):
            raise Usage(f"{text[:40]!r} is no token; expected EPOCH.RUN.ATTEMPT, for example 1.3.2")
        epoch, run, attempt = (int(part) for part in text.split("."))
        return cls(epoch, run, attempt)


@dataclass(frozen=True)
class NetworkSettings:
    """IPv4 settings (R9, R51)."""

    method: str
    address: str
    prefix: int
    gateway: str
    dns: tuple[str, ...]

    @classmethod
    def load(cls, value: Mapping[str, Any]) -> NetworkSettings:
        """Read from JSON; the method is static unless said otherwise."""
        IPv4Interface(f"{value['address']}/{int(value['prefix'])}")
        return cls(
            method=str(value.get("method", "static")),
            address=str(value["address"]),
            prefix=int(value["prefix"]),
            gateway=str(value["gateway"]),
            dns=tuple(str(one) for one in value.get("dns", ())),
        )


@dataclass(frozen=True)
class Lineage:
    """Where the state stands (D14)."""

    epoch: int
    holder: str
    generation: int


@dataclass(frozen=True)
class Origin:
    """The backup that the content came from."""

    epoch: int
    generation: int
    taken_at: str
    imported_at: str
    sha256: str
    network: NetworkSettings


@dataclass(frozen=True)
class Takeover:
    """A takeover that was committed here (D10)."""

    operation: str
    epoch: int
    settled: bool


@dataclass(frozen=True)
class Incoming:
    """A backup that arrived whole and awaits its import."""

    token: str
    file: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Import:
    """An import that was committed, as it was answered."""

    token: str
    epoch: int
    generation: int
    objects: int


NO_TOKEN = Token(0, 0, 0)
NO_LINEAGE = Lineage(0, "", 0)


@dataclass(frozen=True)
class Facts:
    """Everything that makes this box this box; one row of `identity.db`.

    Attributes:
        network_given_up: what the box had before a takeover, until that is settled.
        fence: the newest token that was seen.
        content: the name of the current content database: the commit point of an import.
        importing: the content database that an import is building; None: none is under way.
        superseded: remains of a committed import that are still to be removed.
        epochs: operations that opened an epoch, so that a repeated one is recognised.
        backup_number: of the newest backup file.
        boot_address_check: probe before an address is taken (D10, RFC 5227).
    """

    name: str
    type: str
    version: str
    zone: str
    hardware_id: str
    mac: str
    network: NetworkSettings
    root_password: str
    licences: tuple[str, ...]
    content: str
    lineage: Lineage = NO_LINEAGE
    fence: Token = NO_TOKEN
    network_given_up: NetworkSettings | None = None
    origin: Origin | None = None
    takeover: Takeover | None = None
    received: Incoming | None = None
    imported: Import | None = None
    importing: str | None = None
    superseded: str | None = None
    epochs: Mapping[str, int] | None = None
    backup_number: int = 0
    boot_address_check: bool = False

    @cached_property
    def parsed_licences(self) -> tuple[Licence, ...]:
        """The installed licences."""
        return tuple(parse_key(key) for key in self.licences)

    @property
    def standing(self) -> tuple[object, ...]:
        """What decides which part this box has in its pair, and where it is reached (R22, D14)."""
        lineage = self.lineage
        return self.zone, self.licences, lineage.epoch, lineage.holder, self.network.address

    @property
    def server_key(self) -> str:
        """Fingerprint of the server licence, "" if none is installed."""
        held = (one.fingerprint for one in self.parsed_licences if one.kind == "server")
        return next(held, "")

    @property
    def holds_epoch(self) -> bool:
        """Whether this box is the current active (D14)."""
        return self.lineage.epoch > 0 and self.lineage.holder == self.server_key

    @property
    def is_standby(self) -> bool:
        """Whether another box holds the epoch that this one is in (D14)."""
        return self.lineage.epoch > 0 and not self.holds_epoch

    def dump(self) -> str:
        """Render as JSON."""
        row = {one.name: getattr(self, one.name) for one in fields(self)}
        return json.dumps(row, sort_keys=True, default=vars)

    @classmethod
    def load(cls, text: str) -> Facts:
        """Read what `dump` wrote."""
        row = json.loads(text)
        given_up, origin = row["network_given_up"], row["origin"]
        if origin is not None:
            origin = Origin(**{**origin, "network": NetworkSettings.load(origin["network"])})
        row |= {
            "network": NetworkSettings.load(row["network"]),
            "network_given_up": None if given_up is None else NetworkSettings.load(given_up),
            "licences": tuple(row["licences"]),
            "lineage": Lineage(**row["lineage"]),
            "fence": Token(*row["fence"]),
            "origin": origin,
            "takeover": None if row["takeover"] is None else Takeover(**row["takeover"]),
            "received": None if row["received"] is None else Incoming(**row["received"]),
            "imported": None if row["imported"] is None else Import(**row["imported"]),
        }
        return cls(**row)


def instant(value: datetime) -> str:
    """Render an instant as the contract does: ISO 8601, UTC, seconds."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")
