"""`validate`: for those who write scenarios."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--schema", is_flag=True, help="Write the JSON Schema of the language instead.")
@click.option("--profile", "profiles", is_flag=True, help="The files are customers' profiles.")
def validate(*, files: tuple[str, ...], schema: bool, profiles: bool) -> None:
    """Check scenario files, or profiles: line, cause and remedy of the first fault of each."""
    from scenarios.loading import (  # noqa: PLC0415 - imported when it is used
        ScenarioError,
        find,
        load,
        load_profile,
    )

    if schema:
        from scenarios.schema import rendered  # noqa: PLC0415 - imported when it is used

        click.echo(rendered(), nl=False)
        return
    if not files:
        raise click.UsageError("name a file, or a scenario of the library")
    broken = 0
    for name in files:
        try:
            if profiles:
                told = f"the pair of {load_profile(Path(name)).customer}"
            else:
                scenario = load(find(name))
                told = f"{scenario.id}, {len(scenario.whole)} steps"
        except ScenarioError as error:
            broken += 1
            click.echo(f"{error.message}; {error.remedy}".rstrip("; "), err=True)
        else:
            click.echo(f"{name}: valid ({told})")
    if broken:
        raise click.exceptions.Exit(2)
