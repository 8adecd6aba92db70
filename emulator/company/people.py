"""Who works there: users, their groups, phones, numbers, keys, redirects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from emulator.company.dice import Dice

if TYPE_CHECKING:
    from faker import Faker

Objects = dict[str, dict[str, Any]]

FIRST_LOGIN = 1001
HOME = "de_DE"
ABROAD = ("pl_PL", "tr_TR")
ONE_FROM_ABROAD = 16  # of so many
ONE_ENGLISH = 5  # of so many has the pages in English
GROUP_SIZE = 8
DEPARTMENTS = ("Vertrieb", "Service", "Einkauf", "Lager", "Buchhaltung", "Empfang", "Technik")
COUNTRY, AREA, EXIT = "49", "30", "0"
PHONES = (
    ("snom", "D385", False),
    ("snom", "D735", False),
    ("Yealink", "T54W", False),
    ("Gigaset", "N670 IP PRO", True),
    ("Mitel", "6867i", True),
)


class Names:
    """Names of people and firms; those from abroad are loaded when one is needed."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice

    def seeded(self, purpose: str, locale: str = HOME) -> Faker:
        """Return the source of one kind of names, from its beginning."""
        found = _names_of(locale)
        found.seed_instance(self._dice.below(2**63, "names", purpose, locale))
        return found


@cache
def _names_of(locale: str) -> Faker:
    """Load the names of a country; they never change, only where one begins to draw."""
    from faker import Faker  # noqa: PLC0415 - 0.1 s that only the making of a lab needs

    return Faker(locale)


def users(names: Names, count: int) -> Objects:
    """Return the users by login."""
    made: Objects = {}
    home = names.seeded("users")
    abroad = {}
    if count >= ONE_FROM_ABROAD:
        abroad = {number: names.seeded("users", one) for number, one in enumerate(ABROAD)}
    for number in range(count):
        stranger = number % ONE_FROM_ABROAD == ONE_FROM_ABROAD - 1
        source = abroad[number // ONE_FROM_ABROAD % len(ABROAD)] if stranger else home
        first, last = source.first_name(), source.last_name()
        login = str(FIRST_LOGIN + number)
        made[login] = {
            "name": f"{first} {last}",
            "firstName": first,
            "familyName": last,
            "email": f"user{login}@example.com",
            "language": "en" if number % ONE_ENGLISH == ONE_ENGLISH - 1 else "de",
            "permissions": ["telephony", "voicemail"],
            "missedCallReport": number % 2 == 0,
            "faxCallerId": external(login),
            "password": "",  # nobody was told one, so nobody can log in with it
        }
    return made


def external(login: str) -> str:
    """Return a user's number as others dial it."""
    return f"+{COUNTRY}{AREA}{trunk(login)}"


def trunk(login: str) -> str:
    """Return a user's number within the area: a block of the company, then the extension."""
    return f"5550{login}"


def groups(logins: Sequence[str]) -> Objects:
    """Return the groups: a department for every eight people, all of them in one."""
    made = {}
    for number, start in enumerate(range(0, len(logins), GROUP_SIZE)):
        round_, department = divmod(number, len(DEPARTMENTS))
        name = DEPARTMENTS[department] + (f" {round_ + 1}" if round_ else "")
        made[str(100 + number)] = {
            "name": name,
            "groupId": str(100 + number),
            "chatGroup": number % 2 == 0,
            "voicemail": number == 0,
            "users": list(logins[start : start + GROUP_SIZE]),
        }
    return made


def phones(dice: Dice, logins: Sequence[str]) -> Objects:
    """Return a phone for each user, by its MAC."""
    made = {}
    for login in logins:
        vendor, model, needs_restart = dice.pick(PHONES, "phone", login)
        mac = (b"\x02\x50" + dice.draw(4, "phone-mac", login)).hex(":")
        made[mac.replace(":", "")] = {
            "vendor": vendor,
            "model": model,
            "mac": mac,
            "user": login,
            "needs_restart": needs_restart,
            "sip_secret": dice.draw(12, "sip", login).hex(),
        }
    return made


def numbers(logins: Sequence[str], group_ids: Sequence[str]) -> Objects:
    """Return the numbers inside and outside of every user and group."""
    owners = [(login, login, "") for login in logins] + [(one, "", one) for one in group_ids]
    made = {}
    for extension, user, group in owners:
        shared = {"nationalPrefix": COUNTRY, "exitCode": EXIT, "user": user, "group": group}
        made[f"internal-{extension}"] = {
            **shared,
            "type": "INTERNAL",
            "number": extension,
            "localPrefix": "",
        }
        made[f"external-{extension}"] = {
            **shared,
            "type": "EXTERNAL",
            "number": trunk(extension),
            "localPrefix": AREA,
        }
    return made


def function_keys(dice: Dice, people: Mapping[str, Mapping[str, Any]]) -> Objects:
    """Return the keys beside each user's display: colleagues, forwarding, do not disturb."""
    logins = list(people)
    made = {}
    for login in logins:
        watched = dice.pick(logins, "lamp", login)
        found = [
            {"functionKeyType": "BUSYLAMPFIELD", "name": people[watched]["name"], "user": watched},
            {"functionKeyType": "FORWARD", "name": "Umleitung", "forwardType": "ALWAYS"},
            {"functionKeyType": "DONOTDISTURB", "name": "Ruhe"},
        ]
        keys = [
            {**key, "id": f"{login}-{position}", "position": position}
            for position, key in enumerate(found)
        ]
        made[login] = {
            "name": f"Tasten {login}",
            "user": login,
            "keys": keys,
            "keyOrder": [str(key["id"]) for key in keys],
        }
    return made


def redirects(dice: Dice, logins: Sequence[str]) -> Objects:
    """Return a redirect for each user; TIMEOUT stays free for people to enter."""
    made = {}
    for login in logins:
        when = dice.pick(("ALWAYS", "BUSY"), "redirect", login)
        made[f"{login}-{when.lower()}"] = {
            "user": login,
            "when": when,
            "target": f"+{COUNTRY}{AREA}{dice.below(10**7, 'target', login):07d}",
            "redirectDestinationType": "PHONENUMBER",
            "enabled": when == "BUSY",
        }
    return made
