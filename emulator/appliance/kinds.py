"""The kinds of objects that content is made of, and the fields of each.

Names follow the vendor's published REST description where it has them; times are ISO 8601.
Fields that are not listed are carried along: a newer patch level may add some.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

SHA256 = re.compile(r"[0-9a-f]{64}")
CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
LONGEST_TEXT = 500
LONGEST_LIST = 2000
# Bounded, so that no backup makes the login page take gigabytes for one password.
PASSWORD_HASH = re.compile(r"scrypt:[0-9]{1,5}:[0-9]:[0-9]\$[0-9A-Za-z]{1,64}\$[0-9a-f]{128}")
MAIL_ADDRESS = re.compile(r"[^@\s,;<>\x00-\x1f]+@[^@\s,;<>\x00-\x1f]+")
WALL_TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d")
LOGIN = re.compile(r"[0-9]{1,10}")
MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
PHONE_NUMBER = re.compile(r"\+?[0-9*#]{1,30}")
LARGEST_FILE = 2**48
JOB_UNITS = ("hour", "day", "week", "month", "manual")  # manual: it starts when it is told to
CONTENTS = ("core", "calls", "announcements")  # what a backup may contain
DAY_S = 86_400
KEY_TYPES = (
    "SIGNALNUMBER",
    "SEPARATOR",
    "QUICKDIAL",
    "PHONEGENERICURL",
    "PHONEDTMF",
    "ADDRESSBOOK",
    "PHONECALLLIST",
    "PARKANDORBIT",
    "MODULEACTIVATION",
    "GROUPLOGIN",
    "FORWARDNUMBER",
    "FORWARD",
    "DONOTDISTURB",
    "COMPLETIONOFCALLSTOBUSYSUBSCRIBER",
    "BUSYLAMPFIELD",
)


class Rule(NamedTuple):
    """What a value must be.

    Attributes:
        holds: whether a value is so; never raises, whatever it is given.
        form: completes "must be …".
    """

    holds: Callable[[Any], bool]
    form: str


class Field(NamedTuple):
    """One field of a kind: its rule, and whether every object has it."""

    rule: Rule
    needed: bool = True


def _text(limit: int = LONGEST_TEXT) -> Rule:
    return Rule(
        lambda value: isinstance(value, str) and len(value) <= limit and not CONTROL.search(value),
        f"a text of at most {limit} characters without control characters",
    )


def _like(pattern: re.Pattern[str], form: str) -> Rule:
    return Rule(
        lambda value: (
            isinstance(value, str)
            and len(value) <= LONGEST_TEXT
            and pattern.fullmatch(value) is not None
        ),
        form,
    )


def _number(least: int, most: int) -> Rule:
    return Rule(
        lambda value: type(value) is int and least <= value <= most,
        f"a whole number from {least} to {most}",
    )


def _one_of(*words: str) -> Rule:
    return Rule(lambda value: isinstance(value, str) and value in words, " or ".join(words))


def _list_of(rule: Rule) -> Rule:
    return Rule(
        lambda value: (
            isinstance(value, list) and len(value) <= LONGEST_LIST and all(map(rule.holds, value))
        ),
        f"a list, each entry {rule.form}",
    )


def _objects(fields: Mapping[str, Field]) -> Rule:
    """Return the rule of a list of objects with these fields."""

    def holds(value: Any) -> bool:
        return isinstance(value, Mapping) and not wrong(fields, value)

    return _list_of(Rule(holds, f"an object with {', '.join(fields)}"))


def _or_nothing(rule: Rule) -> Rule:
    return Rule(
        lambda value: value is None or value == "" or rule.holds(value), f"{rule.form}, or nothing"
    )


def _is_wall_time(value: Any) -> bool:
    if not (isinstance(value, str) and WALL_TIME.fullmatch(value)):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_instant(value: Any) -> bool:
    if not (isinstance(value, str) and len(value) <= LONGEST_TEXT):
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


TEXT = _text()
FLAG = Rule(lambda value: isinstance(value, bool), "true or false")
VALUES = Rule(lambda value: isinstance(value, Mapping), "an object")
ADDRESS = _like(MAIL_ADDRESS, "an e-mail address")
NUMBER = _like(PHONE_NUMBER, "a phone number")
USER = _like(LOGIN, "a login of digits")
NO_ONE = _or_nothing(USER)
INSTANT = Rule(_is_instant, "an instant as 2026-03-01T02:00:00+00:00")
WALL = Rule(_is_wall_time, "a wall time as 2026-03-01T02:00")
COUNT = _number(0, 1_000_000)
SELECTION = Rule(
    lambda value: (
        isinstance(value, list)
        and value != []
        and value == [one for one in CONTENTS if one in value]
    ),
    f"a list of some of {', '.join(CONTENTS)}, in this order",
)

SOUND: Mapping[str, Field] = {"name": Field(TEXT), "file": Field(TEXT)}

KINDS: Mapping[str, Mapping[str, Field]] = {
    "users": {
        "name": Field(TEXT),
        "language": Field(_one_of("de", "en")),
        "permissions": Field(_list_of(TEXT)),
        "email": Field(_or_nothing(ADDRESS), needed=False),
        "password": Field(_or_nothing(_like(PASSWORD_HASH, "a password's hash")), needed=False),
        "firstName": Field(TEXT, needed=False),
        "familyName": Field(TEXT, needed=False),
        "faxCallerId": Field(_or_nothing(NUMBER), needed=False),
        "missedCallReport": Field(FLAG, needed=False),
    },
    "groups": {
        "name": Field(TEXT),
        "groupId": Field(TEXT),
        "chatGroup": Field(FLAG),
        "voicemail": Field(FLAG),
        "users": Field(_list_of(USER)),
    },
    "phones": {
        "vendor": Field(TEXT),
        "model": Field(TEXT),
        "mac": Field(_like(MAC, "a MAC address as 02:50:00:00:00:01")),
        "needs_restart": Field(FLAG),
        "user": Field(NO_ONE, needed=False),
        "sip_secret": Field(TEXT, needed=False),
    },
    "phonenumbers": {
        "type": Field(_one_of("INTERNAL", "EXTERNAL", "RESERVED", "NT", "DISPLAY", "FXO")),
        "number": Field(NUMBER),
        "nationalPrefix": Field(TEXT),
        "localPrefix": Field(TEXT),
        "exitCode": Field(TEXT),
        "user": Field(NO_ONE),
        "group": Field(TEXT),
    },
    "functionkeysets": {
        "name": Field(TEXT),
        "user": Field(NO_ONE),
        "keyOrder": Field(_list_of(TEXT)),
        "keys": Field(
            _objects(
                {
                    "id": Field(TEXT),
                    "name": Field(TEXT),
                    "functionKeyType": Field(_one_of(*KEY_TYPES)),
                    "position": Field(COUNT),
                }
            )
        ),
    },
    "redirects": {
        "user": Field(USER),
        "when": Field(_one_of("ALWAYS", "BUSY", "TIMEOUT")),
        "target": Field(TEXT),
        "enabled": Field(FLAG, needed=False),
        "redirectDestinationType": Field(_one_of("PHONENUMBER", "MAILBOX"), needed=False),
    },
    "voicemailboxes": {
        "name": Field(TEXT),
        "number": Field(NUMBER),
        "maximumDuration": Field(_number(1, DAY_S)),  # seconds
        "noRecord": Field(FLAG),
        "password": Field(_like(re.compile(r"[0-9]{0,20}"), "a PIN of digits")),
        "voicemailUsers": Field(
            _objects({"user": Field(USER), "sendMail": Field(FLAG)}),
        ),
        "greeting": Field(TEXT),
    },
    "voicemails": {
        "box": Field(TEXT),
        "caller": Field(NUMBER),
        "received_at": Field(INSTANT),
        "duration_s": Field(_number(0, DAY_S)),
        "heard": Field(FLAG),
        "file": Field(TEXT),
    },
    "callrecords": {
        "user": Field(USER),
        "direction": Field(_one_of("INCOMING", "OUTGOING", "MISSED")),
        "number": Field(NUMBER),
        "started_at": Field(INSTANT),
        "duration_s": Field(_number(0, 7 * DAY_S)),
    },
    "contacts": {
        "blocks": Field(
            _objects(
                {
                    "name": Field(TEXT),
                    "attributes": Field(
                        _objects({"displayKey": Field(TEXT), "value": Field(_text(2000))})
                    ),
                }
            )
        ),
        "tags": Field(_list_of(TEXT)),
        "primaryExternalNumber": Field(NUMBER),
    },
    "announcements": SOUND,
    "music": SOUND,  # on hold
    "library": {"name": Field(TEXT), "version": Field(TEXT), "vendor": Field(TEXT)},  # of modules
    "modules": {  # their configurations
        "active": Field(FLAG),
        "values": Field(VALUES),
        "wanted": Field(FLAG, needed=False),
    },
    "mail": {
        "host": Field(TEXT),
        "port": Field(_number(1, 65_535)),
        "sender": Field(ADDRESS),
        "security": Field(_one_of("none", "starttls", "tls"), needed=False),
        "user": Field(TEXT, needed=False),
        "password": Field(TEXT, needed=False),
        "html": Field(FLAG, needed=False),
    },
    "lines": {
        "count": Field(_number(0, 10_000)),
        "provider": Field(TEXT, needed=False),
        "username": Field(TEXT, needed=False),
        "trunk_secret": Field(TEXT, needed=False),
    },
    "jobs": {
        "kind": Field(_one_of("backup", "archive")),
        "unit": Field(_one_of(*JOB_UNITS)),
        "every": Field(_number(1, 1000)),
        "start": Field(_or_nothing(WALL)),  # without one it starts when it is told to
        "keep": Field(_number(1, 1000)),
        "takes_min": Field(COUNT),
        "report_to": Field(_or_nothing(ADDRESS)),
        "contents": Field(SELECTION),
    },
    "records": {"values": Field(VALUES)},  # what a module keeps in the content, for backups
    "files": {
        "path": Field(TEXT),
        "mode": Field(TEXT),
        "size": Field(_number(0, LARGEST_FILE)),
        "sha256": Field(_like(SHA256, "a SHA-256")),
        "recorded_at": Field(INSTANT, needed=False),
    },
}


def wrong(fields: Mapping[str, Field], body: Mapping[str, Any]) -> str:
    """Return what is wrong with the first field that is no good, "" if all are."""
    for name, field in fields.items():
        if name in body:
            if not field.rule.holds(body[name]):
                return f"the field {name} must be {field.rule.form}"
        elif field.needed:
            return f"the field {name} is missing; it must be {field.rule.form}"
    return ""
