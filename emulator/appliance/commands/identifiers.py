"""Arguments by which a repeated command is recognised."""

from __future__ import annotations

import re

from emulator.appliance.commands.grammar import Arguments
from emulator.appliance.refusal import Usage

OPERATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,119}")


def operation(arguments: Arguments) -> str:
    """Return the id of an operation.

    Raises:
        Usage: it is malformed.
    """
    value = arguments.text("--operation")
    if not OPERATION.fullmatch(value):
        raise Usage("--operation must be an identifier of letters, digits and . _ : @ / + -")
    return value
