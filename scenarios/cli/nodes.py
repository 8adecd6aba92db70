"""`exec`, `ssh`, `power`, `mail`, `arp`: the nodes of a lab."""

from __future__ import annotations

import os
import shlex
import sys
from datetime import UTC, datetime
from ipaddress import AddressValueError, IPv4Address

import click

from emulator.lab import LabError
from scenarios.cli.labs import lab_name
from scenarios.cli.output import show_json, show_table, with_format

_APPLIANCE = click.Choice(["pbx1", "pbx2"])
_LAB = click.option("--lab", callback=lab_name, help="Which one, if several are up.")


def ipv4(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Refuse what is no IPv4 address."""
    del ctx
    if value is None:
        return None
    try:
        return str(IPv4Address(value))
    except AddressValueError as error:
        raise click.BadParameter(
            f"{value!r} is no IPv4 address ({error}); as in 198.18.0.10", param=param
        ) from error


@click.command("exec", context_settings={"ignore_unknown_options": True})
@click.argument("node")
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED)
@_LAB
def execute(node: str, argv: tuple[str, ...], lab: str | None) -> None:
    """Run a program on a node: exec pbx1 -- appliancectl status."""
    from scenarios.staying import attached  # noqa: PLC0415 - imported when it is used

    stdin = b"" if sys.stdin.isatty() else sys.stdin.buffer.read()
    with attached(lab) as opened:
        status, out, errors = opened.lab.execute(node, argv, stdin)
    sys.stdout.buffer.write(out)
    sys.stderr.buffer.write(errors)
    sys.stdout.buffer.flush()
    raise click.exceptions.Exit(status)


@click.command()
@click.argument("state", type=click.Choice(["on", "off"]))
@click.argument("node", type=_APPLIANCE)
@_LAB
def power(state: str, node: str, lab: str | None) -> None:
    """Pull an appliance's plug, or boot it again: power off pbx1."""
    from scenarios.staying import attached  # noqa: PLC0415 - imported when it is used

    with attached(lab) as opened:
        appliance = opened.lab.appliance(node)
        if appliance.running() == (state == "on"):
            click.echo(f"{node} is {state} already")
            return
        if state == "on":
            appliance.boot()
        else:
            appliance.power_off()
    click.echo(f"{node} is {state}")


@click.command()
@click.argument("node", type=_APPLIANCE)
@_LAB
def ssh(node: str, lab: str | None) -> None:
    """Log in to an appliance with the stock ssh client; its password is shown first."""
    from scenarios.staying import attached  # noqa: PLC0415 - imported when it is used

    with attached(lab) as opened:
        row = next(one for one in opened.lab.describe() if one.name == node)
        password = opened.access[node].root_password
    if not row.ssh:
        raise LabError(f"{node} is off", remedy="there is nothing to log in to")
    argv = shlex.split(row.ssh)
    click.echo(f"{row.ssh}\npassword: {password}", err=True)
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - the stock client takes over this terminal
    except FileNotFoundError as error:
        raise LabError(
            "there is no ssh client here", remedy="install the package openssh-client"
        ) from error


@click.command()
@_LAB
@with_format
def mail(*, lab: str | None, form: str) -> None:
    """List the mails that the lab's sink took."""
    from scenarios.staying import attached  # noqa: PLC0415 - imported when it is used

    with attached(lab) as opened:
        messages = opened.lab.mail.messages()
    if form == "json":
        show_json(
            [
                {
                    "message_id": one.message_id,
                    "sender": one.sender,
                    "recipients": list(one.recipients),
                    "subject": one.subject,
                    "received_s": one.received_s,
                }
                for one in messages
            ]
        )
    elif messages:
        show_table(
            ("received", "to", "subject", "Message-ID"),
            [
                (_clock(one.received_s), ", ".join(one.recipients), one.subject, one.message_id)
                for one in messages
            ],
        )
    else:
        click.echo("no mail yet")


@click.command()
@click.argument("address", required=False, callback=ipv4)
@_LAB
@with_format
def arp(*, address: str | None, lab: str | None, form: str) -> None:
    """Ask who has an address, on the wire, just now; without one: the appliances'."""
    from scenarios.staying import attached  # noqa: PLC0415 - imported when it is used

    with attached(lab) as opened:
        nodes = opened.lab.describe()
        known = {one.mac: one.name for one in nodes}
        own = [str(one.factory["network"]["address"]) for one in opened.lab.spec.appliances]
        rows = []
        for asked in [address] if address else own:
            macs = sorted({one.mac for one in opened.lab.observer.who_has(asked)})
            holders = [known.get(mac, "a stranger") for mac in macs]
            rows.append({"address": asked, "macs": macs, "nodes": holders})
    if form == "json":
        show_json(rows)
        return
    show_table(
        ("address", "answered by", "node"),
        [
            (row["address"], ", ".join(row["macs"]) or "nobody", ", ".join(row["nodes"]))
            for row in rows
        ],
    )


def _clock(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
