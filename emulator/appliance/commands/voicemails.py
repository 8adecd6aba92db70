"""Voice messages: callers leave them, nobody else makes any.

No telephone reaches a box: `voicemails take` says who is called and how long the caller speaks.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, BinaryIO, cast

from emulator.appliance.commands import entering
from emulator.appliance.commands.grammar import Arguments, Command
from emulator.appliance.commands.redirects import NUMBER
from emulator.appliance.content import Blobs
from emulator.appliance.entities import Entity
from emulator.appliance.parts import Parts
from emulator.appliance.refusal import Refusal, Usage
from emulator.appliance.reports import report
from emulator.company.sounds import SYLLABLE_S, Sound, Voice

KIND = "voicemails"
LONGEST_S = 1800
MODE = "0640"


def take_message(parts: Parts, user: str, caller: str, duration_s: int) -> Mapping[str, Any]:
    """Let a caller leave a voice message with a user; its id.

    Raises:
        Refusal: `no-such-object` when there is no such user, `exists`, `usage`, `disk-full`.
    """
    entering.found(parts, "users", user)
    if not 0 < duration_s <= LONGEST_S:
        raise Usage(f"--seconds must be from 1 to {LONGEST_S}")
    key = f"{user}-{caller.lstrip('+')}"
    if parts.content.get(KIND, key) is not None:
        raise Refusal("exists", f"{KIND}/{key} exists already", "let somebody else call")
    sound, voice = Sound(key, int(duration_s / SYLLABLE_S)), Voice()
    recorded_at = parts.machine.calendar.now().isoformat(timespec="seconds")
    sha256 = voice.sha256(sound)
    file = {
        "path": f"voicemail/{user}/{key}.wav",
        "mode": MODE,
        "size": sound.size,
        "sha256": sha256,
        "recorded_at": recorded_at,
    }
    message = {
        "box": user,
        "caller": caller,
        "received_at": recorded_at,
        "duration_s": sound.duration_s,
        "heard": False,
        "file": f"message-{key}",
    }
    made = [Entity("files", f"message-{key}", file), Entity(KIND, key, message)]
    with parts.gate.alone():  # nobody sweeps the file before something refers to it
        source = cast("BinaryIO", io.BytesIO(b"".join(voice.pieces(sound))))
        Blobs(parts.machine.disk).put(sha256, sound.size, source)
        parts.content.put(made)
    for one in made:
        report(parts.machine, "changed", "voicemails take", kind=one.kind, id=one.id)
    return {"id": key}


def remove_message(parts: Parts, key: str) -> None:
    """Remove a voice message and its file.

    Raises:
        Refusal: `no-such-object`.
    """
    file = str(entering.found(parts, KIND, key)["file"])
    entering.remove(parts, KIND, key, "voicemails remove")
    entering.remove(parts, "files", file, "voicemails remove")


def _list(parts: Parts, _arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    return {KIND: [{"id": key, **body} for key, body in parts.content.all(KIND).items()]}


def _take(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    user, caller = arguments.text("--user"), arguments.text("--caller")
    if not NUMBER.fullmatch(caller):
        raise Usage(f"{caller[:40]!r} is no phone number")
    return take_message(parts, user, caller, arguments.number("--seconds"))


def _remove(parts: Parts, arguments: Arguments, _stdin: BinaryIO) -> Mapping[str, Any]:
    remove_message(parts, arguments.text("ID"))
    return {}


COMMANDS = (
    Command("voicemails list", "", "all voice messages", _list),
    Command(
        "voicemails take",
        "--user LOGIN --caller NUMBER --seconds N",
        "have a caller leave a voice message, for a lab",
        _take,
    ),
    Command("voicemails remove", "ID", "remove a voice message", _remove),
)
