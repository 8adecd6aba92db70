"""A small command grammar: words, positional arguments, options with a value, flags."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from emulator.appliance.parts import Parts
from emulator.appliance.refusal import Usage

MAX_DOCUMENT = 16 * 2**20


@dataclass(frozen=True)
class Arguments:
    """What stood on the command line."""

    values: Mapping[str, str]
    flags: frozenset[str]

    def text(self, name: str, default: str | None = None) -> str:
        """Return an argument.

        Raises:
            Usage: it is missing and there is no default.
        """
        value = self.values.get(name, default)
        if value is None:
            raise Usage(f"{name} is missing")
        return value

    def number(self, name: str, default: str | None = None) -> int:
        """Return an argument that is a whole number, not negative.

        Raises:
            Usage: it is none.
        """
        value = self.text(name, default)
        if not (value.isascii() and value.isdecimal() and len(value) <= 15):  # noqa: PLR2004 - no size or count of ours has more digits
            raise Usage(f"{name} must be a whole number, not {value[:40]!r}")
        return int(value)


Handler = Callable[[Parts, Arguments, BinaryIO], Mapping[str, Any]]


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        words: what it is called, e.g. `backup create`.
        usage: its arguments as shown to people: `NAME`, `--name NAME`, `[--flag]`.
        summary: what it does.
    """

    words: str
    usage: str
    summary: str
    run: Handler

    def parse(self, rest: Sequence[str]) -> Arguments:
        """Read what follows the command's words.

        Raises:
            Usage: it does not fit.
        """
        names, options, flags, required = _shape(self.usage)
        values: dict[str, str] = {}
        seen: set[str] = set()
        waiting = list(names)
        words = iter(rest)
        for word in words:
            if word in flags:
                seen.add(word)
            elif word in options:
                values[word] = self._next(words, word)
            elif word.startswith("--") or not waiting:
                raise self._wrong(f"{word[:60]!r} does not belong to {self.words}")
            else:
                values[waiting.pop(0)] = word
        missing = [name for name in (*names, *required) if name not in values]
        if missing:
            raise self._wrong(f"{self.words} needs {missing[0]}")
        return Arguments(values, frozenset(seen))

    def _next(self, words: Any, option: str) -> str:
        value: str | None = next(words, None)
        if value is None:
            raise self._wrong(f"{option} needs a value")
        return value

    def _wrong(self, message: str) -> Usage:
        return Usage(message, f"appliancectl {self.words} {self.usage}".rstrip())


def _shape(usage: str) -> tuple[list[str], set[str], set[str], list[str]]:
    """Take a usage line apart: positional names, options, flags, options that must be there."""
    names: list[str] = []
    options: set[str] = set()
    flags: set[str] = set()
    required: list[str] = []
    words = usage.split()
    while words:
        word = words.pop(0)
        if word.startswith("[--") and word.endswith("]"):
            flags.add(word.strip("[]"))
        elif word.startswith(("--", "[--")):
            option = word.strip("[")
            options.add(option)
            if not word.startswith("["):
                required.append(option)
            words.pop(0)
        else:
            names.append(word)
    return names, options, flags, required


def read_all(stdin: BinaryIO) -> bytes:
    """Read standard input to its end.

    Raises:
        Usage: it is too long for anything but a backup.
    """
    data = bytearray()
    while piece := stdin.read(65536):
        data += piece
        if len(data) > MAX_DOCUMENT:
            raise Usage("standard input is too long", f"at most {MAX_DOCUMENT} bytes")
    return bytes(data)


def document(stdin: BinaryIO) -> Any:
    """Read a JSON document from standard input.

    Raises:
        Usage: there is none.
    """
    try:
        return json.loads(read_all(stdin))
    except (ValueError, RecursionError) as error:
        raise Usage("standard input must be a JSON document") from error
