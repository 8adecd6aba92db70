"""What an object must be before it enters an appliance, whoever brings it."""

from __future__ import annotations

import pytest

from emulator.appliance.entities import DEEPEST, LARGEST_BODY, Entity, EntityError, check
from emulator.appliance.kinds import KINDS, LONGEST_TEXT

USER = {"name": "Anna", "language": "de", "permissions": ["telephony"]}


def nested(levels: int) -> dict:
    body: dict = {}
    for _ in range(levels):
        body = {"a": body}
    return body


@pytest.mark.parametrize(
    ("entity", "words"),
    [
        (Entity("ghosts", "1", {}), "unknown kind"),
        (Entity("users", "../1", USER), "malformed id"),
        (Entity("users", "1", []), "has no fields"),
        (Entity("users", "1", {**USER, "name": 1}), "the field name must be a text"),
        (Entity("users", "1", {**USER, "name": "a\nb"}), "the field name must be a text"),
        (Entity("users", "1", {**USER, "name": "x" * (LONGEST_TEXT + 1)}), "the field name"),
        (Entity("users", "1", {**USER, "language": "tlh"}), "de or en"),
        (Entity("users", "1", {**USER, "email": "a b"}), "an e-mail address"),
        (Entity("users", "1", {**USER, "password": "geheim"}), "a password's hash"),
        (Entity("users", "1", {"name": "Anna"}), "the field language is missing"),
        (Entity("users", "1", {**USER, "more": "\ud800"}), "surrogate"),
        (Entity("users", "1", {**USER, "more": float("nan")}), "no JSON object"),
        (Entity("users", "1", {**USER, "more": "x" * LARGEST_BODY}), "larger than"),
        (Entity("users", "1", {**USER, "more": nested(DEEPEST)}), "nested deeper"),
        (Entity("users", "1", {**USER, "more": nested(5000)}), "nested deeper"),
        (Entity("users", "1", {**USER, "permissions": ["x"] * 10_000}), "a list"),
        (Entity("lines", "sip", {"count": True}), "a whole number"),
        (Entity("redirects", "1-b", {"user": "1", "when": "NOW", "target": "1"}), "ALWAYS"),
        (Entity("mail", "server", {"host": "h", "port": 0, "sender": "a@b"}), "the field port"),
    ],
)
def test_what_no_appliance_would_have_made_is_refused(entity: Entity, words: str) -> None:
    with pytest.raises(EntityError, match=words):
        check(entity)


def test_fields_of_a_newer_patch_level_are_carried_along() -> None:
    entity = Entity("users", "1", {**USER, "badge": {"colour": "blue"}})
    assert check(entity) is entity


@pytest.mark.parametrize("value", [None, 7, -1, 1.5, "", "x", [], [None], {}, {"a": 1}, True])
def test_no_rule_stumbles_over_any_value(value: object) -> None:
    for fields in KINDS.values():
        for field in fields.values():
            assert field.rule.holds(value) in {True, False}
