"""The close watch on the active's address (D9, docs/design.md "Silence")."""

from __future__ import annotations

from dataclasses import dataclass, field

from redundancy.ports import Addresses, Stopwatch

SILENCE_NEEDED_S = 3.0
PROBE_S = 0.25  # four probes a second
PAUSE_MAX_S = 0.6  # between two; RFC 5227 section 1.1 itself lets its probes be 1 to 2 s apart
OPEN_FOR_S = 60.0


@dataclass
class CloseWatch:
    """Probes one address for as long as somebody looks.

    Silence counts from the first unanswered probe on; any answer starts it anew, and so does
    a long pause between two probes, since nobody listened then. A short one does not: between
    the click and the last probe the daemon writes its journal, and on a busy box that takes a
    while. Were the silence lost over it, the click would wait for another three seconds.
    """

    addresses: Addresses
    stopwatch: Stopwatch
    address: str = ""
    answered_by: frozenset[str] = frozenset()
    _open_until_s: float = field(default=float("-inf"))
    _silent_since_s: float | None = None
    _heard_until_s: float = field(default=float("-inf"))

    @property
    def open(self) -> bool:
        """Tell whether somebody looks."""
        return self.stopwatch.now_s() < self._open_until_s

    @property
    def silent_s(self) -> float:
        """Return for how long, in seconds, nothing has answered without a gap."""
        if self._silent_since_s is None:
            return 0.0
        # To the microsecond: twelve quarters of a second are 3 s, whatever floats make of them.
        return round(self._heard_until_s - self._silent_since_s, 6)

    def look(self, address: str) -> None:
        """Open the watch, or keep it open, for the next 60 s."""
        if address != self.address:
            self.address = address
            self._silent_since_s = None
        self._open_until_s = self.stopwatch.now_s() + OPEN_FOR_S

    def close(self) -> None:
        """End the watch: a decision was made."""
        self._open_until_s = float("-inf")
        self._silent_since_s = None

    def probe(self) -> frozenset[str]:
        """Ask once and listen; returns who answered."""
        asked_s = self.stopwatch.now_s()
        if asked_s - self._heard_until_s > PAUSE_MAX_S:
            self._silent_since_s = None
        self.answered_by = self.addresses.probe(self.address, PROBE_S)
        self._heard_until_s = self.stopwatch.now_s()
        if self.answered_by:
            self._silent_since_s = None
        elif self._silent_since_s is None:
            self._silent_since_s = asked_s
        return self.answered_by

    def prove_silence(self) -> frozenset[str]:
        """Probe until the silence is long enough, or something answers; at least once.

        Returns:
            Who answered; empty when the silence is proved.
        """
        while True:
            answered = self.probe()
            if answered or self.silent_s >= SILENCE_NEEDED_S:
                return answered
