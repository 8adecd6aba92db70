"""`unshare`, and commands that need it: an ordinary user as root of namespaces of his own."""

from __future__ import annotations

import sys

import click

from emulator.backends.rootless import NotRoot, enter, is_root
from emulator.lab import LabError
from scenarios.hosting import lab_registry


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--lab", help="Enter the namespaces of this lab; without it new ones are made.")
@click.argument("program", nargs=-1, required=True, type=click.UNPROCESSED)
def unshare(lab: str | None, program: tuple[str, ...]) -> None:
    """Run a program where an ordinary user's labs on netns are: pytest, ssh, curl, a browser.

    For root that is this computer itself.
    """
    folder = lab_registry().labs_folder
    if is_root():
        raise click.UsageError(f"you are root: run {program[0]} as it is")
    enter(program, folder, lab)


def restarted(error: Exception) -> Exception:
    """Start this command again as root of namespaces, if that is all that it lacks.

    Returns:
        what is to be told instead: the error, or why it cannot start again.
    """
    if not isinstance(error, NotRoot):
        return error
    try:
        enter([sys.executable, *sys.orig_argv[1:]], lab_registry().labs_folder, error.lab)
    except LabError as hindrance:
        return hindrance
