"""`up`, `down`, `list`, `inspect`: labs that stay."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from emulator.lab import LabError
from scenarios.cli.output import show_json, show_table, with_format

BACKENDS = ("auto", "docker", "netns", "sim")
if TYPE_CHECKING:
    from scenarios.staying import Opened

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


def lab_name(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Refuse names that cannot be labels."""
    del ctx
    if value is not None and not _NAME.fullmatch(value):
        raise click.BadParameter(
            f"{value!r}: a lab's name begins with a letter, then letters, digits and hyphens "
            "(lower case, at most 31)",
            param=param,
        )
    return value


def free_subnet(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Refuse what is no /24, with the reason and an example."""
    del ctx
    if value is None:
        return None
    from emulator.subnets import parse_subnet  # noqa: PLC0415 - imported when it is used

    try:
        return str(parse_subnet(value))
    except LabError as error:
        raise click.BadParameter(f"{error.message}; {error.remedy}", param=param) from error


@click.command()
@click.option("--name", callback=lab_name, default="lab", show_default=True, help="Its name.")
@click.option("--bare", is_flag=True, help="Two boxes from the factory, not set up as a pair.")
@click.option("--users", type=click.IntRange(1, 500), default=10, show_default=True)
@click.option("--phones", type=click.IntRange(1, 20), default=1, show_default=True)
@click.option("--backend", type=click.Choice(BACKENDS), default="auto", show_default=True)
@click.option("--subnet", callback=free_subnet, help="A free /24; without it one is chosen.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@with_format
def up(  # noqa: PLR0913 - one parameter an option
    *,
    name: str,
    bare: bool,
    users: int,
    phones: int,
    backend: str,
    subnet: str | None,
    seed: int,
    form: str,
) -> None:
    """Bring a lab up: two appliances, set up as a pair, and how to reach them.

    A lab of this name that is up already stays as it is.
    """
    from scenarios.cli.here import progress  # noqa: PLC0415 - imported when it is used
    from scenarios.staying import Wish, bring_up  # noqa: PLC0415 - same

    wish = Wish(name, backend, users, phones, subnet, seed, bare)
    with bring_up(wish, progress, lambda text: click.echo(text, err=True)) as opened:
        _show(opened, form)
    if form == "table":
        click.echo(f"\nnext: standby-lab sync {name}, standby-lab switchover {name}")
        click.echo(f"end: standby-lab down {name}")


@click.command()
@click.argument("name", required=False, callback=lab_name)
def down(name: str | None) -> None:
    """Take a lab down; nothing of it stays."""
    from scenarios.staying import only_lab, take_down  # noqa: PLC0415 - imported when it is used

    chosen = name or only_lab()
    take_down(chosen)
    click.echo(f"{chosen} is down")


@click.command("list")
@with_format
def list_labs(*, form: str) -> None:
    """List the labs that are up."""
    from scenarios.hosting import lab_registry  # noqa: PLC0415 - imported when it is used

    rows = [
        {
            "name": one.spec.name,
            "backend": one.backend,
            "subnet": one.spec.subnet,
            "state": "up" if one.owner is None else f"run of process {one.owner.pid}",
        }
        for one in lab_registry().labs()
    ]
    if form == "json":
        show_json(rows)
    elif rows:
        show_table(("name", "backend", "subnet", "state"), [tuple(row.values()) for row in rows])
    else:
        click.echo("no lab is up; bring one up: standby-lab up")


@click.command()
@click.argument("name", required=False, callback=lab_name)
@with_format
def inspect(*, name: str | None, form: str) -> None:
    """Show the nodes of a lab and how to reach them."""
    from scenarios.staying import attached  # noqa: PLC0415 - imported when it is used

    with attached(name) as opened:
        _show(opened, form)


def _show(opened: Opened, form: str) -> None:
    lab, access = opened.lab, opened.access
    nodes = lab.describe()
    if form == "json":
        show_json(
            {
                "name": lab.spec.name,
                "backend": lab.backend,
                "subnet": lab.spec.subnet,
                "nodes": [asdict(one) for one in nodes],
                "access": {
                    name: {
                        "login": one.login,
                        "password": one.password,
                        "root_password": one.root_password,
                    }
                    for name, one in access.items()
                },
            }
        )
        return
    click.echo(f"lab {lab.spec.name} on {lab.backend}, {lab.spec.subnet}")
    columns = ("node", "address", "mac", "role", "version", "health")
    rows = [(one.name, one.address, one.mac, one.role, one.version, one.health) for one in nodes]
    show_table(columns, rows)
    for one in nodes:
        if one.name in access:
            own = access[one.name]
            place = one.url or "off"
            click.echo(f"\n{one.name}  {place}  login {own.login}  password {own.password}")
            if one.ssh:
                click.echo(f"      {one.ssh}")
            click.echo(f"      password {own.root_password}")
