"""Sound files of the kind that telephones record: RIFF WAV, 8 kHz, mono, 16 bit.

Somebody seems to speak: a sound is a sequence of syllables that a seed's words determine. A
few syllables are computed once, and sounds are put together from them, so that gigabytes
come as fast as memory is copied.
"""

from __future__ import annotations

import hashlib
import math
import struct
from array import array
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

RATE_HZ = 8000
SAMPLE_SIZE = 2
SYLLABLE_S = 0.25
SYLLABLES = 16
SYLLABLE_SIZE = int(RATE_HZ * SYLLABLE_S) * SAMPLE_SIZE
PIECE_SYLLABLES = 64  # 256 kB are in memory at a time
PITCH_HZ = 110
LOUDNESS = 9000
WAVE = struct.Struct("<4sL4s4sLHHLLHH4sL")  # RIFF, fmt, data (RFC 2361; PCM is format 1)


class Sound(NamedTuple):
    """How a sound file is made.

    Attributes:
        words: determine what is heard.
        syllables: how long it is, four a second.
    """

    words: str
    syllables: int

    @property
    def duration_s(self) -> int:
        """Its length, in whole seconds."""
        return int(self.syllables * SYLLABLE_S)

    @property
    def size(self) -> int:
        """The size of the file, in bytes."""
        return WAVE.size + self.syllables * SYLLABLE_SIZE


class Voice:
    """Renders sounds; what it needs for that is computed once a process, with the first."""

    def pieces(self, sound: Sound) -> Iterator[bytes]:
        """Give the file in pieces; the same sound gives the same bytes."""
        yield _header(sound.size - WAVE.size)
        order = hashlib.shake_128(sound.words.encode()).digest(sound.syllables)
        for start in range(0, sound.syllables, PIECE_SYLLABLES):
            chosen = order[start : start + PIECE_SYLLABLES]
            yield b"".join([_syllables()[one % SYLLABLES] for one in chosen])

    def sha256(self, sound: Sound) -> str:
        """Return the SHA-256 of the file."""
        seen = hashlib.sha256()
        for piece in self.pieces(sound):
            seen.update(piece)
        return seen.hexdigest()


def _header(size: int) -> bytes:
    return WAVE.pack(
        b"RIFF",
        WAVE.size - 8 + size,
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        RATE_HZ,
        RATE_HZ * SAMPLE_SIZE,
        SAMPLE_SIZE,
        8 * SAMPLE_SIZE,
        b"data",
        size,
    )


@cache
def _syllables() -> tuple[bytes, ...]:
    return tuple(_syllable(number) for number in range(SYLLABLES))


def _syllable(number: int) -> bytes:
    """Return one syllable: a vowel that swells and fades; the first of them is a pause."""
    count = int(RATE_HZ * SYLLABLE_S)
    if not number:
        return bytes(count * SAMPLE_SIZE)
    turn = 2 * math.pi / RATE_HZ
    pitch, formant = turn * (PITCH_HZ + 6 * number), turn * (400 + 150 * number)
    fade = math.pi / count
    samples = array(
        "h",
        [
            round(
                LOUDNESS
                * math.sin(at * fade)
                * (math.sin(at * pitch) + 0.5 * math.sin(at * formant))
            )
            for at in range(count)
        ],
    )
    return struct.pack(f"<{count}h", *samples)
