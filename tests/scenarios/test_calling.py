"""Calls that a person orders from the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import shake_128
from pathlib import Path

import pytest

from emulator import factory
from emulator.company import Company
from emulator.lab import ApplianceSpec, LabError, LabSpec
from emulator.sim.lab import SimLab, SimMaker
from emulator.telephones import Clients
from scenarios.calling import conversation

START = datetime(2025, 1, 14, 8, tzinfo=UTC)
SUBNET = "198.18.0.0/24"


@pytest.fixture
def lab(tmp_path: Path) -> SimLab:
    """Two telephones."""
    boxes = factory.pair(
        1, "lab", SUBNET, START, lambda length: shake_128(b"x").digest(length), Company(users=2)
    )
    pair = ApplianceSpec("pbx1", boxes.pbx1, boxes.sounds), ApplianceSpec("pbx2", boxes.pbx2)
    spec = LabSpec("lab", SUBNET, pair, seed=1, start=START, phones=2, clients=Clients())
    return SimMaker().make(spec, tmp_path)


@pytest.mark.covers("R6")
def test_two_telephones_talk_and_hear_each_other(lab: SimLab) -> None:
    lab.telephones["phone1"].registered(0, 30)
    lab.telephones["phone2"].registered(0, 30)
    assert conversation(lab, "phone1", "phone2", 1.0).both_ways


@pytest.mark.parametrize("own_number", [False, True])
def test_no_telephone_calls_itself(lab: SimLab, own_number: bool) -> None:  # noqa: FBT001 - a case
    callee = lab.telephones["phone1"].handset.extension if own_number else "phone1"
    with pytest.raises(LabError, match="cannot call itself"):
        conversation(lab, "phone1", callee, 1.0)
