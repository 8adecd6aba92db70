"""What is wrong with typed fields, said at the field and in the language of the person."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from emulator.appliance.entities import CONTROL, LONGEST_TEXT, MAIL_ADDRESS

LOGIN = re.compile(r"[0-9]{1,10}")

Say = Callable[[str, str], str]


def wrong_user_fields(login: str, body: Mapping[str, Any], say: Say) -> Mapping[str, str]:
    """Return what is wrong with a new user, by field; nothing if he can be added."""
    wrong = {}
    if not LOGIN.fullmatch(login):
        wrong["login"] = say("Eine Zahl mit 1 bis 10 Ziffern.", "A number of 1 to 10 digits.")
    name = body["name"]
    if not name or len(name) > LONGEST_TEXT or CONTROL.search(name):
        wrong["name"] = say("Ein Name in einer Zeile.", "A name in one line.")
    if body["email"] is not None and not MAIL_ADDRESS.fullmatch(body["email"]):
        wrong["email"] = say(
            "Eine vollständige Adresse wie name@example.com.", "A whole address, name@example.com."
        )
    return wrong
