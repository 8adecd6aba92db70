"""Factory settings and licence keys."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from datetime import UTC, datetime

import pytest
from werkzeug.security import check_password_hash

from emulator import factory
from emulator.company import Company
from emulator.licences import LicenceKeyError, fingerprint, make_key, parse_key
from redundancy.configuration import KEY_PATTERN

START = datetime(2026, 3, 1, tzinfo=UTC)


def chance(word: str):
    numbers = itertools.count()
    return lambda length: hashlib.shake_128(f"{word}{next(numbers)}".encode()).digest(length)


def make(seed=1, word="a", **company):
    settings = Company(**company)
    return factory.pair(seed, "lab", "198.18.4.0/24", START, chance(word), settings)


def without_access(settings):
    text = json.loads(json.dumps(settings))
    text.pop("root_password")
    text["content"]["users"][factory.ADMINISTRATOR].pop("password")
    return text


def test_same_seed_gives_the_same_company_with_other_passwords():
    first, second = make(word="a"), make(word="b")
    assert without_access(first.pbx1) == without_access(second.pbx1)
    assert first.sounds == second.sounds
    assert first.credentials.password != second.credentials.password
    assert first.pbx1["root_password"] != second.pbx1["root_password"]
    assert make(word="a") == first


def test_other_seed_gives_another_company():
    first, second = make(seed=1), make(seed=2)
    assert first.pbx1["content"]["users"]["1001"] != second.pbx1["content"]["users"]["1001"]


def test_no_key_address_or_mac_stands_on_both():
    pair = make()
    assert not set(pair.pbx1["licences"]) & set(pair.pbx2["licences"])
    assert pair.pbx1["mac"] != pair.pbx2["mac"]
    assert pair.pbx1["network"]["address"] != pair.pbx2["network"]["address"]
    assert pair.pbx1["root_password"] != pair.pbx2["root_password"]


def test_administrator_password_opens_both():
    pair = make(users=1)
    for box in (pair.pbx1, pair.pbx2):
        stored = box["content"]["users"]["0001"]["password"]
        assert check_password_hash(stored, pair.credentials.password)


def test_standby_comes_empty():
    assert list(make().pbx2["content"]["users"]) == ["0001"]


def test_credentials_hide_their_secrets():
    credentials = make().credentials
    assert credentials.password not in repr(credentials)


@pytest.mark.parametrize(
    ("kind", "options"),
    [("server", {}), ("user", {"users": 25}), ("module", {"module": "redundanz"})],
)
def test_key_carries_what_it_is_for(kind, options):
    key = make_key(kind, b"12345678", **options)
    assert re.fullmatch(KEY_PATTERN, key)
    licence = parse_key(key)
    assert licence.kind == kind
    assert licence.users == options.get("users", 0)
    assert licence.module == options.get("module")
    assert licence.fingerprint == fingerprint(key)
    assert licence.redacted == f"*****-*****-*****-{key[-5:]}"


def test_every_mistyped_sign_is_noticed():
    key = make_key("server", b"12345678")
    for position, sign in enumerate(key):
        if sign != "-":
            other = "A" if sign != "A" else "B"
            with pytest.raises(LicenceKeyError):
                parse_key(key[:position] + other + key[position + 1 :])


@pytest.mark.parametrize("text", ["", "x", "AAAAA-BBBBB-CCCCC", "aaaaa-bbbbb-ccccc-ddddd"])
def test_malformed_key_is_told_its_form(text):
    with pytest.raises(LicenceKeyError, match="XXXXX-XXXXX-XXXXX-XXXXX"):
        parse_key(text)
