"""What the appliance is made of, as commands and pages see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emulator.appliance.addressing import Addressing
from emulator.appliance.backups import Backups
from emulator.appliance.content import Content
from emulator.appliance.fence import Gate
from emulator.appliance.identity import Identity
from emulator.appliance.importer import Importer
from emulator.appliance.intake import Intake
from emulator.appliance.jobs import Jobs
from emulator.appliance.mail_queue import MailQueue
from emulator.appliance.modules import Module
from emulator.appliance.restoring import Restorer
from emulator.appliance.snapshots import Snapshots
from emulator.appliance.takeover import Takeovers
from emulator.ports import Machine


@dataclass
class Parts:
    """The parts of a booted appliance.

    Attributes:
        module: the loaded module; None while the appliance boots.
        power_off: ends the appliance in order, after the answer has been given.
    """

    machine: Machine
    identity: Identity
    content: Content
    backups: Backups
    snapshots: Snapshots
    jobs: Jobs
    gate: Gate
    intake: Intake
    importer: Importer
    restorer: Restorer
    addressing: Addressing
    takeovers: Takeovers
    mail: MailQueue
    power_off: Callable[[], None]
    module: Module | None = None
