"""Changes that an administrator enters, and how they are found again.

A change is known by its name in the scenario. What identifies it on the appliance (a login,
a MAC address, a number) is derived from that name, so it is the same in every run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta

from emulator.lab import ApplianceNode, LabError, NotThere
from scenarios.drill import Entry
from scenarios.models.steps import Change


def enter(node: ApplianceNode, change: Change) -> Entry:
    """Enter on an appliance what a change adds.

    Raises:
        CommandRefused: the appliance declined it.
        NotThere: nobody is left whom it could be entered for.
    """
    return _ENTERING[str(change.add)](node, str(change.as_), change)


def let_in(node: ApplianceNode, entry: Entry, password: str, *, administrator: bool) -> None:
    """Give a user who was entered a password for the pages, and perhaps an administrator's right.

    Raises:
        CommandRefused: the appliance declined it.
    """
    if administrator:
        node.ctl(["users", "set", entry.key, "--permissions", "administrator,telephony"])
    node.ctl(["users", "password", entry.key], password.encode())


def remove(node: ApplianceNode, entry: Entry) -> None:
    """Remove an object that was entered.

    Raises:
        CommandRefused: the appliance declined it.
    """
    node.ctl([f"{entry.kind}s", "remove", entry.key])


def edit(node: ApplianceNode, entry: Entry, times: int) -> None:
    """Change one field of an object that was entered: a name, a target, whose phone it is.

    Args:
        node: the appliance.
        entry: what is changed.
        times: how often it was changed before, this time included.

    Raises:
        CommandRefused: the appliance declined it.
        LabError: nobody can change what callers have said.
    """
    if entry.kind not in _EDITING:
        raise LabError(f"a {entry.kind} cannot be edited", remedy="remove it, or add another one")
    node.ctl([*_EDITING[entry.kind], *_EDITED[entry.kind](node, entry.key, times)])


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


def _user(node: ApplianceNode, name: str, change: Change) -> Entry:
    login, email = _login(name), change.email or f"{name}@example.com"
    argv = ["users", "add", "--login", login, "--name", change.named or name]
    node.ctl([*argv, *([] if email == "none" else ["--email", email])])
    return Entry("user", login)


def _phone(node: ApplianceNode, name: str, _change: Change) -> Entry:
    argv = ["phones", "add", "--mac", _mac(name).hex(":"), "--vendor", "snom", "--model", "D385"]
    added = node.ctl(argv)
    return Entry("phone", str(added["id"]))


def _redirect(node: ApplianceNode, name: str, _change: Change) -> Entry:
    """Redirect the first user who has none for this case; the target carries the name."""
    taken = _listed(node, "redirect")
    logins = sorted(_listed(node, "user"))
    free = next((login for login in logins if f"{login}-timeout" not in taken), None)
    if free is None:
        raise NotThere("every user has such a redirect already", remedy="add a user before")
    argv = ["redirects", "add", "--user", free, "--when", "TIMEOUT", "--target", _target(name)]
    return Entry("redirect", str(node.ctl(argv)["id"]))


def _voicemail(node: ApplianceNode, name: str, change: Change) -> Entry:
    """Let a caller, whose number carries the name, speak to the first user's box."""
    user = min(_listed(node, "user"))
    seconds = int((change.lasting or timedelta()).total_seconds())
    argv = ["voicemails", "take", "--user", user, "--caller", _target(name)]
    return Entry("voicemail", str(node.ctl([*argv, "--seconds", str(seconds)])["id"]))


def _login(name: str) -> str:
    return f"9{_number(name) % 10**6:06}"


def _mac(name: str) -> bytes:
    return (0x02_00_00 << 24 | _number(name) % 2**24).to_bytes(6, "big")


def _target(name: str) -> str:
    return f"+4930{_number(name) % 10**7:07}"


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


_ENTERING: Mapping[str, Callable[[ApplianceNode, str, Change], Entry]] = {
    "user": _user,
    "phone": _phone,
    "redirect": _redirect,
    "voicemail": _voicemail,
}

_EDITING: Mapping[str, tuple[str, str]] = {
    "user": ("users", "set"),
    "phone": ("phones", "assign"),
    "redirect": ("redirects", "set"),
}
_EDITED: Mapping[str, Callable[[ApplianceNode, str, int], list[str]]] = {
    "user": lambda _node, key, times: [key, "--name", f"edited {times} time(s)"],
    "phone": lambda node, key, times: [key, "--user", sorted(_listed(node, "user"))[times]],
    "redirect": lambda _node, key, times: [key, "--target", f"+4930{times:07}"],
}

_MARKS: Mapping[str, Callable[[str], tuple[str, str]]] = {
    "user": lambda name: ("login", _login(name)),
    "phone": lambda name: ("id", _mac(name).hex()),
    "redirect": lambda name: ("target", _target(name)),
    "voicemail": lambda name: ("caller", _target(name)),
}
