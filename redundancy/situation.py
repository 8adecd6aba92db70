"""This appliance as the module finds it at one instant: its state, configuration and roles."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from redundancy import preconditions, role
from redundancy.client import Appliance
from redundancy.configuration import ModuleConfiguration, faults
from redundancy.contract import Status
from redundancy.ports import Services


@dataclass(frozen=True)
class Situation:
    """What every decision of the engine starts from.

    Attributes:
        status: of this appliance.
        configuration: of the module; None where there is none, or a malformed one.
        fault: what is wrong with a malformed one; else "".
    """

    status: Status
    configuration: ModuleConfiguration | None
    fault: str = ""

    @property
    def roles(self) -> role.Roles:
        """Return what this appliance was meant to be, and what it is now (R22, D14)."""
        return roles_of(self.status, self.configuration)

    @property
    def may_run(self) -> bool:
        """Tell whether runs are this appliance's to make: active, and the module awake (R45)."""
        states = self.status.modules
        enabled = any(one.name == preconditions.MODULE and one.active for one in states)
        return self.roles.current == "active" and enabled


def situation(services: Services) -> Situation:
    """Look at this appliance.

    Whoever may write its content (an imported backup, somebody's hand) may write a malformed
    configuration: that counts as none, so that the appliance stays usable and can be mended.
    """
    local = Appliance(services.local)
    status, values = local.status(), local.configuration(preconditions.MODULE)
    if values is None:
        return Situation(status, None)
    secret = {"standby_password": services.secret("standby_password")}
    try:
        return Situation(status, ModuleConfiguration.model_validate({**values, **secret}))
    except ValidationError as error:
        return Situation(status, None, faults(error))


def roles_of(status: Status, configuration: ModuleConfiguration | None) -> role.Roles:
    """Derive an appliance's roles under a configuration (R22)."""
    key = role.fingerprint(configuration.licence_key) if configuration else None
    return role.roles(status.server_key, key, status.lineage)
