"""The command line `standby-lab`.

Subcommands are imported when they are used, so that `--help` and completion are quick.
Exit codes: 0 passed, 1 failed, 2 usage, 3 inconclusive, 4 the lab broke.
"""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any

import click

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "doctor": ("scenarios.cli.here:doctor", "What this computer can run, and what was left."),
    "unshare": ("scenarios.cli.rights:unshare", "A program where an ordinary user's labs are."),
    "image": ("scenarios.cli.here:image", "The appliance image of the docker backend."),
    "up": ("scenarios.cli.labs:up", "Bring a lab up: two appliances, set up as a pair."),
    "down": ("scenarios.cli.labs:down", "Take a lab down; nothing of it stays."),
    "list": ("scenarios.cli.labs:list_labs", "The labs that are up."),
    "inspect": ("scenarios.cli.labs:inspect", "The nodes of a lab and how to reach them."),
    "exec": ("scenarios.cli.nodes:execute", "Run a program on a node."),
    "ssh": ("scenarios.cli.nodes:ssh", "Log in to an appliance with the stock ssh client."),
    "power": ("scenarios.cli.nodes:power", "Pull an appliance's plug, or boot it again."),
    "mail": ("scenarios.cli.nodes:mail", "The mails that the lab's sink took."),
    "arp": ("scenarios.cli.nodes:arp", "Who has an address, asked on the wire just now."),
    "call": ("scenarios.cli.phones:call", "Let one telephone call another."),
    "sync": ("scenarios.cli.pairs:sync", "Run the transfer to the standby now, and wait."),
    "switchover": ("scenarios.cli.pairs:switchover", "Switch over at the standby's page."),
    "scenarios": ("scenarios.cli.drills:scenarios", "The scenarios of the library."),
    "validate": ("scenarios.cli.authoring:validate", "Check scenario files."),
    "run": ("scenarios.cli.drills:run", "Run scenarios and judge them."),
    "drill": ("scenarios.cli.seeded:drill", "Drills that a seed draws."),
    "replay": ("scenarios.cli.seeded:replay", "Run a plan again, exactly as it was."),
    "shrink": ("scenarios.cli.seeded:shrink", "Make a failing plan small."),
    "campaign": ("scenarios.cli.campaigns:campaign", "Drills by the thousand, on all cores."),
    "reach": ("scenarios.cli.campaigns:reach", "Which rare states the drills have seen."),
    "verify": ("scenarios.cli.drills:verify", "Judge a stored run again."),
    "report": ("scenarios.cli.reports:report", "The drill report of a stored run."),
    "coverage": ("scenarios.cli.coverage:coverage", "In which state which fault was exercised."),
    "crash-sweep": ("scenarios.cli.sweep:crash_sweep", "Crash a drill wherever it can be."),
    "fidelity": ("scenarios.cli.drills:fidelity", "One trace on three backends?"),
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and help, and imports one when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of the workflow."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None where there is none."""
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101 - the table above is ours
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete commands by name without importing them."""
        names = [name for name in _COMMANDS if name.startswith(incomplete)]
        items = [click.shell_completion.CompletionItem(name) for name in names]
        own = click.Command.shell_complete(self, ctx, incomplete) if not items else []
        return [*items, *own]


@click.group(
    cls=LazyGroup,
    epilog="Exit codes: 0 passed, 1 failed, 2 usage, 3 inconclusive, 4 the lab broke. Every option "
    "can also be set as an environment variable, as in STANDBY_LAB_RUN_BACKEND=netns.",
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "STANDBY_LAB"},
)
@click.version_option(package_name="standby-lab", prog_name="standby-lab")
def standby_lab() -> None:
    """Drills for a pair of emulated appliances: failover with proof on the wire."""


def main() -> None:
    """Run a command; whatever goes wrong becomes one line and an exit code.

    A command that turns out to need root of namespaces has done nothing yet: it starts again
    as such.
    """
    _end_when_asked()
    try:
        sys.exit(standby_lab.main(standalone_mode=False) or 0)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("standby-lab: interrupted; nothing was left behind", err=True)
        sys.exit(128 + signal.SIGINT)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f"; see `{context.command_path} --help`" if context else ""
        click.echo(f"standby-lab: {error.format_message().rstrip('.')}{hint}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(128 + signal.SIGPIPE)
    except Exception as error:  # noqa: BLE001 - the last place that can give it an exit code
        from scenarios.cli.rights import restarted  # noqa: PLC0415 - only where something failed
        from scenarios.cli.trouble import explain  # noqa: PLC0415 - same

        line, code = explain(restarted(error))
        click.echo(f"standby-lab: {line}", err=True)
        sys.exit(code)


def _end_when_asked() -> None:
    """Let the first SIGINT or SIGTERM end the command; what comes later would only leave a mess.

    A second Ctrl-C would hit the removal of the lab that the first one began. A program that was
    started with SIGINT ignored, as a shell does behind `&`, goes on ignoring it.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, signal.SIG_IGN)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, end)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, end)
