"""A spoken greeting's stand-in: a short sound file of the kind that telephones record."""

from __future__ import annotations

import io
import math
import wave

RATE_HZ = 8000
TONE_S = 0.5
BASE_HZ = 300


def render(notes: bytes) -> bytes:
    """Return a WAV of one tone for each byte; the same bytes give the same file."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE_HZ)
        for note in notes:
            sound.writeframes(_tone(BASE_HZ + 4 * note))
    return buffer.getvalue()


def _tone(frequency_hz: float) -> bytes:
    frames = bytearray()
    for number in range(int(RATE_HZ * TONE_S)):
        level = int(8000 * math.sin(2 * math.pi * frequency_hz * number / RATE_HZ))
        frames += level.to_bytes(2, "little", signed=True)
    return bytes(frames)
