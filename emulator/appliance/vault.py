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

from emulator.appliance.databases import OutOfOrder
from emulator.appliance.entities import is_secret
from emulator.appliance.layout import IDENTITY
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
        """Take the appliance's key from its disk; on the first boot, make one.

        Raises:
            OutOfOrder: `secrets`: it is damaged, or gone from a box that has sealed with it.
        """
        disk = machine.disk
        try:
            with disk.open(KEY_FILE) as file:
                return cls(_sound(file.read(KEY_SIZE + 1)), machine.entropy)
        except FileNotFoundError:
            if IDENTITY in disk.list(""):  # the key is made, and durable, before the identity
                raise without_key("is missing") from None
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


def _sound(key: bytes) -> bytes:
    if len(key) != KEY_SIZE:
        raise without_key("is damaged")
    return key


def without_key(what: str) -> OutOfOrder:
    """Return what a box is whose key file is missing, damaged, or another one's."""
    return OutOfOrder(
        "secrets",
        f"the key file {KEY_FILE}, which opens this appliance's passwords, {what};"
        " nothing was changed",
        "bring the file back from a copy of the disk, or set the appliance up anew and restore"
        " a backup",
    )


def redacted(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object without its secrets, for whoever only looks."""
    return _each_secret(body, "", lambda _text, _place: "")


def _each_secret(
    body: Mapping[str, Any], place: str, change: Callable[[str, str], str]
) -> dict[str, Any]:
    changed = dict(body)
    for name, value in body.items():
        if isinstance(value, str):  # most are: asked first, because this runs for every read
            if is_secret(name):
                changed[name] = change(value, f"{place}/{name}")
        elif isinstance(value, dict):
            changed[name] = _each_secret(value, f"{place}/{name}", change)
    return changed
