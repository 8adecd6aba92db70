"""Passwords of users: hashed with the machine's own entropy, compared in equal time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

# Cheap: a lab's password is drawn at random and lives as long as the lab; and all hashes must
# cost the same, so that the time of a refused login does not tell whether there is such a user.
COST, BLOCK, PARALLEL = 128, 8, 1
SALT_LENGTH = 12
SHORTEST = 8
LONGEST = 200
NOBODYS = f"scrypt:{COST}:{BLOCK}:{PARALLEL}${'0' * 24}${'0' * 128}"


def hashed(password: str, entropy: Callable[[int], bytes]) -> str:
    """Return the hash that the content keeps, in the form of `werkzeug.security`."""
    salt = entropy(SALT_LENGTH).hex()
    key = hashlib.scrypt(password.encode(), salt=salt.encode(), n=COST, r=BLOCK, p=PARALLEL)
    return f"scrypt:{COST}:{BLOCK}:{PARALLEL}${salt}${key.hex()}"


def matches(stored: str, password: str) -> bool:
    """Whether a password is the one that was hashed; "" as hash is nobody's password."""
    from werkzeug.security import check_password_hash  # noqa: PLC0415 - boot need not wait for it

    return check_password_hash(stored or NOBODYS, password) and bool(stored)
