"""The fields of the module configuration: what each takes and what it refuses (R21 to R36)."""

from __future__ import annotations

from typing import Any

import pytest
from pair import configuration
from pydantic import ValidationError

from redundancy.configuration import ModuleConfiguration


@pytest.mark.covers("R34", "R23", "D3")
def test_what_nobody_changed_has_its_default() -> None:
    fields = {"licence_key": "AAAAA-AAAAA-AAAAA-11111", "mail_address": "a@example.com"}
    made = ModuleConfiguration(**fields, start_date="2030-01-01", start_time="02:30")
    assert made.standby_user == "root"
    assert made.attempts_max == 3
    assert made.backup_source == "fresh"
    assert made.language == "de"


@pytest.mark.covers("R36", "D19")
@pytest.mark.parametrize("server", ["198.18.0.20", "198.18.0.20:2222", ""])
def test_a_server_is_an_ipv4_address_with_or_without_a_port(server: str) -> None:
    assert configuration(standby_server=server).standby_server == server


@pytest.mark.covers("R13", "R23", "R27", "R28", "R29", "R30", "R31", "R34", "R36", "D3", "D19")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("licence_key", "AAAAA-AAAAA-AAAAA"), ("licence_key", "aaaaa-AAAAA-AAAAA-11111"),
        ("attempts_max", 0), ("attempts_max", 100), ("attempts_max", "many"),
        ("mail_address", "a@example.com, b@example.com"), ("mail_address", "nobody"),
        ("mail_address", ""), ("repeat_unit", "year"), ("repeat_every", 0),
        ("start_date", "2026-02-30"), ("start_date", "1.1.2026"), ("start_time", "24:00"),
        ("start_time", "2:30"), ("standby_user", "root; reboot"), ("standby_user", ""),
        ("standby_server", "standby.example.com"), ("standby_server", "198.18.0.256"),
        ("standby_server", "198.18.0.20:0"), ("standby_server", "198.18.0.20:65536"),
        ("standby_server", "198.18.0.20:ssh"), ("backup_source", "oldest"),
        ("backup_age_max_h", 0), ("backup_wait_limit_min", 0), ("language", "fr"),
        ("stall_limit_s", 0), ("stale_after_h", 0), ("unknown_field", 1),
    ],
)  # fmt: skip
def test_each_field_refuses_what_it_cannot_be(field: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        configuration(**{field: value})


@pytest.mark.covers("R35", "D15")
def test_the_password_stands_in_no_representation_of_the_configuration() -> None:
    made = configuration(standby_password="s3cret")
    assert "s3cret" not in f"{made!r} {made} {made.model_dump(mode='json')}"
