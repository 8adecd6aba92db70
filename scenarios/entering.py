"""Changes that an administrator enters, and how they are found again.

A change is known by its name in the scenario. What identifies it on the appliance (a login,
a MAC address, a number) is derived from that name, so it is the same in every run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from emulator.lab import ApplianceNode
from scenarios.drill import Entry


def enter(node: ApplianceNode, kind: str, name: str) -> Entry:
    """Enter an object on an appliance under a name.

    Raises:
        CommandRefused: the appliance declined it.
    """
    return _ENTERING[kind](node, name)


def entered(node: ApplianceNode, kind: str, name: str) -> Entry | None:
    """Return what was entered on an appliance under a name before, None if nothing was."""
    field, value = _MARKS[kind](name)
    for row in node.ctl([f"{kind}s", "list"])[f"{kind}s"]:
        if str(row[field]).replace(":", "") == value:
            return Entry(kind, str(row.get("login", row.get("id"))))
    return None


def find_entries(node: ApplianceNode, entries: Mapping[str, Entry]) -> dict[str, bool]:
    """Tell for each named change whether an appliance has it."""
    lists = {kind: _listed(node, kind) for kind in {entry.kind for entry in entries.values()}}
    return {name: entry.key in lists[entry.kind] for name, entry in entries.items()}


def _listed(node: ApplianceNode, kind: str) -> set[str]:
    rows = node.ctl([f"{kind}s", "list"])[f"{kind}s"]
    return {str(row.get("login", row.get("id"))) for row in rows}


def _user(node: ApplianceNode, name: str) -> Entry:
    login = _login(name)
    node.ctl(["users", "add", "--login", login, "--name", name, "--email", f"{name}@example.com"])
    return Entry("user", login)


def _phone(node: ApplianceNode, name: str) -> Entry:
    argv = ["phones", "add", "--mac", _mac(name).hex(":"), "--vendor", "snom", "--model", "D385"]
    added = node.ctl(argv)
    return Entry("phone", str(added["id"]))


def _redirect(node: ApplianceNode, name: str) -> Entry:
    """Redirect the first user who has none for this case; the target carries the name."""
    taken = _listed(node, "redirect")
    logins = sorted(_listed(node, "user"))
    free = next(login for login in logins if f"{login}-timeout" not in taken)
    argv = ["redirects", "add", "--user", free, "--when", "TIMEOUT", "--target", _target(name)]
    return Entry("redirect", str(node.ctl(argv)["id"]))


def _login(name: str) -> str:
    return f"9{_number(name) % 10**6:06}"


def _mac(name: str) -> bytes:
    return (0x02_00_00 << 24 | _number(name) % 2**24).to_bytes(6, "big")


def _target(name: str) -> str:
    return f"+4930{_number(name) % 10**7:07}"


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


_ENTERING: Mapping[str, Callable[[ApplianceNode, str], Entry]] = {
    "user": _user,
    "phone": _phone,
    "redirect": _redirect,
}

_MARKS: Mapping[str, Callable[[str], tuple[str, str]]] = {
    "user": lambda name: ("login", _login(name)),
    "phone": lambda name: ("id", _mac(name).hex()),
    "redirect": lambda name: ("target", _target(name)),
}
