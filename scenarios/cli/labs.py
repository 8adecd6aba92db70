"""`up`, `down`, `list`, `inspect`: labs that stay."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from emulator.lab import LabError
from emulator.licences import parse_key
from scenarios.cli.output import show_json, show_table, with_format
from scenarios.extent import MOST_USERS, MOST_VOICEMAIL_MB

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
@click.option("--bare", is_flag=True, help="Not a pair yet: to be set up by hand.")
@click.option(
    "--users",
    type=click.IntRange(1, MOST_USERS),
    default=10,
    show_default=True,
    help="How large the company is: phones, groups, calls, contacts grow with it.",
)
@click.option(
    "--voicemail-mb",
    type=click.IntRange(0, MOST_VOICEMAIL_MB),
    default=0,
    show_default=True,
    help="Size of all voice messages together.",
)
@click.option(
    "--phones",
    type=click.IntRange(1, 20),
    default=1,
    show_default=True,
    help="Telephones of the first users: they register, and call.",
)
@click.option("--backend", type=click.Choice(BACKENDS), default="auto", show_default=True)
@click.option("--subnet", callback=free_subnet, help="A free /24; without it one is chosen.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@with_format
def up(  # noqa: PLR0913 - one parameter an option
    *,
    name: str,
    bare: bool,
    users: int,
    voicemail_mb: int,
    phones: int,
    backend: str,
    subnet: str | None,
    seed: int,
    form: str,
) -> None:
    """Bring a lab up: two appliances, set up as a pair, and how to reach them.

    A lab of this name that is up already stays as it is.
    """
    from emulator.backends.rootless import was_entered  # noqa: PLC0415 - imported when it is used
    from scenarios.cli.here import progress  # noqa: PLC0415 - same
    from scenarios.cli.output import filling  # noqa: PLC0415 - same
    from scenarios.staying import Wish, bring_up  # noqa: PLC0415 - same

    if phones > users:
        raise click.UsageError("each telephone is a user's: no more --phones than --users")
    wish = Wish(name, backend, users, voicemail_mb, phones, subnet, seed, bare)
    with (
        filling() as bar,
        bring_up(wish, progress, bar, lambda text: click.echo(text, err=True)) as opened,
    ):
        _show(opened, form)
    if form == "table" and bare:
        click.echo("\nnext: log in to pbx1 and open its page Einrichtung (/admin/setup)")
        click.echo(f"end: standby-lab down {name}")
    elif form == "table":
        click.echo(f"\nnext: standby-lab sync {name}, standby-lab switchover {name}")
        click.echo(f"end: standby-lab down {name}")
    if form == "table" and was_entered():
        click.echo(f"reached by: standby-lab unshare --lab {name} -- PROGRAM, as curl or a browser")


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

    registry = lab_registry()
    usable = {one.spec.name for one in registry.labs()}
    rows = []
    for name in registry.names():
        one = registry.outline(name)
        state = "up" if one.owner is None else f"run of process {one.owner.pid}"
        rows.append(
            {
                "name": name,
                "backend": one.backend,
                "subnet": None if one.subnet is None else str(one.subnet),
                "state": state if name in usable else f"of another version: down {name}",
            }
        )
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
                        "licence_keys": one.licence_keys,
                    }
                    for name, one in access.items()
                },
            }
        )
        return
    click.echo(f"lab {lab.spec.name} on {lab.backend}, {lab.spec.subnet}")
    columns = ("node", "address", "mac", "role", "health")
    rows = [(one.name, one.address, one.mac, one.role, one.health) for one in nodes]
    show_table(columns, rows)
    for one in nodes:
        if one.name in access:
            own = access[one.name]
            place = f"{one.url}  {one.version}" if one.url else "off"
            click.echo(f"\n{one.name}  {place}")
            click.echo(f"      login {own.login}  password {own.password}")
            if one.ssh:
                click.echo(f"      {one.ssh}")
            click.echo(f"      password {own.root_password}")
            for key in own.licence_keys:
                licence = parse_key(key)
                kind = licence.module or licence.kind
                click.echo(f"      licence {key}  {kind}")
