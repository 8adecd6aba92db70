"""What the appliance is made of, as commands and pages see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from emulator.appliance.activity import Activity
from emulator.appliance.addressing import Addressing
from emulator.appliance.backups import Backups
from emulator.appliance.content import Content
from emulator.appliance.fence import Gate
from emulator.appliance.guard import Guard
from emulator.appliance.identity import Identity
from emulator.appliance.importer import Importer
from emulator.appliance.intake import Intake
from emulator.appliance.jobs import Jobs
from emulator.appliance.mail_queue import MailQueue
from emulator.appliance.modules import Module
from emulator.appliance.registrar import Registrar
from emulator.appliance.restoring import Restorer
from emulator.appliance.snapshots import Snapshots
from emulator.appliance.takeover import Takeovers
from emulator.appliance.uploads import Uploads
from emulator.appliance.web.sessions import Sessions
from emulator.ports import Machine


@dataclass
class Parts:
    """The parts of a booted appliance.

    Attributes:
        booted_at: by the lab's clock, however this box's own is set.
        module: the loaded module; None while the appliance boots.
        power_off: ends the appliance in order, after the answer has been given.
        restart: ends it in order and starts it again, after the answer has been given.
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
    uploads: Uploads
    restorer: Restorer
    addressing: Addressing
    guard: Guard
    takeovers: Takeovers
    mail: MailQueue
    registrar: Registrar
    sessions: Sessions
    activity: Activity
    booted_at: datetime
    power_off: Callable[[], None]
    restart: Callable[[], None]
    module: Module | None = None
