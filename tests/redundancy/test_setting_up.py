"""Saving the module configuration and the first import, as the engine enforces them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from pair import KEYS, Pair, status

from redundancy.engine import Engine
from redundancy.engine_console import EngineConsole
from redundancy.errors import Refused
from redundancy.role import fingerprint

FRESH = {"epoch": 0, "holder": "", "generation": 0}
LICENCES = [one for one in status("pbx1")["licences"] if one["kind"] != "module"]


class Box:
    """An appliance on which nothing was configured yet."""

    def __init__(self, name: str, **changes: Any) -> None:
        self.pair = Pair(name)
        self.local = self.pair.services.local
        self.now = status(name, **{"lineage": FRESH, "origin": None, "modules": [], **changes})
        self.local.answer("status", lambda _argv, _data: self.now)
        self.local.answer("epoch open", self._open)
        self.local.answer("initialise", {"epoch": 1, "generation": 4, "objects": 9})
        self.console = EngineConsole(self.pair.services, Engine(self.pair.services))

    def save(self) -> None:
        self.console.save_configuration(self.pair.settings, "admin")

    def saved(self) -> list[str]:
        return [one for one in self.local.commands() if one.startswith("module put")]

    def _open(self, argv: Sequence[str], _data: bytes) -> Mapping[str, Any]:
        own = fingerprint(KEYS[self.pair.name])
        self.now = {**self.now, "lineage": {**FRESH, "epoch": int(argv[-1]), "holder": own}}
        return self.now["lineage"]


@pytest.mark.covers("R17", "R47")
def test_without_the_module_licence_nothing_is_saved_and_the_remedy_is_named() -> None:
    box = Box("pbx1", licences=LICENCES)
    with pytest.raises(Refused) as refused:
        box.save()
    assert refused.value.code == "module-licence-missing"
    assert "install the module licence" in refused.value.remedy
    assert box.saved() == []


@pytest.mark.covers("R9", "R36", "V4")
def test_a_standby_at_the_own_address_is_not_saved() -> None:
    box = Box("pbx1")
    own = box.now["network"]["address"]
    box.pair.settings = box.pair.settings.model_copy(update={"standby_server": f"{own}:2222"})
    with pytest.raises(Refused) as refused:
        box.save()
    assert refused.value.code == "same-address"
    assert own in refused.value.message
    assert box.saved() == []


@pytest.mark.covers("R2")
def test_a_cloud_appliance_saves_nothing() -> None:
    box = Box("pbx1", type="cloud")
    with pytest.raises(Refused) as refused:
        box.save()
    assert refused.value.code == "cloud-appliance"
    assert box.saved() == []


@pytest.mark.covers("R18", "R22", "D14")
def test_the_box_whose_key_is_configured_becomes_the_active_with_the_first_epoch() -> None:
    box = Box("pbx1")
    box.save()
    assert any(one.startswith("epoch open") for one in box.local.commands())
    (saved,) = box.saved()
    assert saved.endswith("--active")
    assert box.console.overview().role == "active"


@pytest.mark.covers("R39", "R45", "R22")
def test_with_the_key_of_the_other_box_it_is_the_standby_and_the_module_rests() -> None:
    box = Box("pbx2")
    box.save()
    assert not any(one.startswith("epoch open") for one in box.local.commands())
    (saved,) = box.saved()
    assert not saved.endswith("--active")
    assert box.console.overview().role == "standby"


@pytest.mark.covers("R40", "R41")
def test_only_a_configured_standby_takes_an_upload() -> None:
    active = Box("pbx1")
    with pytest.raises(Refused) as refused:
        active.console.initialise(io.BytesIO(b"x"), 1, "admin")
    assert refused.value.code == "not-standby"
    assert "initialise --size 1" not in active.local.commands()
    standby = Box("pbx2")
    assert standby.console.initialise(io.BytesIO(b"x"), 1, "admin").generation == 4
    assert [one.event for one in standby.pair.services.reports] == ["initialised"]


@pytest.mark.covers("R43")
def test_a_standby_without_a_first_import_says_so_until_it_had_one() -> None:
    box = Box("pbx2")
    assert (box.console.overview().adopts, box.console.overview().origin_age) == (None, None)
    box.now = status("pbx2")
    overview = box.console.overview()
    assert overview.adopts is not None
    assert overview.origin_age == timedelta(hours=1)
