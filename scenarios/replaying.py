"""The command that runs a drill again."""

from __future__ import annotations

import shlex

from scenarios.record import Asked, Plan


def replay_command(plan: Plan) -> str:
    """Return the command that runs a drill again, as it was run."""
    asked = plan.asked or Asked(name=plan.scenario.id)
    command = command_for(asked, plan.backend, plan.seed)
    if plan.real_time:
        command += " --real-time"
    if plan.engine is not None:
        command += f" --engine {shlex.quote(plan.engine.path)}"
    return command


def command_for(asked: Asked, backend: str, seed: int) -> str:
    """Return the command for a scenario; values are quoted for a shell."""
    argv = ["standby-lab", "run", asked.name]
    for option in asked.options:
        argv += ["--set", option]
    return shlex.join([*argv, "--backend", backend, "--seed", str(seed)])
