"""WAV files as telephones record them."""

from __future__ import annotations

import io
import wave

import pytest

from emulator.company.sounds import Sound, Voice

SAMPLES_A_SYLLABLE = 2000


@pytest.fixture(scope="module")
def voice():
    return Voice()


@pytest.mark.parametrize("syllables", [0, 1, 63, 64, 65, 400])
def test_a_sound_is_a_wav_of_its_length(voice, syllables):
    data = b"".join(voice.pieces(Sound("x", syllables)))
    assert len(data) == Sound("x", syllables).size
    with wave.open(io.BytesIO(data)) as sound:
        assert sound.getparams()[:4] == (1, 2, 8000, syllables * SAMPLES_A_SYLLABLE)
        assert len(sound.readframes(10**6)) == syllables * SAMPLES_A_SYLLABLE * 2


def test_something_is_heard(voice):
    data = b"".join(voice.pieces(Sound("x", 40)))
    samples = memoryview(data[44:]).cast("h")
    assert max(samples) > 5000
    assert min(samples) < -5000


def test_other_words_sound_different(voice):
    assert voice.sha256(Sound("a", 8)) != voice.sha256(Sound("b", 8))


def test_a_long_sound_comes_in_small_pieces(voice):
    assert max(map(len, voice.pieces(Sound("x", 4000)))) <= 2**18
