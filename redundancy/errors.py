"""Everything that can go wrong between the engine and an appliance.

    RedundancyError
    ├── DefiniteError            it did not happen; trying again is safe (D2)
    │   ├── Refused              the appliance said no; `code` names why
    │   │   └── Fenced           a newer (run, attempt) holds the right to act
    │   ├── ConnectionLost       refused, reset or cut before anything was started
    │   ├── AuthenticationFailed user or password is wrong (never retried in a burst)
    │   ├── HostKeyChanged       the pinned key differs: the run stops (D11)
    │   ├── Stalled              no progress within the stall limit (D12)
    │   ├── Damaged              a file on this appliance's own disk has changed by itself (T12)
    │   ├── DiskFailed           this appliance's own disk is full or broken
    │   └── LanUnusable          this appliance's own LAN port has no link: silence on it
    │                            proves nothing (D9)
    └── IndefiniteError          the connection died while the far side may have acted:
                                 observe first, never repeat blindly (D2)

Adapters translate whatever their library raises into this tree; a test proves
that nothing else leaves them.
"""

from __future__ import annotations

import errno


class RedundancyError(Exception):
    """Base of the tree. `code` is the cause as the journal records it."""

    code = "error"

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class DefiniteError(RedundancyError):
    """The operation did not take effect."""

    code = "definite"


class Refused(DefiniteError):  # noqa: N818 - the field's word; "RefusedError" says nothing more
    """The appliance answered and declined; `code` is the contract's error code."""

    def __init__(self, code: str, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.code = code


class Fenced(Refused):
    """An operation of a newer run or attempt has taken over (D2)."""

    def __init__(self, message: str) -> None:
        super().__init__("fenced", message)


class ConnectionLost(DefiniteError):  # noqa: N818 - see Refused
    """No connection, or it ended before the far side could start to act."""

    code = "connection-lost"


class AuthenticationFailed(DefiniteError):  # noqa: N818 - see Refused
    """The standby does not accept the user name or password (R34, R35)."""

    code = "authentication-failed"


class HostKeyChanged(DefiniteError):  # noqa: N818 - see Refused
    """The standby's SSH host key is not the pinned one (D11)."""

    code = "host-key-changed"


class Stalled(DefiniteError):  # noqa: N818 - see Refused
    """No byte moved within the stall limit (D12)."""

    code = "stalled"


class LanUnusable(DefiniteError):  # noqa: N818 - see Refused
    """This appliance's own LAN port is down, so nothing can be learnt from the wire (D9)."""

    code = "lan-unusable"


class Damaged(DefiniteError):  # noqa: N818 - see Refused
    """What is to be sent is not what it was when it was stored (T12)."""

    code = "damaged"


class DiskFailed(DefiniteError):  # noqa: N818 - see Refused
    """This appliance's own disk takes nothing (any more): nothing may be done unrecorded."""

    def __init__(self, error: OSError) -> None:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        super().__init__(
            f"the module's journal cannot be written: {error}",
            remedy="free space on this appliance's disk" if full else "check this disk",
        )
        self.code = "disk-full" if full else "disk-error"


class IndefiniteError(RedundancyError):
    """The far side may or may not have acted; read its state before the next step (D2)."""

    code = "indefinite"
