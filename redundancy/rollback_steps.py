"""The seven steps of a rollback (R57): their order, on which box, and what must hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Name = Literal["backup", "readdress", "shutdown", "import", "identity", "phones", "redundancy"]
Order = Name | Literal["abandon"]
Part = Literal["acting", "original", "standby"]

ORDER: tuple[Name, ...] = (
    "backup",  # (a) backup of the acting active, kept locally
    "readdress",  # (b) change the acting active's static IPv4
    "shutdown",  # (c) shut it down
    "import",  # (d) boot the original and restore the backup
    "identity",  # (e) adapt its IPv4 configuration, install its licences
    "phones",  # (f) restart the phones
    "redundancy",  # (g) restore the redundancy configuration on the standby
)
PARTS: Mapping[Order, tuple[Part, ...]] = {
    "backup": ("acting",),
    "readdress": ("acting",),
    "shutdown": ("acting",),
    "import": ("original",),
    "identity": ("original",),
    "phones": ("original",),
    "redundancy": ("standby", "original"),  # done on the one, seen as a run on the other
    "abandon": ("acting",),
}
PROVED: Mapping[Part, int] = {"acting": 0, "original": 3, "standby": 6}


@dataclass(frozen=True)
class Facts:
    """What the box at hand shows; a check looks at these alone.

    Attributes:
        part: what the box is in this rollback.
        at_address: it is configured with the original's address, and holds it.
        answered_by: MACs of others that hold the address which this step takes, or relies on.
        file: the backup of (a), where this box has it.
        carried: its content came with the record of this rollback.
        licensed: its own licences are installed, the configured server key among them.
        holds: it holds an epoch beyond that of the acting active.
        protected: the standby has been brought up to the new epoch.
    """

    part: Part
    at_address: bool = False
    answered_by: tuple[str, ...] = ()
    file: str = ""
    carried: bool = False
    licensed: bool = False
    holds: bool = False
    protected: bool = False


Check = tuple[str, Callable[[Facts], bool]]

BEFORE: Mapping[Order, tuple[Check, ...]] = {
    "readdress": (
        ("no-backup", lambda facts: bool(facts.file)),
        ("address-answers", lambda facts: not facts.answered_by),
    ),
    "shutdown": (("still-at-the-address", lambda facts: not facts.at_address),),
    "import": (
        ("other-backup", lambda facts: facts.carried),
        ("address-answers", lambda facts: not facts.answered_by),
    ),
    "identity": (
        ("licences-missing", lambda facts: facts.licensed),
        ("address-answers", lambda facts: not facts.answered_by),
    ),
    "redundancy": (("not-protected", lambda facts: facts.protected),),
    "abandon": (("address-answers", lambda facts: not facts.answered_by),),
}
AFTER: Mapping[Order, tuple[Check, ...]] = {
    "backup": (("no-backup", lambda facts: bool(facts.file)),),
    "readdress": (("still-at-the-address", lambda facts: not facts.at_address),),
    "identity": (
        ("address-not-adapted", lambda facts: facts.at_address),
        ("epoch-not-opened", lambda facts: facts.holds),
    ),
    "abandon": (("address-not-adapted", lambda facts: facts.at_address),),
}


def first_lack(checks: Sequence[Check], facts: Facts) -> str:
    """Name the first check that fails; "" when all hold."""
    return next((code for code, holds in checks if not holds(facts)), "")


def macs(lack: str, facts: Facts) -> tuple[tuple[str, str], ...]:
    """Name the MACs that answered, as reasons, where that is what is lacking."""
    return tuple(("mac", one) for one in facts.answered_by) if lack == "address-answers" else ()
