"""A company, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from emulator.company import people, premises, traffic
from emulator.company.dice import Dice
from emulator.company.people import Names, Objects
from emulator.company.sounds import Sound, Voice

Progress = Callable[[str, float], None]  # what is done, and the fraction of it
MB = 1_000_000
GREETINGS = 2  # people who have recorded one
SHORT = {"greeting": 6, "announcements": 4, "music": 8}  # syllables, where drills are to be quick
LONG = {"greeting": 40, "announcements": 80, "music": 480}  # where there is voicemail, too


@dataclass(frozen=True)
class Company:
    """How large the company is, and what it runs.

    Attributes:
        users: besides the administrator.
        voicemail_mb: size of all voice messages together, in MB; 0: there are none.
        calls_each, contacts_each: call records and contacts for each user.
        version: of both appliances.
        kind: of both boxes.
        zone: their time zone.
        lines: how many lines of each sort (R53).
        licensed_users: how many users the user licences cover, at least.
    """

    users: int = 20
    voicemail_mb: int = 0
    calls_each: int = 2
    contacts_each: int = 1
    version: str = "8.1.2.5"
    kind: Literal["hardware", "vm", "cloud"] = "vm"
    zone: str = "Europe/Berlin"
    lines: tuple[tuple[str, int], ...] = (("sip", 4),)
    licensed_users: int = 600


class Generated(NamedTuple):
    """What an appliance holds of a company.

    Attributes:
        objects: by kind and id.
        sounds: how the files are made that objects refer to, by SHA-256.
    """

    objects: dict[str, Objects]
    sounds: dict[str, Sound]


class Tape:
    """Collects sounds and the objects that name their files."""

    def __init__(self, recorded_at: str, voice: Voice) -> None:
        self._recorded_at = recorded_at
        self._voice = voice
        self.files: Objects = {}
        self.sounds: dict[str, Sound] = {}

    def record(self, name: str, path: str, sound: Sound) -> str:
        """Keep a sound; the id of its file."""
        sha256 = self._voice.sha256(sound)
        self.sounds[sha256] = sound
        self.files[name] = {
            "path": path,
            "mode": "0640",
            "size": sound.size,
            "sha256": sha256,
            "recorded_at": self._recorded_at,
        }
        return name


def generate(
    seed: int, company: Company, start: datetime, progress: Progress = lambda _line, _done: None
) -> Generated:
    """Draw a company.

    Args:
        seed: the same one gives the same company.
        company: its size and equipment.
        start: when the content was entered; calls and messages are older.
        progress: told how far the voice messages are.
    """
    dice = Dice(seed)
    names = Names(dice)
    tape = Tape(start.isoformat(), Voice())
    users = people.users(names, company.users)
    logins = list(users)
    groups = people.groups(logins)
    lengths = LONG if company.voicemail_mb else SHORT
    greeted = logins if company.voicemail_mb else logins[:GREETINGS]
    objects: dict[str, Objects] = {
        "users": users,
        "groups": groups,
        "phones": people.phones(dice, logins),
        "phonenumbers": people.numbers(logins, list(groups)),
        "functionkeysets": people.function_keys(dice, users),
        "redirects": people.redirects(dice, logins),
        "voicemailboxes": traffic.boxes(
            dice, logins, {one: _greeting(tape, seed, one, lengths) for one in greeted}
        ),
        "voicemails": _messages(tape, dice, seed, (company, logins, start), progress),
        "callrecords": traffic.calls(dice, logins, company.calls_each, start),
        "contacts": traffic.contacts(names, dice, company.users * company.contacts_each),
        "announcements": _heard_by_all(tape, seed, "announcements", "Begrüßung", lengths),
        "music": _heard_by_all(tape, seed, "music", "Wartemusik", lengths),
        "modules": premises.modules(),
        "library": premises.installed_modules(company.version),
        "lines": premises.lines(dice, dict(company.lines)),
        "files": tape.files,
    }
    return Generated(objects, tape.sounds)


def _greeting(tape: Tape, seed: int, login: str, lengths: Mapping[str, int]) -> str:
    sound = Sound(f"{seed}/greeting/{login}", lengths["greeting"])
    return tape.record(f"greeting-{login}", f"voicemail/{login}/greeting.wav", sound)


def _heard_by_all(
    tape: Tape, seed: int, what: str, name: str, lengths: Mapping[str, int]
) -> Objects:
    sound = Sound(f"{seed}/{what}", lengths[what])
    return {"1": {"name": name, "file": tape.record(f"{what}-1", f"{what}/1.wav", sound)}}


def _messages(
    tape: Tape,
    dice: Dice,
    seed: int,
    whose: tuple[Company, list[str], datetime],
    progress: Progress,
) -> Objects:
    """Record voice messages until they have the size that was asked for."""
    company, logins, start = whose
    made: Objects = {}
    wanted, size = company.voicemail_mb * MB, 0
    while size < wanted:
        number = len(made)
        box = dice.pick(logins, "box", number)
        sound = Sound(f"{seed}/message/{number}", traffic.message_length(dice, number))
        name = f"{box}-{number:06}"
        message: dict[str, Any] = {
            "box": box,
            "caller": traffic.caller(dice, "message", number),
            "received_at": traffic.earlier(dice, start, "message", number),
            "duration_s": sound.duration_s,
            "heard": dice.below(2, "heard", number) == 1,
        }
        message["file"] = tape.record(f"message-{name}", f"voicemail/{box}/{name}.wav", sound)
        made[name] = message
        size += sound.size
        progress(f"voice messages: {len(made)} drawn", min(1.0, size / wanted))
    return made
