"""Factory settings of a pair of appliances, and content that looks like a company.

Everything that identifies or decorates comes from the seed, everything secret from the
lab's own entropy: two labs of one seed look alike and share no password.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from emulator import greeting
from emulator.licences import make_key

ADMINISTRATOR = "0001"
FIRST_LOGIN = 1001
HASH_METHOD = "scrypt:4096:8:1"  # cheap: a lab's password lives as long as the lab
HOSTS = {"pbx1": 10, "pbx2": 20}
MAIL_HOST = 30
GATEWAY_HOST = 1
GREETINGS = 2
PHONES = (
    ("snom", "D385", False),
    ("snom", "D735", False),
    ("Yealink", "T54W", False),
    ("Gigaset", "N670 IP PRO", True),
    ("Mitel", "6867i", True),
)
CONDITIONS = ("ALWAYS", "BUSY", "TIMEOUT")
MODULES: Mapping[str, Mapping[str, Any]] = {
    "callcenter": {"queues": ["Verkauf", "Service"], "wrap_up_s": 15},
    "fax2mail": {"format": "pdf", "recipient": "fax@example.com"},
    "sprachmenue": {"greeting": "willkommen", "choices": {"1": "Verkauf", "2": "Service"}},
}

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
    """Factory settings for `ApplianceSpec`, and what belongs to them."""

    pbx1: dict[str, Any]
    pbx2: dict[str, Any]
    credentials: Credentials


@dataclass(frozen=True)
class Company:
    """How large the company is, and what it runs.

    Attributes:
        users: besides the administrator.
        version: of both appliances.
        kind: of both boxes.
        zone: their time zone.
        lines: how many lines of each sort (R53).
        licensed_users: how many users the user licences cover.
    """

    users: int = 20
    version: str = "8.1.2.5"
    kind: Literal["hardware", "vm", "cloud"] = "vm"
    zone: str = "Europe/Berlin"
    lines: tuple[tuple[str, int], ...] = (("sip", 4),)
    licensed_users: int = 600


class Dice:
    """Bytes and choices that a seed and a purpose determine."""

    def __init__(self, *words: object) -> None:
        self._words = "/".join(str(one) for one in words)

    def draw(self, length: int, *purpose: object) -> bytes:
        """Return bytes for a purpose."""
        name = "/".join([self._words, *(str(one) for one in purpose)])
        return hashlib.shake_128(name.encode()).digest(length)

    def below(self, limit: int, *purpose: object) -> int:
        """Return a number from 0 to limit - 1."""
        return int.from_bytes(self.draw(8, *purpose), "big") % limit


def pair(  # noqa: PLR0913, PLR0917 - a lab's four facts, its chance and its company
    seed: int,
    lab: str,
    subnet: str,
    start: datetime,
    entropy: Entropy,
    company: Company | None = None,
) -> Pair:
    """Make the factory settings of `pbx1`, with a company's content, and of an empty `pbx2`.

    Args:
        seed: of names, numbers, keys.
        lab: its name; two labs of one seed have different hardware.
        subnet: a /24 in CIDR form.
        start: when the content was entered.
        entropy: where passwords come from.
        company: its size and equipment.
    """
    company = company or Company()
    dice = Dice(seed)
    admin_password = _password(entropy)
    boxes = {name: _box(name, lab, subnet, dice, company) for name in HOSTS}
    passwords = {name: _password(entropy) for name in HOSTS}
    for name, box in boxes.items():
        box["root_password"] = passwords[name]
        box["content"] = _bare(subnet, _hash(admin_password, entropy))
    content = boxes["pbx1"]["content"]
    people = _people(seed, company.users)
    content["users"] |= {
        login: {**person, "password": ""}  # nobody was told one, so nobody can log in with it
        for login, person in people.items()
    }
    content["phones"] = _phones(dice, people, entropy)
    content["redirects"] = _redirects(dice, people)
    content["modules"] = {
        name: {"active": True, "values": dict(values)} for name, values in MODULES.items()
    }
    content["lines"] = {name: {"count": count} for name, count in company.lines}
    _add_greetings(content, dice, people, start)
    keys = {name: str(box["licences"][0]) for name, box in boxes.items()}
    credentials = Credentials(ADMINISTRATOR, admin_password, passwords, keys)
    return Pair(boxes["pbx1"], boxes["pbx2"], credentials)


def _box(name: str, lab: str, subnet: str, dice: Dice, company: Company) -> dict[str, Any]:
    mac = b"\x02" + dice.draw(5, "mac", lab, name)  # locally administered
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
            make_key("user", dice.draw(8, "user", lab, name), users=company.licensed_users),
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
    return {"users": {ADMINISTRATOR: administrator}, "mail": {"server": server}, "blobs": {}}


def _people(seed: int, count: int) -> dict[str, dict[str, Any]]:
    from faker import Faker  # noqa: PLC0415 - 0.1 s that only the making of a lab needs

    faker = Faker("de_DE")
    faker.seed_instance(seed)
    people = {}
    for number in range(count):
        first, last = faker.first_name(), faker.last_name()
        login = str(FIRST_LOGIN + number)
        people[login] = {
            "name": f"{first} {last}",
            "email": f"user{login}@example.com",
            "language": "en" if number % 5 == 4 else "de",  # noqa: PLR2004 - every fifth
            "permissions": ["telephony", "voicemail"],
        }
    return people


def _phones(
    dice: Dice, people: Mapping[str, Mapping[str, Any]], entropy: Entropy
) -> dict[str, dict[str, Any]]:
    phones = {}
    for login in people:
        vendor, model, needs_restart = PHONES[dice.below(len(PHONES), "phone", login)]
        mac = (b"\x02\x50" + dice.draw(4, "phone-mac", login)).hex(":")
        phones[mac.replace(":", "")] = {
            "vendor": vendor,
            "model": model,
            "mac": mac,
            "user": login,
            "needs_restart": needs_restart,
            "sip_secret": entropy(12).hex(),
        }
    return phones


def _redirects(dice: Dice, people: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    redirects = {}
    for login in people:
        when = CONDITIONS[dice.below(2, "redirect", login)]
        target = f"+4930{dice.below(10**7, 'target', login):07d}"
        redirects[f"{login}-{when.lower()}"] = {"user": login, "when": when, "target": target}
    return redirects


def _add_greetings(
    content: dict[str, Any], dice: Dice, people: Mapping[str, Any], start: datetime
) -> None:
    content["files"] = {}
    for login in list(people)[:GREETINGS]:
        sound = greeting.render(dice.draw(4, "greeting", login))
        sha256 = hashlib.sha256(sound).hexdigest()
        content["blobs"][sha256] = base64.b64encode(sound).decode()
        content["files"][f"voicemail-{login}"] = {
            "path": f"voicemail/{login}/greeting.wav",
            "mode": "0640",
            "size": len(sound),
            "sha256": sha256,
            "recorded_at": start.isoformat(),
        }


def _password(entropy: Entropy) -> str:
    """Return a password that can be read out: four groups without look-alike signs."""
    signs = "abcdefghjkmnpqrstuvwxyz23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    drawn = [signs[byte % len(signs)] for byte in entropy(16)]
    return "-".join("".join(drawn[start : start + 4]) for start in range(0, len(drawn), 4))


def _hash(password: str, entropy: Entropy) -> str:
    """Hash as werkzeug.security does, with the lab's entropy for the salt."""
    _, cost, block, parallel = HASH_METHOD.split(":")
    salt = entropy(12).hex()
    key = hashlib.scrypt(
        password.encode(), salt=salt.encode(), n=int(cost), r=int(block), p=int(parallel)
    )
    return f"{HASH_METHOD}${salt}${key.hex()}"


def _host(subnet: str, number: int) -> str:
    network, _, _ = subnet.partition("/")
    return f"{network.rpartition('.')[0]}.{number}"
