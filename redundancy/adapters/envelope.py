"""Reads the envelope that every `appliancectl --json` answers with (see `redundancy.contract`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from redundancy.contract import CONTRACT_VERSION
from redundancy.errors import Fenced, IndefiniteError, Refused

ANSWER_SIZE_MAX = 64 * 1024 * 1024
NOT_EXECUTABLE = 126
NOT_FOUND = 127


def result(argv: Sequence[str], answer: bytes, exit_status: int) -> Mapping[str, Any]:
    """Return the `result` of an answer.

    Args:
        argv: the command, for messages. It holds no secrets: those travel in payloads.
        answer: what came on standard output.
        exit_status: of the command; negative when a signal ended it.

    Raises:
        Refused, Fenced: the appliance declined, or has no such program or contract.
        IndefiniteError: the command ran and left no answer that can be read.
    """
    command = " ".join(argv[:2])
    envelope = _envelope(answer)
    if envelope is None:
        if exit_status in (NOT_EXECUTABLE, NOT_FOUND):
            raise no_program()
        raise IndefiniteError(
            f"`{command}` ended with status {exit_status} and without an answer",
            remedy="read the appliance's log; its state is read before the next step",
        )
    if envelope.get("contract") != CONTRACT_VERSION:
        raise Refused(
            "contract",
            f"the appliance speaks contract {envelope.get('contract')}, not {CONTRACT_VERSION}",
            remedy="update both appliances to the same version",
        )
    if envelope.get("ok") is True:
        found = envelope.get("result")
        return found if isinstance(found, dict) else {}
    raise _refusal(command, envelope.get("error"))


def is_conclusive(answer: bytes, exit_status: int) -> bool:
    """Tell whether the far side has spoken, or could not even start to."""
    return _envelope(answer) is not None or exit_status in (NOT_EXECUTABLE, NOT_FOUND)


def no_program() -> Refused:
    """Return the error for a machine without the contract's program."""
    return Refused(
        "no-appliancectl",
        "there is no executable `appliancectl` on that machine",
        remedy="check that the address belongs to an appliance of the same version",
    )


def _envelope(answer: bytes) -> dict[str, Any] | None:
    try:
        parsed = json.loads(answer)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) and "ok" in parsed else None


def _refusal(command: str, error: object) -> Refused:
    detail = error if isinstance(error, dict) else {}
    code = str(detail.get("code", "unknown"))
    message = str(detail.get("message", f"`{command}` was refused without a reason"))
    appliance = str(detail.get("appliance", ""))
    if appliance not in message:  # whose disk is full, whose version differs (R14)
        message = f"{appliance}: {message}"
    if code == "fenced":
        return Fenced(message)
    return Refused(code, message, remedy=str(detail.get("remedy", "")))
