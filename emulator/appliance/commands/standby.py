"""Commands by which one appliance operates the other: transfers, imports, epochs."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import AddressValueError, IPv4Address
from typing import Any, BinaryIO

from emulator.appliance.commands.grammar import Arguments, Command
from emulator.appliance.commands.identifiers import operation
from emulator.appliance.kinds import SHA256
from emulator.appliance.parts import Parts
from emulator.appliance.records import Incoming, NetworkSettings, Token
from emulator.appliance.refusal import Usage

LONGEST_PREFIX = 30
NETWORK = "--address A --prefix N --gateway G [--dns A,B]"


def _token(arguments: Arguments) -> Token:
    return Token.parse(arguments.text("TOKEN"))


def _fence(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    parts.gate.raise_to(_token(arguments))
    return {}


def _snapshot_create(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    return parts.snapshots.create(operation(arguments), arguments.text("--of", ""))


def _snapshot_release(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    parts.snapshots.release(arguments.text("FILE"))
    return {}


def _sha256(arguments: Arguments) -> str:
    sha256 = arguments.text("--sha256")
    if not SHA256.fullmatch(sha256):
        raise Usage("--sha256 must be 64 hexadecimal digits")
    return sha256


def _offer(parts: Parts, arguments: Arguments, stdin: BinaryIO) -> Mapping[str, Any]:
    size = arguments.number("--size")
    return parts.intake.offer(_token(arguments), size, _sha256(arguments), stdin)


def _receive(parts: Parts, arguments: Arguments, stdin: BinaryIO) -> Mapping[str, Any]:
    token, size = _token(arguments), arguments.number("--size")
    incoming = Incoming(str(token), arguments.text("--file"), size, _sha256(arguments))
    return parts.intake.receive(token, incoming, arguments.number("--seal-size"), stdin)


def _import(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    return parts.importer.run(_token(arguments), arguments.text("--file"))


def _initialise(parts: Parts, arguments: Arguments, stdin: BinaryIO) -> Mapping[str, Any]:
    return parts.importer.initialise(stdin, arguments.number("--size"))


def _epoch_open(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    return parts.takeovers.open_epoch(operation(arguments), arguments.number("--epoch"))


def _takeover(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    network = _network(arguments)
    epoch = arguments.number("--epoch")
    return parts.takeovers.commit(operation(arguments), epoch, network)


def _settle(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    return parts.takeovers.settle(operation(arguments))


def _network_set(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    parts.takeovers.set_network(_network(arguments))
    return {}


def _network(arguments: Arguments) -> NetworkSettings:
    """Return the static network settings of a command line.

    Raises:
        Usage: an address or the prefix is malformed.
    """
    prefix = arguments.number("--prefix")
    if not 0 < prefix <= LONGEST_PREFIX:
        raise Usage(f"--prefix must be from 1 to {LONGEST_PREFIX}")
    dns = tuple(one for one in arguments.text("--dns", "").split(",") if one)
    address, gateway = arguments.text("--address"), arguments.text("--gateway")
    for text in (address, *filter(None, [gateway]), *dns):
        _check_address(text)
    return NetworkSettings("static", address, prefix, gateway, dns)


def _check_address(text: str) -> None:
    try:
        address = IPv4Address(text)
    except AddressValueError as error:
        raise Usage(f"{text[:40]!r} is no IPv4 address") from error
    if address.is_multicast or address.is_unspecified or address.is_loopback:
        raise Usage(f"{text} cannot be an address on a LAN")


COMMANDS = (
    Command("fence", "TOKEN", "end older receives and imports, refuse them (D2)", _fence),
    Command(
        "snapshot create",
        "--operation ID [--of FILE]",
        "seal the content, or a backup, and hold it",
        _snapshot_create,
    ),
    Command("snapshot release", "FILE", "hold a snapshot no longer", _snapshot_release),
    Command(
        "offer",
        "TOKEN --size BYTES --sha256 HEX",
        "say what is missing of the seal on standard input",
        _offer,
    ),
    Command(
        "receive",
        "TOKEN --file NAME --seal-size BYTES --size BYTES --sha256 HEX",
        "take in a seal and the missing files from standard input",
        _receive,
    ),
    Command("import", "TOKEN --file NAME", "import what was received (D8)", _import),
    Command("initialise", "--size BYTES", "take the first content of a standby", _initialise),
    Command("epoch open", "--operation ID --epoch N", "hold a new epoch (D14)", _epoch_open),
    Command("takeover", f"--operation ID --epoch N {NETWORK}", "adopt an address (D10)", _takeover),
    Command("settle", "--operation ID", "give up the address from before", _settle),
    Command("network set", NETWORK, "readdress this appliance", _network_set),
)
