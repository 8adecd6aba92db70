"""The one place where an appliance's role is derived (R22, D14)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from redundancy.contract import Lineage

Role = Literal["active", "standby", "unconfigured"]


@dataclass(frozen=True)
class Roles:
    """What an appliance was meant to be, and what it is now."""

    designated: Role
    current: Role


def fingerprint(key: str) -> str:
    """Return what the contract shows instead of a licence key."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def roles(server_key: str | None, configured_key: str | None, lineage: Lineage) -> Roles:
    """Derive both roles.

    An appliance whose own server key is the configured one is the designated active, any
    other the standby (R22). Who is active *now* is the holder of the epoch: a switchover
    opens a new one; epoch 0 is the state of a box that never was part of a pair, epoch 1
    opens when the designated active is configured. An original active that comes back
    still holds its own old epoch and believes to be active; the lower epoch is what gives
    it away to the other side (D14).

    Args:
        server_key: fingerprint of this appliance's server licence.
        configured_key: fingerprint of the configuration's licence key; None: not configured.
        lineage: of this appliance's state.
    """
    if configured_key is None or server_key is None:
        return Roles("unconfigured", "unconfigured")
    designated: Role = "active" if server_key == configured_key else "standby"
    holds = lineage.holder == server_key and lineage.epoch > 0
    return Roles(designated, "active" if holds else "standby")
