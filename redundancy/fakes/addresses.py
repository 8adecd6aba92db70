"""A LAN on which a test says who holds which address, and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from redundancy.errors import LanUnusable
from redundancy.ports import Stopwatch


@dataclass(frozen=True)
class _Holder:
    address: str
    mac: str
    from_s: float
    until_s: float


@dataclass
class FakeAddresses:
    """Addresses on a make-believe wire; a probe takes the time that it listens.

    Attributes:
        stopwatch: where the time of listening passes.
        linked: False while this appliance's own cable is out.
        probes: the addresses that were asked for.
        announced: the addresses that were announced.
    """

    stopwatch: Stopwatch
    linked: bool = True
    probes: list[str] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)
    _holders: list[_Holder] = field(default_factory=list)

    def answer(self, address: str, mac: str, from_s: float = 0.0, until_s: float = inf) -> None:
        """Let another station hold an address during a span of the stopwatch."""
        self._holders.append(_Holder(address, mac.lower(), from_s, until_s))

    def fall_silent(self, address: str) -> None:
        """Let nobody hold an address any more."""
        self._holders = [one for one in self._holders if one.address != address]

    def probe(self, address: str, listen_s: float) -> frozenset[str]:
        """Listen; see `redundancy.ports.Addresses.probe`."""
        self._require_link()
        self.probes.append(address)
        start_s = self.stopwatch.now_s()
        self.stopwatch.sleep(listen_s)
        end_s = self.stopwatch.now_s()
        return frozenset(
            one.mac
            for one in self._holders
            if one.address == address and one.from_s <= end_s and start_s < one.until_s
        )

    def announce(self, address: str) -> None:
        """Record an announcement."""
        self._require_link()
        self.announced.append(address)

    def _require_link(self) -> None:
        if not self.linked:
            raise LanUnusable("the LAN port has no link", remedy="check the cable")
