"""A drawn plan tolerates what its own deeds explain, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from scenarios.seeded.drawing import draw
from scenarios.seeded.tolerances import tolerances

Step = dict[str, Any]

DARK: Step = {"power off": "pbx1"}
BACK: Step = {"power on": "pbx1"}
CLICK: Step = {"switch over": {"on": "pbx2", "confirm": "yes"}}
PARTED: Step = {"part lan": {"off": ["pbx2"], "as": "part-lan-1"}}
JOINED: Step = {"heal": "part-lan-1"}
KILL: Step = {"kill": {"node": "pbx1", "back in": "2 s"}}
END: Step = {"when": {"on": "pbx1", "event": "run.started", "do": DARK, "as": "moment-1"}}
KILL_LATER: Step = {"when": {"on": "pbx1", "event": "fenced", "do": KILL, "as": "moment-1"}}
OVER: Step = {"heal": "moment-1"}


def wait(duration: str) -> Step:
    return {"wait": duration}


NOTHING: set[str] = set()
MODULES = {"module-enabled-once"}
BOTH = {"module-enabled-once", "one-holder"}


@pytest.mark.parametrize(
    ("steps", "tolerated"),
    [
        pytest.param([CLICK], NOTHING, id="a click while the active answers"),
        pytest.param([DARK, BACK, CLICK], NOTHING, id="a click once the active is back"),
        pytest.param([DARK, BACK], NOTHING, id="no click"),
        pytest.param([DARK, CLICK, BACK], MODULES, id="a dead active comes back"),
        pytest.param([END, CLICK], MODULES, id="the active may have died at a moment"),
        pytest.param([PARTED, JOINED, CLICK], NOTHING, id="a LAN that was parted before"),
        pytest.param([PARTED, CLICK, JOINED], BOTH, id="a click on a parted LAN"),
        pytest.param([DARK, CLICK, PARTED], BOTH, id="a parted LAN when the active comes back"),
        pytest.param([PARTED, JOINED, DARK, CLICK], MODULES, id="parted before the failover"),
        pytest.param([{"freeze": "pbx1"}, CLICK, {"thaw": "pbx1"}], BOTH, id="a frozen active"),
        pytest.param([KILL, CLICK], BOTH, id="a click while programs start"),
        pytest.param([KILL, wait("25 s"), CLICK], NOTHING, id="a click once programs have started"),
        pytest.param([KILL_LATER, OVER, CLICK], BOTH, id="a kill at a moment may just have been"),
        pytest.param([KILL_LATER, OVER, BACK, wait("25 s"), CLICK], NOTHING, id="it is long past"),
    ],
)
def test_a_plan_tolerates_what_its_deeds_explain(steps: list[Step], tolerated: set[str]) -> None:
    assert {one["invariant"] for one in tolerances(steps)} == tolerated


def test_an_ordinary_month_tolerates_nothing() -> None:
    assert not any(draw(seed, "calm", "abc")["tolerate"] for seed in range(200))
