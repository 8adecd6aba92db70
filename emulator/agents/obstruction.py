"""Frames that the switch treats badly: packet filter and shaper of the kernel (nft, tc)."""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
from collections.abc import Sequence

from emulator.addressing import table_of

SSH_PORT = 22
HOST_PORT = "host"  # of a bridge that the host is plugged into; else it is the bridge itself
BURST_MIN_BYTES = 16_000  # of a shaper: more than the largest frame, or nothing passes
BURST_S = 0.05
LATENCY = "400ms"
CHANCE = 10_000


class Obstructions:
    """What the switch does to frames, in tables of the lab's own.

    Args:
        bridge: the bridge's interface name.
    """

    def __init__(self, bridge: str) -> None:
        self._table = table_of(bridge)
        self._numbers = itertools.count(1)
        self._shaped: dict[int, str] = {}
        self._filtered: dict[int, str] = {}  # the family of each one's table

    def clear_away(self) -> None:
        """Remove the tables that an earlier program has left."""
        with contextlib.suppress(OSError):  # where there is no packet filter, there is no table
            for line in _run(["nft", "list", "tables"]).splitlines():
                _, family, table = line.split()
                if table == self._table:
                    _nft(f"delete table {family} {table}")

    def lacks(self, manner: str) -> str:
        """Return why the kernel or its tools cannot do something, "" if they can."""
        try:
            if manner == "rate":
                _run(["tc", "qdisc", "show"])
            else:
                family = "netdev" if manner == "reset" else "bridge"
                _nft(f"add table {family} {self._table}")
        except OSError as error:
            return str(error)
        return ""

    def drop(self, ways: Sequence[Sequence[Sequence[str]]], part: float, *, ip_only: bool) -> int:
        """Drop a part of the frames that go from any cable of one list to any of another.

        Args:
            ways: pairs of lists of cables; an empty list stands for all that are not in the
                other one, but for the host's.
            part: of the frames, each by chance.
            ip_only: address resolution passes.
        """
        number = next(self._numbers)
        chance = "" if part >= 1 else f"numgen random mod {CHANCE} < {round(part * CHANCE)} "
        kind = "ether type ip " if ip_only else ""
        rules = [
            f"add rule bridge {self._table} o{number} {_names('iifname', sources, targets)}"
            f"{_names('oifname', targets, sources)}{kind}{chance}counter drop"
            for sources, targets in ways
        ]
        self._filter(number, "bridge", "type filter hook forward priority 0;", rules)
        return number

    def reset(self, cable: str, mac: str) -> int:
        """Answer TCP segments to port 22 of a MAC that come from a cable by a reset."""
        number = next(self._numbers)
        match = f"ether daddr {mac} tcp dport {SSH_PORT}"
        rule = f"add rule netdev {self._table} o{number} {match} counter reject with tcp reset"
        hook = f'type filter hook ingress device "{cable}" priority 0;'
        self._filter(number, "netdev", hook, [rule])
        return number

    def shape(self, cable: str, bytes_per_s: int) -> int:
        """Let only so many bytes a second through a cable, towards its node (tc-tbf(8))."""
        number = next(self._numbers)
        burst = max(BURST_MIN_BYTES, round(bytes_per_s * BURST_S))
        rate = ["rate", f"{bytes_per_s * 8}bit", "burst", f"{burst}b", "latency", LATENCY]
        _run(["tc", "qdisc", "replace", "dev", cable, "root", "tbf", *rate])
        self._shaped[number] = cable
        return number

    def clear(self, number: int) -> int:
        """End an obstruction; how many frames it met."""
        cable = self._shaped.pop(number, None)
        if cable is not None:
            return self._unshape(cable)
        family = self._filtered.pop(number)
        chain = f"{family} {self._table} o{number}"
        rows = json.loads(_run(["nft", "-j", "list", "chain", *chain.split()]))["nftables"]
        _nft(f"flush chain {chain}", f"delete chain {chain}")
        expressions = [one for row in rows if "rule" in row for one in row["rule"]["expr"]]
        return sum(one["counter"]["packets"] for one in expressions if "counter" in one)

    @staticmethod
    def _unshape(cable: str) -> int:
        rows = json.loads(_run(["tc", "-s", "-j", "qdisc", "show", "dev", cable]))
        _run(["tc", "qdisc", "del", "dev", cable, "root"])
        return sum(row.get("packets", 0) for row in rows if row.get("kind") == "tbf")

    def _filter(self, number: int, family: str, hook: str, rules: Sequence[str]) -> None:
        _nft(
            f"add table {family} {self._table}",
            f"add chain {family} {self._table} o{number} {{ {hook} }}",
            *rules,
        )
        self._filtered[number] = family


def _names(field: str, cables: Sequence[str], others: Sequence[str]) -> str:
    """Return a match for the cables; without any, for all but the others and the host's."""
    quoted = ", ".join(f'"{cable}"' for cable in cables or (*others, HOST_PORT))
    return f"{field} {'' if cables else '!= '}{{ {quoted} }} "


def _nft(*lines: str) -> None:
    _run(["nft", "-f", "-"], "\n".join(lines) + "\n")


def _run(argv: Sequence[str], text: str = "") -> str:
    """Run a program.

    Raises:
        OSError: it failed, or is not there; with its words.
    """
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        words = " ".join(done.stderr.split())
        raise OSError(f"{argv[0]}: {words}")
    return done.stdout
