"""`call`: the telephones of a lab."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from scenarios.cli.labs import lab_name
from scenarios.cli.output import show_json, with_format


@click.command()
@click.argument("caller")
@click.argument("callee")
@click.option("--lab", callback=lab_name, help="Which one, if several are up.")
@click.option("--for", "talk_s", type=click.FloatRange(0.1, 60), default=2.0, show_default=True)
@click.option(
    "--pcap",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Keep the SIP ladder: tshark -r FILE -Y sip shows it.",
)
@with_format
def call(  # noqa: PLR0913 - one parameter an option
    *, caller: str, callee: str, lab: str | None, talk_s: float, pcap: Path | None, form: str
) -> None:
    """Let one telephone call another: call phone1 phone2; or a number: call phone1 1003."""
    from scenarios.calling import conversation  # noqa: PLC0415 - imported when it is used
    from scenarios.staying import attached  # noqa: PLC0415 - same

    with attached(lab) as opened:
        recorded = None if pcap is None else opened.lab.wire
        if recorded is not None:
            recorded.capture()
        try:
            talk = conversation(opened.lab, caller, callee, talk_s)
        finally:
            if recorded is not None and pcap is not None:
                pcap.write_bytes(recorded.pcap())
    if form == "json":
        show_json(asdict(talk))
    elif talk.set_up_s is None:
        click.echo(f"{caller} did not reach {callee}: {talk.ended}")
    else:
        click.echo(
            f"{caller} talked to {callee}, {talk.set_up_s:.2f} s after it had dialled; "
            f"{caller} heard {talk.heard} packets of audio, {callee} {talk.heard_there}"
        )
    if not talk.both_ways:
        raise click.exceptions.Exit(1)
