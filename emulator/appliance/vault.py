"""Secrets at rest (D15): AES-GCM with a key that this appliance made for itself.

Secrets are sealed on their way into a database and laid open on their way out, so that
everything above, a backup among it, sees them readable; whoever imports that backup seals
them again with a key of its own. A sealed secret is bound to its place: moved to another
field or object it cannot be opened.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from emulator.appliance.entities import is_secret
from emulator.appliance.refusal import Refusal
from emulator.ports import Machine

KEY_FILE = "secrets.key"
KEY_SIZE = 32
NONCE_SIZE = 12


class Vault:
    """Seals and opens the secrets of one appliance.

    Args:
        key: of AES-256-GCM.
        entropy: draws nonces.
    """

    def __init__(self, key: bytes, entropy: Callable[[int], bytes]) -> None:
        self._cipher = AESGCM(key)
        self._entropy = entropy

    @classmethod
    def unlock(cls, machine: Machine) -> Vault:
        """Take the appliance's key from its disk; on the first boot, make one."""
        disk = machine.disk
        try:
            with disk.open(KEY_FILE) as file:
                return cls(file.read(KEY_SIZE), machine.entropy)
        except FileNotFoundError:
            key = machine.entropy(KEY_SIZE)
        part = disk.create(f"{KEY_FILE}.part")  # mode 0600
        part.write(key)
        part.sync()
        part.close()
        disk.rename(f"{KEY_FILE}.part", KEY_FILE)
        disk.sync_dir("")
        return cls(key, machine.entropy)

    def seal(self, text: str, place: str) -> str:
        """Encrypt a secret for its place; nothing stays nothing."""
        if not text:
            return ""
        nonce = self._entropy(NONCE_SIZE)
        sealed = self._cipher.encrypt(nonce, text.encode(), place.encode())
        return base64.b64encode(nonce + sealed).decode()

    def reveal(self, sealed: str, place: str) -> str:
        """Decrypt what `seal` made for this place.

        Raises:
            Refusal: `secrets`, when it was not sealed here, or not for this place.
        """
        if not sealed:
            return ""
        try:
            data = base64.b64decode(sealed, validate=True)
            plain = self._cipher.decrypt(data[:NONCE_SIZE], data[NONCE_SIZE:], place.encode())
        except (InvalidTag, ValueError, binascii.Error) as error:
            raise Refusal(
                "secrets",
                f"the secret {place} cannot be opened with this appliance's key",
                "enter it again, or import a backup",
            ) from error
        return plain.decode()

    def seal_all(self, body: Mapping[str, Any], place: str) -> dict[str, Any]:
        """Return an object with every secret sealed."""
        return _each_secret(body, place, self.seal)

    def reveal_all(self, body: Mapping[str, Any], place: str) -> dict[str, Any]:
        """Return an object with every secret laid open."""
        return _each_secret(body, place, self.reveal)


def redacted(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object without its secrets, for whoever only looks."""
    return _each_secret(body, "", lambda _text, _place: "")


def _each_secret(
    body: Mapping[str, Any], place: str, change: Callable[[str, str], str]
) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for name, value in body.items():
        where = f"{place}/{name}"
        if isinstance(value, Mapping):
            changed[name] = _each_secret(value, where, change)
        elif isinstance(value, str) and is_secret(name):
            changed[name] = change(value, where)
        else:
            changed[name] = value
    return changed
