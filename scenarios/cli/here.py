"""`doctor` and `image`: this computer."""

from __future__ import annotations

import sys

import click

from scenarios.cli.output import show_json, show_table, with_format


@click.command()
@click.option("--repair", is_flag=True, help="Remove what killed runs left behind, and only that.")
@with_format
def doctor(*, repair: bool, form: str) -> None:
    """Say what this computer can run, what it lacks, and what was left behind."""
    from emulator.machine import BACKENDS, survey  # noqa: PLC0415 - imported when it is used
    from scenarios.hosting import backends_here, lab_registry  # noqa: PLC0415 - same

    found = survey()
    usable = [name for name in BACKENDS if not found.lacks(name)]
    hosts = backends_here(usable)
    registry = lab_registry()
    left = sorted(registry.left_behind(hosts))
    removed = list(registry.repair(hosts)) if repair else []
    if form == "json":
        show_json({**found.as_dict(), "left_behind": left, "removed": removed})
        return
    show_table(
        ("", "what", "found", "to do"),
        [
            ("ok" if one.present else "--", one.name, one.detail, one.remedy)
            for one in found.findings
        ],
    )
    backend, why = found.best_backend()
    click.echo(f"\nusable: {', '.join(usable)}; auto means {backend} ({why})")
    if removed:
        click.echo(f"removed what killed runs had left: {', '.join(removed)}")
    elif left:
        click.echo(f"left behind by killed runs: {', '.join(left)}")
        click.echo("remove it: standby-lab doctor --repair")
    else:
        unseen = [name for name in BACKENDS if name not in usable]
        aside = f" (not looked at: {', '.join(unseen)})" if unseen else ""
        click.echo(f"nothing was left behind{aside}")


@click.group()
def image() -> None:
    """The appliance image of the docker backend."""


@image.command("build")
def build() -> None:
    """Build the image, also where no registry can be reached."""
    from emulator.image import build as build_image  # noqa: PLC0415 - imported when it is used

    click.echo(build_image(progress))


def progress(line: str, fraction: float) -> None:
    """Show how far a build is, on standard error."""
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{fraction:4.0%} {line[:70]}", err=True, nl=fraction >= 1)
    else:
        click.echo(f"{fraction:4.0%} {line}", err=True)
