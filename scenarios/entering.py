"""Changes that an administrator enters, and how they are found again.

A change is known by its name in the scenario; user, phone and redirect carry that name in
the field that identifies them on the appliance.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from emulator.lab import ApplianceNode
from scenarios.drill import Entry
