"""How a call sounds, from its delay and loss: the E-model (ITU-T G.107) with its default values, for G.711.

R = Ro - Is - Id - Ie,eff + A          A = 0, Ro - Is = 94.77 - 1.41 with all defaults of G.107 table 2
Id = Idte + Idle + Idd                 talker echo, listener echo, delay itself (section 7.4)
Ie,eff = Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl)      (section 7.5); G.711: Ie = 0, Bpl = 25.1 where lost packets
                                       are concealed, as phones do, 4.3 where they are not (G.113 appendix I)
MOS = 1 + 0.035 R + R (R - 60) (100 - R) 7e-6           (annex B)
"""

from __future__ import annotations

from math import exp, log10, pow, sqrt

BPL_CONCEALED = 25.1
BPL_PLAIN = 4.3

PACKET_MS = 20.0
"""Voice in one packet has to be spoken before it is sent."""
SMALLEST_BUFFER_MS = 20.0
"""A jitter buffer holds one packet at least, and else twice the jitter."""

_RO, _IS = 94.77, 1.41
_NO, _RLR, _TELR, _WEPL = -61.18, 2.0, 65.0, 110.0


def mouth_to_ear_ms(round_trip_ms: float, jitter_ms: float) -> float:
    """One way: half of the round trip, the packet, and the jitter buffer of the one who listens."""
    return round_trip_ms / 2 + PACKET_MS + max(SMALLEST_BUFFER_MS, 2 * jitter_ms)


def r_factor(delay_ms: float, loss: float, *, bpl: float = BPL_CONCEALED, burst_ratio: float = 1.0) -> float:
    """0..100, from the delay mouth to ear and the loss (0..1). `burst_ratio`: 1 for random loss, more for bursts."""
    value = _RO - _IS - _delay_impairment(delay_ms) - _loss_impairment(loss, bpl, burst_ratio)
    return min(100.0, max(0.0, value))


def mos(r: float) -> float:
    """1..4.5, of an R factor."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)


def _loss_impairment(loss: float, bpl: float, burst_ratio: float) -> float:
    percent = 100 * loss
    return 95 * percent / (percent / burst_ratio + bpl)


def _delay_impairment(delay_ms: float) -> float:
    return _talker_echo(delay_ms) + _listener_echo(2 * delay_ms) + _absolute_delay(delay_ms)


def _talker_echo(delay_ms: float) -> float:
    loudness = _TELR - 40 * log10((1 + delay_ms / 10) / (1 + delay_ms / 150)) + 6 * exp(-0.3 * pow(delay_ms, 2))
    roe, re = -1.5 * (_NO - _RLR), 80 + 2.5 * (loudness - 14)
    return ((roe - re) / 2 + sqrt((roe - re) ** 2 / 4 + 100) - 1) * (1 - exp(-delay_ms))


def _listener_echo(round_trip_ms: float) -> float:
    rle = 10.5 * (_WEPL + 7) * pow(round_trip_ms + 1, -0.25)
    return (_RO - rle) / 2 + sqrt((_RO - rle) ** 2 / 4 + 169)


def _absolute_delay(delay_ms: float) -> float:
    if delay_ms <= 100:
        return 0.0
    x = log10(delay_ms / 100) / log10(2)
    return 25 * (pow(1 + x**6, 1 / 6) - 3 * pow(1 + (x / 3) ** 6, 1 / 6) + 2)
