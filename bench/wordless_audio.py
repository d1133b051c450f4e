"""Sounds in which nobody says a word, made from a seed: silence, noises, hum, music. Samples (n,), int16, 16 kHz mono. Pure."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE: Final = 16_000
Pcm = NDArray[np.int16]
FORMANTS: Final = ((730, 1_090, 2_440), (570, 840, 2_410), (300, 870, 2_240), (530, 1_840, 2_480))
"""Hz, of the vowels in father, law, boot, bed (men)."""
Wave = NDArray[np.float64]
"""Full scale ±1."""
Chance = np.random.Generator
A_MINOR: Final = (220.0, 261.6, 329.6, 440.0, 523.3)
CHORDS: Final = ((220.0, 261.6, 329.6), (174.6, 220.0, 261.6), (261.6, 329.6, 392.0), (196.0, 246.9, 293.7))


def silence(seconds: float, _chance: Chance) -> Wave:
    """Digital silence."""
    return np.zeros(round(seconds * SAMPLE_RATE))


def hiss(seconds: float, chance: Chance) -> Wave:
    """White noise at -30 dB, as of an open microphone."""
    return 0.03 * chance.standard_normal(round(seconds * SAMPLE_RATE))


def loud_white(seconds: float, chance: Chance) -> Wave:
    """White noise at -12 dB."""
    return 0.25 * chance.standard_normal(round(seconds * SAMPLE_RATE))


def pink(seconds: float, chance: Chance) -> Wave:
    """Noise of equal power in each octave, as of wind and traffic."""
    return 0.15 * _shaped(seconds, chance, lambda hertz: 1 / np.sqrt(hertz))


def babble(seconds: float, chance: Chance) -> Wave:
    """Noise with the spectrum of many voices (most below 1 kHz) that swells and fades some four times a second."""
    spectrum = _shaped(seconds, chance, lambda hertz: 1 / (1 + (hertz / 500) ** 2))
    syllables = _shaped(seconds, chance, lambda hertz: np.exp(-(((hertz - 4) / 2) ** 2)))
    return 0.12 * spectrum * (1 + 0.8 * np.clip(syllables, -1, 1))


def hum(seconds: float, _chance: Chance) -> Wave:
    """50 Hz of mains and its harmonics."""
    at = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return sum((0.2 / order * np.sin(2 * np.pi * 50 * order * at) for order in (1, 2, 3, 5, 7)), np.zeros_like(at))


def clicks(seconds: float, chance: Chance) -> Wave:
    """Keys being typed: short bursts of noise at odd moments."""
    wave = 0.002 * chance.standard_normal(round(seconds * SAMPLE_RATE))
    for start in chance.integers(0, max(1, len(wave) - 800), round(6 * seconds)):
        wave[start : start + 800] += 0.4 * chance.standard_normal(len(wave[start : start + 800])) * _decay(800, 0.008)
    return wave


def chords(seconds: float, _chance: Chance) -> Wave:
    """Four chords in turn, two seconds each, that swell and fade: an organ, more or less."""
    wave = np.zeros(round(seconds * SAMPLE_RATE))
    length = 2 * SAMPLE_RATE
    envelope = np.sin(np.pi * np.arange(length) / length) ** 0.5
    for number, start in enumerate(range(0, len(wave), length)):
        notes = [_note(frequency, length) for frequency in CHORDS[number % len(CHORDS)]]
        played = 0.15 * envelope * sum(notes, np.zeros(length))
        wave[start : start + length] += played[: len(wave) - start]
    return wave


def arpeggio(seconds: float, chance: Chance) -> Wave:
    """Plucked notes, four a second, over a drum on every second."""
    wave = np.zeros(round(seconds * SAMPLE_RATE))
    step = SAMPLE_RATE // 4
    for number, start in enumerate(range(0, len(wave), step)):
        length = min(SAMPLE_RATE, len(wave) - start)
        pluck = 0.3 * _note(A_MINOR[number % len(A_MINOR)], length) * _decay(length, 0.25)
        drum = 0.3 * chance.standard_normal(length) * _decay(length, 0.03) if number % 4 == 0 else 0.0
        wave[start : start + length] += pluck + drum
    return wave


def melody(seconds: float, chance: Chance) -> Wave:
    """One gliding tone with vibrato and overtones in the range of a singer, which voice detectors like best."""
    samples = round(seconds * SAMPLE_RATE)
    at = np.arange(samples) / SAMPLE_RATE
    steps = chance.choice(A_MINOR, samples // (SAMPLE_RATE // 2) + 2)
    pitch = np.interp(at, np.arange(len(steps)) / 2, steps) * (1 + 0.02 * np.sin(2 * np.pi * 5.5 * at))
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    loudness = 0.5 + 0.5 * np.sin(2 * np.pi * 0.7 * at)
    return 0.15 * loudness * sum((np.sin(order * phase) / order for order in range(1, 9)), np.zeros(samples))


def choir(seconds: float, chance: Chance) -> Wave:
    """Three voices on vowels without consonants: buzzing tones shaped by the resonances of a mouth, in which Whisper hears most."""
    samples = round(seconds * SAMPLE_RATE)
    at = np.arange(samples) / SAMPLE_RATE
    wave = np.zeros(samples)
    beats = samples // (SAMPLE_RATE // 2) + 2
    vowels = np.array(FORMANTS)[chance.integers(0, len(FORMANTS), beats)]
    formants = [np.interp(at, np.arange(beats) / 2, vowels[:, number]) for number in range(3)]
    for root in (110.0, 164.8, 220.0):
        steps = root * chance.choice((1.0, 1.125, 1.25, 1.5), beats)
        phase = 2 * np.pi * np.cumsum(np.interp(at, np.arange(beats) / 2, steps)) / SAMPLE_RATE
        for order in range(1, 25):
            hertz = order * root
            gain = sum((np.exp(-(((hertz - formant) / 120) ** 2)) for formant in formants), np.zeros(samples))
            wave += gain / order**0.5 * np.sin(order * phase)
    return 0.3 * wave / max(float(np.abs(wave).max()), 1e-9)


SOUNDS: Final[Mapping[str, Callable[[float, Chance], Wave]]] = {
    each.__name__: each
    for each in (silence, hiss, loud_white, pink, babble, hum, clicks, chords, arpeggio, melody, choir)
}


def sound(name: str, seconds: float, seed: int = 1) -> Pcm:
    """`seconds` of one of `SOUNDS`; the same seed gives the same samples."""
    return pcm_of(SOUNDS[name](seconds, np.random.default_rng(seed)))


def programme(seconds: float, seed: int = 1, piece_s: float = 15.0) -> Iterator[Pcm]:
    """All of `SOUNDS` in turn, `piece_s` each and never the same twice, until `seconds` are full."""
    names = list(SOUNDS)
    for number, at_s in enumerate(np.arange(0, seconds, piece_s)):
        yield sound(names[number % len(names)], min(piece_s, seconds - at_s), seed + number)


def pcm_of(wave: Wave) -> Pcm:
    """Full scale ±1 as int16; what is louder is clipped."""
    return np.clip(wave * 32_767, -32_768, 32_767).astype(np.int16)


def _shaped(seconds: float, chance: Chance, gain: Callable[[Wave], Wave]) -> Wave:
    """Noise whose amplitude at each frequency follows `gain`; standard deviation 1."""
    samples = round(seconds * SAMPLE_RATE)
    spectrum = np.fft.rfft(chance.standard_normal(samples))
    hertz = np.maximum(np.fft.rfftfreq(samples, 1 / SAMPLE_RATE), 1.0)
    wave: Wave = np.fft.irfft(spectrum * gain(hertz), samples)
    return wave / max(float(wave.std()), 1e-9)


def _decay(length: int, half_s: float) -> Wave:
    return np.exp(-np.arange(length) / (half_s * SAMPLE_RATE))


def _note(frequency: float, length: int) -> Wave:
    at = np.arange(length) / SAMPLE_RATE
    return sum((np.sin(2 * np.pi * frequency * order * at) / order**2 for order in (1, 2, 3, 4)), np.zeros(length))
