"""What happens there: calls, messages on voicemail boxes, and the people outside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from emulator.company.dice import Dice
from emulator.company.people import COUNTRY, Names, Objects

DIRECTIONS = ("INCOMING", "OUTGOING", "MISSED")
LONGEST_CALL_S = 1800
PAST = timedelta(days=180)  # how far back it goes
SHORTEST_MESSAGE, LONGEST_MESSAGE = 16, 320  # syllables: 4 s to 80 s
TAGS = ("Kunde", "Lieferant", "Partner")


def calls(dice: Dice, logins: Sequence[str], each: int, start: datetime) -> Objects:
    """Return what every user's call list holds."""
    made = {}
    for login in logins:
        for number in range(each):
            what = (login, number)
            direction = dice.pick(DIRECTIONS, "call", *what)
            lasted = 1 + dice.below(LONGEST_CALL_S, "lasted", *what)
            made[f"{login}-{number:05}"] = {
                "user": login,
                "direction": direction,
                "number": caller(dice, "call", *what),
                "started_at": earlier(dice, start, "call", *what),
                "duration_s": 0 if direction == "MISSED" else lasted,
            }
    return made


def boxes(dice: Dice, logins: Sequence[str], greetings: dict[str, str]) -> Objects:
    """Return a voicemail box for each user.

    Args:
        dice: draws the PINs.
        logins: whose they are.
        greetings: the file that greets callers, by login.
    """
    return {
        login: {
            "name": f"Box {login}",
            "number": f"*{login}",
            "maximumDuration": 180,
            "noRecord": False,
            "password": f"{dice.below(10_000, 'pin', login):04}",
            "voicemailUsers": [{"user": login, "sendMail": True}],
            "greeting": greetings.get(login, ""),
        }
        for login in logins
    }


def message_length(dice: Dice, number: int) -> int:
    """Return how many syllables a voice message has: many are short, few are long."""
    span = LONGEST_MESSAGE - SHORTEST_MESSAGE
    drawn = max(dice.below(span, "length", number), dice.below(span, "length", number, "again"))
    return SHORTEST_MESSAGE + drawn


def contacts(names: Names, dice: Dice, count: int) -> Objects:
    """Return the shared address book."""
    source = names.seeded("contacts")
    made = {}
    for number in range(count):
        first, last, firm = source.first_name(), source.last_name(), source.company()
        dialled = caller(dice, "contact", number)
        rows = [
            ("contact", [("NAME", first), ("SURNAME", last), ("COMPANY", firm)]),
            ("address", [("STREET", source.street_address()), ("CITY", source.city())]),
            ("telephone", [("OFFICE_PHONE_NUMBER", dialled)]),
        ]
        made[f"{number + 1:06}"] = {
            "blocks": [
                {
                    "name": name,
                    "attributes": [{"displayKey": key, "value": value} for key, value in pairs],
                }
                for name, pairs in rows
            ],
            "tags": [dice.pick(TAGS, "tag", number)],
            "primaryExternalNumber": dialled,
        }
    return made


def caller(dice: Dice, *purpose: object) -> str:
    """Return a number outside."""
    area = 200 + dice.below(700, "area", *purpose)
    return f"+{COUNTRY}{area}{dice.below(10**6, 'caller', *purpose):06}"


def earlier(dice: Dice, start: datetime, *purpose: object) -> str:
    """Return an instant before the start."""
    before = timedelta(seconds=1 + dice.below(int(PAST.total_seconds()), "earlier", *purpose))
    return (start - before).isoformat()
