"""What breaks in a drawn drill: faults of every family, at rest or at a moment of some work."""

from __future__ import annotations

from scenarios.seeded.sketch import Sketch, Step

_RUN_MOMENTS = (
    ("pbx1", "run.started"),
    ("pbx1", "snapshot.created"),
    ("pbx1", "run.exported"),
    ("pbx1", "attempt.started"),
    ("pbx2", "fenced"),
    ("pbx2", "receive.started"),
    ("pbx2", "receive.finished"),
    ("pbx2", "import.started"),
    ("pbx2", "import.verified"),
    ("pbx2", "import.committed"),
    ("pbx1", "run.waiting"),
    ("pbx1", "run.succeeded"),
)
_SWITCH_MOMENTS = (
    "switchover.asked",
    "switchover.silent",
    "takeover.committed",
    "switchover.claimed",
    "switchover.announced",
    "modules.activated",
    "takeover.settled",
    "switchover.finished",
)
_PLACES = ("first byte", "10 %", "50 %", "60 %", "90 %", "last byte")
_STOPWATCH = ("2 s on the stopwatch", "20 s on the stopwatch", "1 min on the stopwatch")
_CALENDAR = ("7 min on the calendar", "20 min on the calendar", "1 day on the calendar")
_LINE: tuple[tuple[str, Step], ...] = (
    ("drop", {"from": "pbx1", "to": "pbx2"}),
    ("drop one way", {"from": "pbx1", "to": "pbx2"}),
    ("drop one way", {"from": "pbx2", "to": "pbx1"}),
    ("reset", {"from": "pbx1", "to": "pbx2"}),
    ("throttle", {"into": "pbx2", "to": "200 kB/s"}),
    ("lose packets", {"of": "pbx2", "part": "5 %"}),
    ("lose packets", {"of": "pbx1", "part": "20 %"}),
    ("unplug", {"node": "pbx2"}),
    ("part lan", {"off": ["pbx2"]}),
)
_BACK_IN = ("1 s", "2 s", "20 s")


def transfer(sketch: Sketch) -> None:
    """Cut or falsify the next transfers."""
    if sketch.broken("transfer"):
        return
    kind = sketch.draws.one_of(("cut transfer", "flip bit"))
    name = sketch.name(kind.replace(" ", "-"))
    spec: Step = {"into": "pbx2", "after": sketch.draws.one_of(_PLACES), "as": name}
    if sketch.draws.chance(40):
        spec["count"] = sketch.draws.between(2, 4)
    sketch.add({kind: spec})
    sketch.mending["transfer"] = {"heal": name}


def line(sketch: Sketch) -> None:
    """Let the line between the boxes swallow, refuse, narrow or lose what passes."""
    kind, spec = sketch.draws.one_of(_LINE)
    _for_a_while(sketch, kind, spec)


def loose_cable(sketch: Sketch) -> None:
    """Let a cable lose its contact several times."""
    times = sketch.draws.between(1, 4)
    sketch.add({"flap": {"node": "pbx2", "down": "200 ms", "up": "1 s", "times": times}})
    sketch.add({"wait": "6 s"})


def box(sketch: Sketch) -> None:
    """Let a box's disk be full or unreadable, or its SSH server be gone or another one."""
    node = sketch.draws.one_of(("pbx1", "pbx2"))
    leaving = sketch.draws.one_of(("1 B", "1 kB", "10 kB", "100 kB"))
    choices: tuple[tuple[str, Step], ...] = (
        ("fill disk", {"on": node, "leaving": leaving}),
        ("fill disk", {"on": "pbx2", "leaving": leaving}),
        ("fail reads", {"on": node, "of": "blobs"}),
        ("fail reads", {"on": "pbx1", "of": "snapshots"}),
        ("stop ssh", {"node": "pbx2"}),
        ("change password", {"node": "pbx2"}),
    )
    kind, spec = sketch.draws.one_of(choices)
    _for_a_while(sketch, kind, spec)


def host_key(sketch: Sketch) -> None:
    """Let the standby show another host key; later the administrator accepts it."""
    if not sketch.failed_over and not sketch.broken("password"):
        sketch.add({"change host key": "pbx2"})
        sketch.mending["password"] = {"configure": {"on": "pbx1", "password": "right"}}


def crash(sketch: Sketch) -> None:
    """End a box's processes; they come back by themselves."""
    node = sketch.draws.one_of(("pbx1", "pbx2"))
    sketch.add({"kill": {"node": node, "back in": sketch.draws.one_of(_BACK_IN)}})
    if sketch.draws.chance(60):
        sketch.add({"wait": "25 s"})


def standstill(sketch: Sketch) -> None:
    """Let a box's processes stand still for some real time."""
    node = sketch.draws.one_of(("pbx1", "pbx2"))
    sketch.add({"freeze": node})
    if node == sketch.standby or sketch.draws.chance(50):
        sketch.add({"wait": sketch.draws.one_of(("1 s", "10 s", "40 s"))})
    else:
        sketch.wait_about("10 min", "1 h")
    sketch.add({"thaw": node})


def mail(sketch: Sketch) -> None:
    """Let the mail server be away, refuse, be slow, or put everyone off."""
    spec: Step = {"is": sketch.draws.one_of(("down", "refusing", "slow", "greylisting"))}
    if spec["is"] == "slow":
        spec["answers after"] = sketch.draws.one_of(("2 s", "20 s"))
    if not sketch.broken("mail server"):
        spec["as"] = sketch.name("mail-server")
        sketch.add({"mail server": spec})
        sketch.mending["mail server"] = {"heal": spec["as"]}


def stranger(sketch: Sketch) -> None:
    """Let a foreign device hold the active's address, and try to switch over meanwhile."""
    name = sketch.name("stranger")
    dead, heir = sketch.active, sketch.standby
    if sketch.failed_over:
        return
    sketch.add({"power off": dead}, {"rogue": {"takes": "pbx1", "as": name}})
    sketch.add({"open tab": heir}, {"wait": "4 s"}, {"switch over": heir})
    sketch.add({"heal": name}, {"power on": dead})


def in_a_run(sketch: Sketch) -> None:
    """Break something at a moment of the next run, and have one come."""
    if sketch.failed_over:
        return
    if sketch.draws.chance(30):
        when: Step = {"into": "pbx2", "after": sketch.draws.one_of(_PLACES)}
        node = "pbx2"
    else:
        node, event = sketch.draws.one_of(_RUN_MOMENTS)
        when = {"on": node, "event": event}
        if sketch.draws.chance(15):
            when["times"] = 2
    victim = node if sketch.draws.chance(70) else sketch.draws.one_of(("pbx1", "pbx2"))
    name = sketch.name("moment")
    sketch.add({"when": {**when, "do": _sudden(sketch, victim), "as": name}}, {"run now": "pbx1"})
    sketch.add({"advance to the next run": {"on": "pbx1", "within": "30 min"}})
    if sketch.draws.chance(30):
        sketch.wait_about("10 min", "1 h", "1 day")
    sketch.add({"heal": name}, {"power on": victim})


def in_a_switchover(sketch: Sketch) -> None:
    """Let the standby end at a moment of its takeover, and click again when it is back."""
    if sketch.failed_over:
        return
    dead, heir = sketch.active, sketch.standby
    event = sketch.draws.one_of(_SWITCH_MOMENTS)
    sketch.add({"power off": dead})
    sketch.mending[f"power of {dead}"] = {"power on": dead}
    sketch.add({"open tab": heir}, {"wait": "4 s"})
    name = sketch.name("moment")
    sketch.add({"when": {"on": heir, "event": event, "do": _sudden(sketch, heir), "as": name}})
    sketch.add({"switch over": {"on": heir, "confirm": "yes"}}, {"wait": "25 s"})
    sketch.add({"heal": name}, {"power on": heir}, {"open tab": heir}, {"wait": "4 s"})
    sketch.add({"switch over": {"on": heir, "confirm": "yes"}})
    sketch.active, sketch.failed_over = heir, True
    sketch.wait_about("1 min", "1 h")


def _sudden(sketch: Sketch, node: str) -> Step:
    if sketch.draws.chance(50):
        return {"power off": node}
    return {"kill": {"node": node, "back in": sketch.draws.one_of(_BACK_IN)}}


def _for_a_while(sketch: Sketch, kind: str, spec: Step) -> None:
    """Let a fault begin that ends by itself, or is mended later; never twice at once."""
    what = f"{kind} {sorted(map(str, spec.values()))}"
    if sketch.broken(what):
        return
    name = sketch.name(kind.replace(" ", "-"))
    if sketch.draws.chance(40):
        spans = _STOPWATCH if sketch.draws.chance(50) else _CALENDAR
        sketch.add({kind: {**spec, "as": name, "for": sketch.draws.one_of(spans)}})
    else:
        sketch.add({kind: {**spec, "as": name}})
    sketch.mending[what] = {"heal": name}  # passed over where its time was up before
    if not sketch.failed_over and sketch.draws.chance(60):
        sketch.add({"run now": "pbx1"})
        if sketch.draws.chance(60):
            sketch.add({"advance to the next run": {"on": "pbx1", "within": "30 min"}})
