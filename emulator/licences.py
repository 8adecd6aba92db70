"""Licence keys of emulated appliances: `XXXXX-XXXXX-XXXXX-XXXXX` (R11 to R15).

The first group says what the key is for, the middle ones are its serial number, the last
one is a check over the others. A key is its own proof: no list of issued keys is needed.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Literal

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # 32 signs; no I, O, 0, 1: keys are read aloud
KINDS: tuple[Literal["server", "user", "module"], ...] = ("server", "user", "module")
MODULES = ("redundanz", "callcenter", "sprachmenue", "fax2mail")
GROUP = 5
SERIAL_LENGTH = 10


class LicenceKeyError(ValueError):
    """The text is not a licence key; the message says why.

    Attributes:
        reason: why, for those who say it in another language.
        shown: the key as people may see it, "" for what is none.
    """

    def __init__(
        self, reason: Literal["form", "sign", "check", "unknown"], shown: str, message: str
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.shown = shown


@dataclass(frozen=True)
class Licence:
    """What a key is for. The key itself is not part of it.

    Attributes:
        users: how many users a user licence covers, else 0.
        module: the name of the module of a module licence.
        fingerprint: compares keys without showing them.
        redacted: what people are shown.
    """

    kind: Literal["server", "user", "module"]
    module: str | None
    users: int
    fingerprint: str
    redacted: str


def make_key(
    kind: Literal["server", "user", "module"],
    serial: bytes,
    *,
    users: int = 0,
    module: str | None = None,
) -> str:
    """Make a key from at least 7 bytes of serial number.

    Raises:
        ValueError: the amount or the module cannot be put into a key.
    """
    amount = MODULES.index(module) if module is not None else users
    if not 0 <= amount < len(ALPHABET) ** 3:
        raise ValueError(f"a key cannot hold the amount {amount}")
    what = _encode(KINDS.index(kind), 2) + _encode(amount, 3)
    number = _encode(int.from_bytes(serial, "big"), SERIAL_LENGTH)
    body = what + number
    whole = body + _check(body)
    return "-".join(whole[start : start + GROUP] for start in range(0, len(whole), GROUP))


def parse_key(text: str) -> Licence:
    """Read a key.

    Raises:
        LicenceKeyError: with the precise reason.
    """
    if not re.fullmatch(r"[A-Z0-9]{5}(-[A-Z0-9]{5}){3}", text):
        raise LicenceKeyError(
            "form", "", "a licence key reads XXXXX-XXXXX-XXXXX-XXXXX, letters and digits (R13)"
        )
    signs, shown = text.replace("-", ""), redact(text)
    strange = sorted(set(signs) - set(ALPHABET))
    if strange:
        words = f"the key {shown} holds {strange[0]!r}, which no key holds"
        raise LicenceKeyError("sign", shown, words)
    if _check(signs[:-GROUP]) != signs[-GROUP:]:
        words = f"the check group of the key {shown} does not fit: mistyped?"
        raise LicenceKeyError("check", shown, words)
    kind, amount = _decode(signs[:2]), _decode(signs[2:GROUP])
    if kind >= len(KINDS) or (KINDS[kind] == "module" and amount >= len(MODULES)):
        words = f"the key {shown} is for something this version does not know"
        raise LicenceKeyError("unknown", shown, words)
    return Licence(
        kind=KINDS[kind],
        module=MODULES[amount] if KINDS[kind] == "module" else None,
        users=amount if KINDS[kind] == "user" else 0,
        fingerprint=fingerprint(text),
        redacted=shown,
    )


def fingerprint(key: str) -> str:
    """Return the first 16 hex digits of the key's SHA-256."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def redact(key: str) -> str:
    """Return a key with all but its last group hidden."""
    return f"*****-*****-*****-{key[-GROUP:]}"


def _encode(number: int, length: int) -> str:
    signs = ""
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        signs = ALPHABET[digit] + signs
    return signs


def _decode(signs: str) -> int:
    number = 0
    for sign in signs:
        number = number * len(ALPHABET) + ALPHABET.index(sign)
    return number


def _check(body: str) -> str:
    digest = hashlib.sha256(f"licence {body}".encode()).digest()
    return _encode(int.from_bytes(digest[:4], "big"), GROUP)
