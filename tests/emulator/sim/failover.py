"""A failover without a runner: what the tests of the simulated lab drive, and a program.

Run as a program it prints its history, for comparison between two processes.
"""

import dataclasses
import hashlib
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from emulator import factory
from emulator.company import Company
from emulator.lab import ApplianceSpec, LabSpec
from emulator.sim.lab import SimMaker

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SUBNET = "198.18.0.0/24"


class Seeded:
    """Bytes that a seed and their order determine."""

    def __init__(self, seed):
        self.seed = seed
        self.drawn = 0

    def __call__(self, length):
        self.drawn += 1
        return hashlib.shake_128(f"{self.seed}/{self.drawn}".encode()).digest(length)


class Failover:
    """A pair of appliances, and what an administrator does with it.

    Attributes:
        lab: where they stand.
        credentials: what the administrator knows.
    """

    def __init__(self, seed=7, users=3, **settings):
        company = Company(users=users)
        pair = factory.pair(seed, "drill", SUBNET, START, Seeded(seed), company)
        self.credentials = pair.credentials
        pbx1, pbx2 = ({**one, **settings} for one in (pair.pbx1, pair.pbx2))
        specs = (ApplianceSpec("pbx1", pbx1, pair.sounds), ApplianceSpec("pbx2", pbx2))
        spec = LabSpec("drill", SUBNET, specs, seed, START)
        self.lab = SimMaker().make(spec, Path("unused"))
        self.pbx1, self.pbx2 = (self.lab.appliance(name) for name in ("pbx1", "pbx2"))

    def configure(self):
        """Configure the active, and the standby with its key; the active's answer."""
        values = {
            "licence_key": self.credentials.server_keys["pbx1"],
            "mail_address": "redundancy@example.com",
            "start_date": "2026-03-02",
            "start_time": "10:00",
        }
        target = {
            "standby_server": self.pbx2.address,
            "standby_password": self.credentials.root_passwords["pbx2"],
        }
        argv = ["redundancy", "configure"]
        self.pbx2.ctl(argv, json.dumps(values).encode())
        return self.pbx1.ctl(argv, json.dumps({**values, **target}).encode())

    def initialise(self):
        """Bring a full backup across by hand (R37 to R44)."""
        backup = self.pbx1.ctl(["backup", "create", "--operation", "initial"])
        data = self.pbx1.read(f"backups/{backup['file']}")
        self.pbx2.ctl(["redundancy", "initialise", "--size", str(len(data))], data)

    def add_redirect(self, user):
        """Change something on the active."""
        argv = ["--user", user, "--when", "TIMEOUT", "--target", "+49301234567"]
        self.pbx1.ctl(["redirects", "add", *argv])

    def redirects(self, node):
        """Return the ids of a node's redirects."""
        digests = self.lab.appliance(node).ctl(["content", "digest"])["objects"]
        return {key for key in digests if key.startswith("redirects/")}

    def seen(self, node, event):
        """Return how often a node reported an event."""
        return sum((one.node, one.event) == (node, event) for one in self.lab.events())

    def await_event(self, node, event):
        """Let the Calendar move until a node reports an event once more."""
        before = self.seen(node, event)
        until = self.lab.timekeeper.now() + timedelta(hours=3)
        return self.lab.timekeeper.advance(until, lambda: self.seen(node, event) > before)

    def switch_over(self):
        """Order the switchover on the standby's console."""
        return self.pbx2.ctl(["redundancy", "switchover", "--confirmed", "--by", "admin"])

    def drill(self):
        """Carry out the whole drill; what the observer and the phone saw."""
        self.configure()
        self.initialise()
        self.add_redirect("1001")
        self.lab.wire.capture()
        self.await_event("pbx1", "run.succeeded")
        self.lab.observer.watch(self.pbx1.address)
        self.lab.phones["phone1"].watch(self.pbx1.address)
        self.lab.pause(1)
        self.add_redirect("1002")
        self.pbx1.power_off()
        self.switch_over()
        self.lab.pause(2)
        self.lab.timekeeper.advance(self.lab.timekeeper.now() + timedelta(minutes=5))
        return self.lab.observer.stop(), self.lab.phones["phone1"].stop()


def rows(lab):
    """Return the history as JSON lines."""
    return [json.dumps(dataclasses.asdict(one), default=str) for one in lab.events()]


def main():
    """Print the history, and digests of what else there is to compare."""
    failover = Failover()
    observed, pings = failover.drill()
    lab = failover.lab
    sys.stdout.write("\n".join(rows(lab)) + "\n")
    for what in (lab.wire.pcap(), observed, pings, lab.mail.messages()):
        sys.stdout.write(hashlib.sha256(repr(what).encode()).hexdigest() + "\n")
    lab.down()


if __name__ == "__main__":
    main()
