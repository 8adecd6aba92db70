"""What is wrong with typed fields, said at the field and in the language of the person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import AddressValueError, IPv4Address, IPv4Interface
from typing import Any

from emulator.appliance.commands import redirects
from emulator.appliance.commands.mail import HOST, SECURITY
from emulator.appliance.kinds import CONTROL, LOGIN, LONGEST_TEXT, MAC, MAIL_ADDRESS
from emulator.appliance.passwords import LONGEST, SHORTEST
from emulator.appliance.web.navigation import Say
from emulator.licences import LicenceKeyError, parse_key

Wrong = Mapping[str, str]

HIGHEST_PORT = 65535
PREFIXES = tuple(str(one) for one in range(1, 31))


def wrong_login(login: str, say: Say) -> Wrong:
    """Return what is wrong with a new user's login."""
    if LOGIN.fullmatch(login):
        return {}
    return {"login": say("Eine Zahl mit 1 bis 10 Ziffern.", "A number of 1 to 10 digits.")}


def wrong_user_fields(body: Mapping[str, Any], say: Say) -> Wrong:
    """Return what is wrong with a user, by field; nothing if he can be written."""
    wrong = {}
    if not _one_line(body["name"]):
        wrong["name"] = say("Ein Name in einer Zeile.", "A name in one line.")
    if body["email"] is not None and not MAIL_ADDRESS.fullmatch(body["email"]):
        wrong["email"] = say(
            "Eine vollständige Adresse wie name@example.com.", "A whole address, name@example.com."
        )
    if body["language"] not in ("de", "en"):
        wrong["language"] = say("Deutsch oder Englisch.", "German or English.")
    return wrong


def wrong_password(password: str, again: str, say: Say) -> Wrong:
    """Return what is wrong with a password that was typed twice."""
    if not SHORTEST <= len(password) <= LONGEST:
        least = say(f"Mindestens {SHORTEST} Zeichen.", f"At least {SHORTEST} characters.")
        most = say(f"Höchstens {LONGEST} Zeichen.", f"At most {LONGEST} characters.")
        return {"password": least if len(password) < SHORTEST else most}
    if password != again:
        return {"password_again": say("Nicht dasselbe Passwort.", "Not the same password.")}
    return {}


def wrong_redirect_fields(when: str, target: str, say: Say) -> Wrong:
    """Return what is wrong with a redirect, by field."""
    wrong = {}
    if when not in redirects.CONDITIONS:
        wrong["when"] = say("Eine der genannten Bedingungen.", "One of the conditions named.")
    if not redirects.NUMBER.fullmatch(target):
        wrong["target"] = say(
            "Eine Rufnummer wie +493012345 oder 200: 2 bis 20 Ziffern.",
            "A phone number such as +493012345 or 200: 2 to 20 digits.",
        )
    return wrong


def wrong_phone_fields(body: Mapping[str, Any], say: Say) -> Wrong:
    """Return what is wrong with a phone, by field."""
    wrong = {
        name: say("Eine Angabe in einer Zeile.", "Something in one line.")
        for name in ("vendor", "model")
        if not _one_line(body[name])
    }
    if not MAC.fullmatch(body["mac"].lower()):
        wrong["mac"] = say("Sechs Bytes wie 02:50:00:00:00:01.", "Six bytes, 02:50:00:00:00:01.")
    return wrong


def wrong_mail_fields(typed: Mapping[str, str], say: Say) -> Wrong:
    """Return what is wrong with the settings of a mail server, by field."""
    wrong = {}
    if not HOST.fullmatch(typed["host"]):
        wrong["host"] = say("Ein Name wie mail.example.com.", "A name, mail.example.com.")
    if not is_port(typed["port"]):
        wrong["port"] = say("Eine Zahl von 1 bis 65535.", "A number from 1 to 65535.")
    if not MAIL_ADDRESS.fullmatch(typed["sender"]):
        wrong["sender"] = say("Genau eine E-Mail-Adresse.", "Exactly one e-mail address.")
    if typed["security"] not in SECURITY:
        wrong["security"] = say("Eine der genannten.", "One of those named.")
    if typed["user"] and not _one_line(typed["user"]):
        wrong["user"] = say("Eine Angabe in einer Zeile.", "Something in one line.")
    return wrong


def wrong_network_fields(typed: Mapping[str, str], say: Say) -> Wrong:
    """Return what is wrong with network settings, by field (R9)."""
    if typed["method"] == "dhcp":
        return {}
    form = say("Eine IPv4-Adresse wie 192.168.1.10.", "An IPv4 address such as 192.168.1.10.")
    wrong = {name: form for name in ("address", "gateway") if not _is_host(typed[name])}
    if not typed["gateway"]:
        wrong.pop("gateway", None)
    if not all(map(_is_host, typed["dns"].replace(",", " ").split())):
        wrong["dns"] = form
    if typed["method"] != "static":
        wrong["method"] = say("Eine der genannten.", "One of those named.")
    if typed["prefix"] not in PREFIXES:
        wrong["prefix"] = say("Eine Zahl von 1 bis 30.", "A number from 1 to 30.")
    return wrong or _wrong_within(typed, say)


def _wrong_within(typed: Mapping[str, str], say: Say) -> Wrong:
    """Return what of well-formed settings does not fit together."""
    network = IPv4Interface(f"{typed['address']}/{typed['prefix']}").network
    if IPv4Address(typed["address"]) in (network.network_address, network.broadcast_address):
        german = f"Keine Adresse eines Geräts: {network} beginnt oder endet damit."
        english = f"No device's address: {network} begins or ends with it."
        return {"address": say(german, english)}
    if typed["gateway"] and IPv4Address(typed["gateway"]) not in network:
        words = say(f"Liegt nicht im Netz {network}.", f"Is not in the network {network}.")
        return {"gateway": words}
    return {}


def _is_host(text: str) -> bool:
    """Whether a text is an IPv4 address that something on a LAN may have."""
    try:
        address = IPv4Address(text)
    except AddressValueError:
        return False
    return not (address.is_multicast or address.is_unspecified or address.is_loopback)


def is_port(text: str) -> bool:
    """Whether a text is the number of a port."""
    return text.isascii() and text.isdecimal() and len(text) < 6 and 0 < int(text) <= HIGHEST_PORT  # noqa: PLR2004 - 65535 has five digits


def wrong_keys(keys: Sequence[str], say: Say) -> Wrong:
    """Return what is wrong with typed licence keys: the first reason (R13)."""
    if not keys:
        return {"keys": say("Mindestens ein Schlüssel.", "At least one key.")}
    for number, key in enumerate(keys, 1):
        try:
            parse_key(key)
        except LicenceKeyError as error:
            which = error.shown or f"Eingabe {number}"
            german = {
                "form": "so liest sich kein Schlüssel: XXXXX-XXXXX-XXXXX-XXXXX.",
                "sign": "enthält ein Zeichen, das in keinem Schlüssel vorkommt.",
                "check": "die Prüfgruppe passt nicht. Vertippt?",
                "unknown": "ist für etwas, das diese Version nicht kennt.",
            }
            again = say("Bitte alle noch einmal eingeben.", "Please enter all of them again.")
            words = say(f"{which}: {german[error.reason]}", f"Key {number}: {error}.")
            return {"keys": f"{words} {again}"}
    return {}


def _one_line(text: str) -> bool:
    return 0 < len(text) <= LONGEST_TEXT and not CONTROL.search(text)
