"""What the administrator of a drawn drill does: sensible things, and foolish ones."""

from __future__ import annotations

from scenarios.seeded.sketch import Sketch, Step

_KINDS = (("user", 5), ("phone", 3), ("redirect", 2), ("voicemail", 2))
_PLANS = ("backup", "readdress", "shutdown")


def work(sketch: Sketch) -> None:
    """Enter, change and remove some things, as on any day."""
    for _ in range(sketch.draws.between(1, 3)):
        known = sketch.entered[sketch.active]
        if known and sketch.draws.chance(35):
            name = sketch.draws.one_of(known)
            if sketch.draws.chance(50):
                known.remove(name)
                sketch.add({"change": {"on": sketch.active, "remove": name}})
            elif name.startswith(("user", "redirect")):
                sketch.add({"change": {"on": sketch.active, "edit": name}})
        else:
            _enter(sketch, sketch.active)


def _enter(sketch: Sketch, node: str) -> None:
    kind = sketch.draws.weighed(_KINDS)
    name = sketch.name(kind)
    change = {"on": node, "add": kind, "as": name}
    if kind == "voicemail":
        change["lasting"] = sketch.draws.one_of(("10 s", "1 min", "4 min"))
    else:
        sketch.entered[node].append(name)
    sketch.add({"change": change})


def some_time(sketch: Sketch) -> None:
    """Let some time pass."""
    sketch.wait_about("10 min", "1 h", "6 h", "1 day", "1 day", "2 days")


def days(sketch: Sketch) -> None:
    """Let days pass in which nobody does anything."""
    sketch.wait_about("1 day", "2 days", "3 days", "1 week")


def run_by_hand(sketch: Sketch) -> None:
    """Order a run, perhaps twice, perhaps on the wrong box, and perhaps wait for its end."""
    node = sketch.active if sketch.draws.chance(85) else sketch.standby
    times = 2 if sketch.draws.chance(15) else 1
    sketch.add(*[{"run now": node}] * times)
    if sketch.draws.chance(60):
        sketch.add({"advance to the next run": {"on": node, "within": "30 min"}})


def job(sketch: Sketch) -> None:
    """Add a backup or archive job that overlaps the runs, or remove or start the last one."""
    node, name = sketch.active, sketch.name("job")
    spec = {"on": node, "add": name, "kind": sketch.draws.one_of(("backup", "archive"))}
    spec["every"] = sketch.draws.one_of(("6 h", "1 day"))
    spec["first in"] = sketch.draws.one_of(("5 min", "1 h", "1 day"))
    if sketch.draws.chance(40):
        spec["takes"] = sketch.draws.one_of(("10 min", "2 h"))
    sketch.add({"job": spec})
    if sketch.draws.chance(40):
        sketch.add({"start job": {"on": node, "job": name}})
    sketch.mending[f"job {name}"] = {"job": {"on": node, "remove": name}}


def settings(sketch: Sketch) -> None:
    """Change a field of the module's configuration, and none that the checkers rely on."""
    value: Step = sketch.draws.one_of(
        (
            {"language": "en"},
            {"stall limit": "5 s"},
            {"stale after": "2 days"},
            {"backup wait limit": "10 min"},
        )
    )
    sketch.add({"configure": {"on": sketch.active, **value}})


def newest_backup(sketch: Sketch) -> None:
    """Let runs take the newest backup of a job instead of a fresh one, for a while (D3)."""
    if sketch.failed_over or sketch.broken("backup source"):
        return
    name = sketch.name("nightly")
    spec = {"on": "pbx1", "add": name, "every": "6 h", "first in": "1 h"}
    sketch.add({"job": spec}, {"start job": {"on": "pbx1", "job": name}})
    sketch.add({"configure": {"on": "pbx1", "backup": "latest"}})
    sketch.mending["backup source"] = {"configure": {"on": "pbx1", "backup": "fresh"}}


def wrong_password(sketch: Sketch) -> None:
    """Mistype the password of the standby; it is put right later."""
    if sketch.failed_over or sketch.broken("password"):
        return
    sketch.add({"configure": {"on": "pbx1", "password": "wrong"}})
    sketch.mending["password"] = {"configure": {"on": "pbx1", "password": "right"}}


def licence(sketch: Sketch) -> None:
    """Remove a licence; it is installed again later."""
    node = sketch.draws.one_of(("pbx1", "pbx2"))
    spec = {"on": node, "key": sketch.draws.one_of(("user", "module"))}
    what = f"licence of {node}"
    if not sketch.broken(what):
        sketch.add({"remove licence": spec})
        sketch.mending[what] = {"install licence": spec}


def update(sketch: Sketch) -> None:
    """Update one box, and the other one at once, later, or only in the end."""
    number = sketch.name("version").rpartition("-")[2]
    version = f"8.1.{2 + int(number)}.0"
    first = sketch.draws.one_of(("pbx1", "pbx2"))
    second = "pbx2" if first == "pbx1" else "pbx1"
    sketch.add({"update": {"on": first, "to": version}})
    if sketch.draws.chance(50):
        sketch.add({"update": {"on": second, "to": version}})
    for node in (first, second):  # refused where it was done
        sketch.mending[f"version of {node}"] = {"update": {"on": node, "to": version}}


def clock(sketch: Sketch) -> None:
    """Set a box's clock by hours."""
    by = sketch.draws.one_of(("+3 h", "-1 h", "+1 day", "-6 h", "+10 min"))
    sketch.add({"set clock": {"on": sketch.draws.one_of(("pbx1", "pbx2")), "by": by}})


def meddle(sketch: Sketch) -> None:
    """Do something that must be declined, or do no harm."""
    node = sketch.draws.one_of(("pbx1", "pbx2"))
    step: Step = sketch.draws.one_of(
        (
            {"intrude": {"on": node, "by": "nobody"}},
            {"intrude": {"on": node, "by": "a foreign page"}},
            {"roll back": {"on": node, "step": sketch.draws.one_of(_PLANS)}},
            {"roll back": {"on": node, "step": "identity"}},
            {"roll back": {"on": node, "step": "abandon"}},
            {"run now": sketch.standby},
        )
    )
    if "roll back" in step and sketch.failed_over:
        return  # then it would be no meddling but the thing itself
    sketch.add(step)


def click_in_vain(sketch: Sketch) -> None:
    """Try to switch over while the active answers."""
    node = sketch.standby
    sketch.add({"open tab": node})
    if sketch.draws.chance(50):
        sketch.add({"wait": "4 s"})
    sketch.add({"switch over": {"on": node, "clicks": sketch.draws.between(1, 2)}})


def reboot(sketch: Sketch) -> None:
    """Switch a box off and on again, at once or after days."""
    node = sketch.draws.one_of(("pbx1", "pbx2"))
    if sketch.failed_over and node == "pbx1":
        return
    sketch.add({"power off": node})
    if sketch.draws.chance(70):
        sketch.wait_about("1 min", "1 h", "1 day", "3 days")
    sketch.add({"power on": node})


def fail_over(sketch: Sketch) -> None:
    """Let the active die in one of several ways, and switch over to the standby."""
    if sketch.failed_over:
        return
    dead, heir = sketch.active, sketch.standby
    sketch.add({"power off": dead})
    sketch.mending[f"power of {dead}"] = {"power on": dead}
    sketch.add({"open tab": heir})
    if sketch.draws.chance(70):
        sketch.add({"wait": sketch.draws.one_of(("1 s", "4 s", "5 s"))})
    click: Step = {"on": heir, "confirm": "yes"}
    if sketch.draws.chance(20):
        click["clicks"] = 2
    sketch.add({"switch over": click})
    sketch.active, sketch.failed_over = heir, True
    sketch.wait_about("1 min", "1 h", "1 day")


def roll_back(sketch: Sketch) -> None:
    """Give the original its part back, all seven steps, or break off on the way."""
    if not sketch.failed_over:
        return
    acting, original = "pbx2", "pbx1"
    sketch.add({"power off": original})  # passed over where it is off
    sketch.add({"roll back": {"on": acting, "step": "backup"}})
    if sketch.draws.chance(30):
        work(sketch)
    sketch.add({"roll back": {"on": acting, "step": "readdress"}})
    if sketch.draws.chance(20):
        sketch.add({"roll back": {"on": acting, "step": "abandon"}})
        return
    if sketch.draws.chance(15):
        sketch.add({"roll back": {"on": acting, "step": "identity"}})
    sketch.add({"roll back": {"on": acting, "step": "shutdown"}}, {"power on": original})
    sketch.add({"restore": {"on": original, "with": ["keep-licences"]}})
    for step in ("import", "identity", "phones"):
        sketch.add({"roll back": {"on": original, "step": step}})
        if sketch.draws.chance(10):
            sketch.add({"power off": original}, {"power on": original})
    sketch.add({"power on": acting}, {"initialise": acting})
    sketch.add({"roll back": {"on": acting, "step": "redundancy"}})
    sketch.mending.pop(f"power of {original}", None)
    sketch.active, sketch.failed_over = original, False
    sketch.entered[original] = list(dict.fromkeys(sketch.entered[original]))
    sketch.add({"run now": original}, {"advance to the next run": _RUN})


_RUN: Step = {"on": "pbx1", "within": "30 min"}
