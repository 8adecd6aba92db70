"""Factory settings of a pair of appliances, the first of them with a company's content.

What identifies, decorates, or is content comes from the seed, SIP secrets and PINs among it:
two appliances of one seed have equal digests. What opens a box (the administrator's and
root's passwords) comes from the lab's own entropy: two labs share no password.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from emulator.appliance.layout import FACTORY, blob_path
from emulator.appliance.passwords import hashed
from emulator.company import Company, Progress, Sound, Voice, generate
from emulator.company.dice import Dice
from emulator.licences import make_key, parse_key

ADMINISTRATOR = "0001"
HOSTS = {"pbx1": 10, "pbx2": 20}
MAIL_HOST = 30
GATEWAY_HOST = 1
SPARE_LICENCES = 10

Entropy = Callable[[int], bytes]


@dataclass(frozen=True)
class Credentials:
    """What the administrator of a lab's pair knows.

    Attributes:
        login, password: of the administrator's pages, the same on both appliances.
        root_passwords: SSH, by appliance.
        server_keys: the server licence keys, by appliance.
    """

    login: str
    password: str
    root_passwords: Mapping[str, str]
    server_keys: Mapping[str, str]

    def __repr__(self) -> str:
        """Leave the secrets out of logs and tracebacks."""
        return f"Credentials({self.login})"


class Pair(NamedTuple):
    """Factory settings for `ApplianceSpec`, and what belongs to them.

    Attributes:
        pbx1, pbx2: of the boxes.
        credentials: who may log in.
        sounds: the files that the content of `pbx1` refers to, by SHA-256.
    """

    pbx1: dict[str, Any]
    pbx2: dict[str, Any]
    credentials: Credentials
    sounds: dict[str, Sound]


def pair(  # noqa: PLR0913, PLR0917 - a lab's four facts, its chance, its company, who watches
    seed: int,
    lab: str,
    subnet: str,
    start: datetime,
    entropy: Entropy,
    company: Company | None = None,
    progress: Progress = lambda _line, _done: None,
) -> Pair:
    """Make the factory settings of `pbx1`, with a company's content, and of an empty `pbx2`.

    Args:
        seed: of the company, of licence keys and hardware.
        lab: its name; two labs of one seed have different hardware.
        subnet: a /24 in CIDR form.
        start: when the content was entered.
        entropy: where passwords come from.
        company: its size and equipment.
        progress: told how far the content is.
    """
    company = company or Company()
    dice = Dice(seed)
    admin_password = _password(entropy)
    boxes = {name: _box(name, lab, subnet, dice, company) for name in HOSTS}
    passwords = {name: _password(entropy) for name in HOSTS}
    for name, box in boxes.items():
        box["root_password"] = passwords[name]
        box["content"] = _bare(subnet, hashed(admin_password, entropy))
    made = generate(seed, company, start, progress)
    content = boxes["pbx1"]["content"]
    content |= {**made.objects, "users": content["users"] | made.objects["users"]}
    keys = {name: str(box["licences"][0]) for name, box in boxes.items()}
    credentials = Credentials(ADMINISTRATOR, admin_password, passwords, keys)
    return Pair(boxes["pbx1"], boxes["pbx2"], credentials, made.sounds)


def replacement(
    settings: Mapping[str, Any], address: str, entropy: Entropy
) -> tuple[dict[str, Any], Credentials]:
    """Make the factory settings of a new box that takes another one's place, and its passwords.

    It has a hardware id, licences and passwords of its own, and nobody's content. Its MAC is
    that of the old one: a virtual machine keeps it, and so does a network card that moves.

    Args:
        settings: of the old box.
        address: its static IPv4 address.
        entropy: where all of it comes from.
    """
    password, root_password = _password(entropy), _password(entropy)
    users = sum(parse_key(key).users for key in settings["licences"])
    network = {**settings["network"], "address": address}
    subnet = f"{address.rpartition('.')[0]}.0/24"
    box = {
        **settings,
        "hardware_id": entropy(16).hex(),
        "network": network,
        "licences": [
            make_key("server", entropy(8)),
            make_key("user", entropy(8), users=users),
            make_key("module", entropy(8), module="redundanz"),
        ],
        "root_password": root_password,
        "content": _bare(subnet, hashed(password, entropy)),
    }
    name, server_key = str(settings["name"]), str(box["licences"][0])
    return box, Credentials(ADMINISTRATOR, password, {name: root_password}, {name: server_key})


def parcel(
    settings: Mapping[str, Any], sounds: Mapping[str, Sound]
) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Give what an appliance boots from for the first time: paths below its state, and bytes."""
    voice = Voice()
    for sha256, sound in sounds.items():
        yield blob_path(sha256), voice.pieces(sound)
    yield FACTORY, iter([json.dumps(settings).encode()])


def _box(name: str, lab: str, subnet: str, dice: Dice, company: Company) -> dict[str, Any]:
    mac = b"\x02" + dice.draw(5, "mac", lab, name)  # locally administered
    licensed = max(company.licensed_users, company.users + SPARE_LICENCES)
    return {
        "name": name,
        "type": company.kind,
        "version": company.version,
        "zone": company.zone,
        "hardware_id": dice.draw(16, "hardware", lab, name).hex(),
        "mac": mac.hex(":"),
        "network": {
            "method": "static",
            "address": _host(subnet, HOSTS[name]),
            "prefix": 24,
            "gateway": _host(subnet, GATEWAY_HOST),
            "dns": [_host(subnet, GATEWAY_HOST)],
        },
        "licences": [
            make_key("server", dice.draw(8, "server", lab, name)),
            make_key("user", dice.draw(8, "user", lab, name), users=licensed),
            make_key("module", dice.draw(8, "module", lab, name), module="redundanz"),
        ],
    }


def _bare(subnet: str, admin_hash: str) -> dict[str, Any]:
    """Return the content of a box that nobody has used yet."""
    administrator = {
        "name": "Administrator",
        "email": "admin@example.com",
        "language": "de",
        "permissions": ["administrator"],
        "password": admin_hash,
    }
    server = {"host": _host(subnet, MAIL_HOST), "port": 25, "sender": "pbx@example.com"}
    return {"users": {ADMINISTRATOR: administrator}, "mail": {"server": server}}


def _password(entropy: Entropy) -> str:
    """Return a password that can be read out: four groups without look-alike signs."""
    signs = "abcdefghjkmnpqrstuvwxyz23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    drawn = [signs[byte % len(signs)] for byte in entropy(16)]
    return "-".join("".join(drawn[start : start + 4]) for start in range(0, len(drawn), 4))


def _host(subnet: str, number: int) -> str:
    network, _, _ = subnet.partition("/")
    return f"{network.rpartition('.')[0]}.{number}"
