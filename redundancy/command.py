"""`appliancectl redundancy …`: the engine on the appliance's command line."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from typing import Any, BinaryIO, NoReturn

from pydantic import ValidationError

from redundancy import rollback_texts
from redundancy.configuration import ModuleConfiguration, faults
from redundancy.engine_console import EngineConsole
from redundancy.errors import Refused

REASON_MIN, REASON_MAX = 10, 300  # characters of the reason for an override (D9)


class _Parser(argparse.ArgumentParser):
    """A parser that raises instead of ending the appliance's process."""

    def error(self, message: str) -> NoReturn:
        """Refuse the command line."""
        raise Refused("usage", f"redundancy: {message}", remedy=self.format_usage().strip())


def run(console: EngineConsole, argv: Sequence[str], stdin: BinaryIO) -> dict[str, Any]:
    """Carry out one command and return its result.

    Raises:
        Refused: the command line is wrong (`usage`), or the engine declined.
    """
    options = _parser().parse_args(list(argv))
    handler: Callable[[EngineConsole, argparse.Namespace, BinaryIO], dict[str, Any]] = _COMMANDS[
        options.command
    ]
    return handler(console, options, stdin)


@cache
def _parser() -> _Parser:
    parser = _Parser(prog="redundancy", add_help=False)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in _COMMANDS:
        command = commands.add_parser(name, add_help=False)
        command.add_argument("--by", default="console")
        if name == "initialise":
            command.add_argument("--size", type=int, required=True)
        if name == "switchover":
            command.add_argument("--confirmed", action="store_true")
            command.add_argument("--override", default=None)
        if name == "rollback":
            command.add_argument("--step", default="")
    return parser


def _configure(
    console: EngineConsole, options: argparse.Namespace, stdin: BinaryIO
) -> dict[str, Any]:
    try:
        configuration = ModuleConfiguration.model_validate_json(stdin.read())
    except ValidationError as error:
        remedy = "correct these fields and save again"
        raise Refused("invalid", faults(error), remedy=remedy) from None
    key = ""
    if configuration.standby_server:
        key = configuration.standby_host_key or console.standby_host_key(configuration)
        configuration = configuration.model_copy(update={"standby_host_key": key})
    console.save_configuration(configuration, options.by)
    warnings = [
        f"the run of {one.run_at.isoformat()} meets the job {one.job}, which writes from "
        f"{one.job_at.isoformat()} (R32): choose another start"
        for one in console.collisions()
    ]
    return {"standby_host_key": key, "warnings": warnings}


def _show(console: EngineConsole, _options: argparse.Namespace, _stdin: BinaryIO) -> dict[str, Any]:
    configuration = console.configuration()
    return {"configuration": configuration.model_dump(mode="json") if configuration else None}


def _status(
    console: EngineConsole, _options: argparse.Namespace, _stdin: BinaryIO
) -> dict[str, Any]:
    view = console.overview()
    return {
        "role": view.role,
        "designated": view.designated,
        "configuration_fault": view.configuration_fault,
        "origin_age_s": view.origin_age.total_seconds() if view.origin_age else None,
        "origin_stale": view.origin_stale,
        "adopts": view.adopts.model_dump() if view.adopts else None,
        "next_run": view.next_run.isoformat() if view.next_run else None,
        "transfer": asdict(view.transfer) if view.transfer else None,
        "switchover": view.switchover,
        "runs": [
            {
                **asdict(one),
                "started": one.started.isoformat(),
                "finished": one.finished.isoformat() if one.finished else None,
            }
            for one in view.runs
        ],
    }


def _run_now(
    console: EngineConsole, options: argparse.Namespace, _stdin: BinaryIO
) -> dict[str, Any]:
    return {"run": console.run_now(options.by)}


def _initialise(
    console: EngineConsole, options: argparse.Namespace, stdin: BinaryIO
) -> dict[str, Any]:
    imported = console.initialise(stdin, options.size, options.by)
    return imported.model_dump(mode="json")


def _log(console: EngineConsole, _options: argparse.Namespace, _stdin: BinaryIO) -> dict[str, Any]:
    rows = [
        {**one.__dict__, "at": one.at.isoformat(), "detail": dict(one.detail)}
        for one in console.journal().records()
    ]
    return {"records": json.loads(json.dumps(rows))}


def _switch_over(
    console: EngineConsole, options: argparse.Namespace, _stdin: BinaryIO
) -> dict[str, Any]:
    reason = " ".join((options.override or "").split())
    if options.override is not None and len(reason) < REASON_MIN:
        raise Refused(
            "usage",
            "redundancy: --override needs a reason",
            remedy=f"say why, in {REASON_MIN} characters at least; it is kept in the log (D9)",
        )
    decision = console.switch_over(
        options.by, confirmed=options.confirmed, override=reason[:REASON_MAX]
    )
    return {
        "outcome": decision.outcome,
        "code": decision.code,
        "reasons": [list(one) for one in decision.reasons],
        "address": decision.address,
    }


def _roll_back(
    console: EngineConsole, options: argparse.Namespace, _stdin: BinaryIO
) -> dict[str, Any]:
    """Carry out a step; without one, say where the rollback stands, and what comes next."""
    decided: dict[str, Any] = {}
    if options.step:
        decision = console.roll_back(options.step, options.by)
        if decision.outcome == "refused":
            message, remedy = rollback_texts.refusal(decision)
            raise Refused(decision.code, message, remedy=remedy)
        decided = {"outcome": decision.outcome}
        if decision.outcome == "accepted":
            return decided  # it goes on, and there may soon be nobody to ask
    view = console.rollback()
    due = view.next
    return {
        **decided,
        "part": view.part,
        "next": due.name if due and view.part else None,
        "on": list(due.parts) if due and view.part else [],
        "done": [one.name for one in view.steps if one.stand == "done"],
        "address": view.address,
        "moves_to": view.moves_to,
        "file": view.file,
        "will_be_lost": None if view.unsaved is None else list(view.unsaved),
        "lost": None if view.lost is None else list(view.lost),
        "protected": view.protected,
    }


_COMMANDS: Mapping[str, Callable[[EngineConsole, argparse.Namespace, BinaryIO], dict[str, Any]]] = {
    "configure": _configure,
    "show": _show,
    "status": _status,
    "run": _run_now,
    "initialise": _initialise,
    "log": _log,
    "switchover": _switch_over,
    "rollback": _roll_back,
}
