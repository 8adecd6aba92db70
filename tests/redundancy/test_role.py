"""The role as a table (R22, D14)."""

from __future__ import annotations

import pytest

from redundancy.contract import Lineage
from redundancy.role import Roles, fingerprint, roles


@pytest.mark.parametrize(
    ("own", "configured", "epoch", "holder", "expected"),
    [
        ("A", None, 0, "A", Roles("unconfigured", "unconfigured")),
        (None, "A", 0, "", Roles("unconfigured", "unconfigured")),
        (
            "A",
            "A",
            1,
            "A",
            Roles("active", "active"),
        ),  # normal; also how an isolated original sees itself
        ("B", "A", 0, "B", Roles("standby", "standby")),  # configured, not yet initialised
        ("B", "A", 1, "A", Roles("standby", "standby")),  # initialised
        ("B", "A", 2, "B", Roles("standby", "active")),  # after a switchover
        ("A", "A", 2, "B", Roles("active", "standby")),  # the original holds the other's state
        ("A", "A", 3, "A", Roles("active", "active")),  # after the rollback
        ("A", "A", 0, "A", Roles("active", "standby")),  # no epoch was ever opened
    ],
)
@pytest.mark.covers("R22", "D14")
def test_role(
    own: str | None, configured: str | None, epoch: int, holder: str, expected: Roles
) -> None:
    assert roles(own, configured, Lineage(epoch=epoch, holder=holder, generation=1)) == expected


def test_a_licence_key_is_shown_as_the_start_of_its_sha_256() -> None:
    assert fingerprint("abc") == "ba7816bf8f01cfea"  # the sample of FIPS 180-4
