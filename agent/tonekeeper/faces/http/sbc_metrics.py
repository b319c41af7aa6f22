"""What is known of the SBCs, as metric families: state, paths, and where deep probes are made their functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter

from tonekeeper.core.report import AttemptsReport, PathState, SbcReport
from tonekeeper.faces.http.exposition import Family, Kind, labels_of

MOST_CODES = 4
"""SIP status codes of one SBC with a series of their own, the first to come: a code must keep its series."""
SIGNALLING = "signalling"
"""Whether it works, the SBC's state says; the others are there where deep probes are made."""

AttemptsOf = Callable[[SbcReport], AttemptsReport | None]

_FUNCTION_UP = {"ok": 1, "failed": 0}
_registrations: AttemptsOf = attrgetter("registrations")
_calls: AttemptsOf = attrgetter("calls")
_voicemail: AttemptsOf = attrgetter("voicemail")


def families(sbcs: tuple[SbcReport, ...]) -> Iterator[Family]:
    yield from _state_families(sbcs)
    yield from _path_families(sbcs)
    yield _response_family(sbcs)
    yield from _place_families(sbcs)
    yield from _function_families(sbcs)
    yield from _attempt_families(sbcs, "registration", "a registration", _registrations)
    yield _latency_family(sbcs, "registration", "a registration", _registrations)
    yield from _attempt_families(sbcs, "call", "the set-up of a call", _calls)
    yield _latency_family(sbcs, "call_setup", "the set-up of a call", _calls)
    yield from _attempt_families(sbcs, "voicemail", "a look into the mailbox", _voicemail)
    yield from _voice_families(sbcs)


def _state_families(sbcs: tuple[SbcReport, ...]) -> Iterator[Family]:
    state = Family("tonekeeper_sbc_state", Kind.GAUGE, "1 for the state the SBC is in.")
    age = Family("tonekeeper_sbc_state_age_seconds", Kind.GAUGE, "Time the SBC has been in its state.")
    penalty = Family("tonekeeper_sbc_penalty", Kind.GAUGE, "Damping penalty of the SBC (RFC 2439).")
    suppressed = Family("tonekeeper_sbc_suppressed", Kind.GAUGE, "1 if the SBC flapped too much to be trusted.")
    reuse = Family("tonekeeper_sbc_reuse_wait_seconds", Kind.GAUGE, "Time until a flapping SBC is trusted again.")
    for sbc in sbcs:
        labels = labels_of(sbc=sbc.name)
        state.add_state(sbc.state, labels)
        age.add(sbc.since_s, labels)
        penalty.add(sbc.penalty, labels)
        suppressed.add(int(sbc.suppressed_s is not None), labels)
        reuse.add(sbc.suppressed_s, labels)
    yield from (state, age, penalty, suppressed, reuse)


def _path_families(sbcs: tuple[SbcReport, ...]) -> Iterator[Family]:
    up = Family("tonekeeper_path_up", Kind.GAUGE, "1 while the path counts as alive, 0 after the verdict down.")
    state = Family("tonekeeper_path_state", Kind.GAUGE, "1 for the state the path is in.")
    age = Family("tonekeeper_path_state_age_seconds", Kind.GAUGE, "Time the path has been in its state.")
    rtt = Family("tonekeeper_path_rtt_seconds", Kind.GAUGE, "Round-trip time of OPTIONS on the path.")
    loss = Family("tonekeeper_path_loss_ratio", Kind.GAUGE, "Share of steady probes without a reply, 0 to 1.")
    reply = Family("tonekeeper_path_reply_age_seconds", Kind.GAUGE, "Time since the latest reply.")
    timeout = Family("tonekeeper_path_timeout_seconds", Kind.GAUGE, "How long a probe waits for its reply.")
    sent = Family("tonekeeper_probes_sent", Kind.COUNTER, "Probes sent on the path.")
    received = Family("tonekeeper_probe_replies", Kind.COUNTER, "Replies to our own probes.")
    ignored = Family("tonekeeper_datagrams_ignored", Kind.COUNTER, "Datagrams that were no reply to our probes.")
    for sbc in sbcs:
        for path in sbc.paths:
            labels = labels_of(wan=path.wan, sbc=sbc.name, transport=path.transport, address=path.address)
            up.add(None if path.state is PathState.UNKNOWN else int(path.state is not PathState.DOWN), labels)
            state.add_state(path.state, labels)
            age.add(path.since_s, labels)
            rtt.add(None if path.rtt_ms is None else round(path.rtt_ms / 1000, 6), labels)
            loss.add(path.loss, labels)
            reply.add(path.last_reply_s, labels)
            timeout.add(round(path.timeout_ms / 1000, 6), labels)
            sent.add(path.sent, labels)
            received.add(path.received, labels)
            ignored.add(path.ignored, labels)
    yield from (up, state, age, rtt, loss, reply, timeout, sent, received, ignored)


def _response_family(sbcs: tuple[SbcReport, ...]) -> Family:
    responses = Family("tonekeeper_sip_responses", Kind.COUNTER, "SIP responses to all probes, by status code.")
    for sbc in sbcs:
        counts: dict[tuple[str, str], int] = {}
        for at, (code, count) in enumerate(sbc.responses.items()):
            own = at < MOST_CODES and code.isdecimal()
            key = f"{code[0]}xx", code if own else "other"
            counts[key] = counts.get(key, 0) + count
        for (code_class, code), count in counts.items():
            responses.add(count, labels_of(sbc=sbc.name, **{"class": code_class, "code": code}))
    return responses


def _place_families(sbcs: tuple[SbcReport, ...]) -> Iterator[Family]:
    """Where it is, and for how long its certificate is good."""
    age = Family("tonekeeper_sbc_addresses_age_seconds", Kind.GAUGE, "Time since DNS confirmed the SBC's addresses.")
    left = Family("tonekeeper_sbc_certificate_expiry_seconds", Kind.GAUGE, "Time until a certificate of it expires.")
    for sbc in sbcs:
        age.add(sbc.confirmed_s, labels_of(sbc=sbc.name))
        expiries = [path.tls.expires_s for path in sbc.paths if path.tls is not None and path.tls.expires_s is not None]
        left.add(min(expiries, default=None), labels_of(sbc=sbc.name))
    yield from (age, left)


def _function_families(sbcs: tuple[SbcReport, ...]) -> Iterator[Family]:
    up = Family("tonekeeper_function_up", Kind.GAUGE, "1 if this function of the SBC works over any WAN, else 0.")
    passed = Family("tonekeeper_function_pass_age_seconds", Kind.GAUGE, "Time since a probe of the function passed.")
    recoveries = Family("tonekeeper_function_recoveries", Kind.COUNTER, "Outages of the function that have ended.")
    lasted = Family("tonekeeper_function_outage_seconds", Kind.COUNTER, "How long they lasted, together.")
    for sbc in sbcs:
        for one in sbc.functions:
            labels = labels_of(sbc=sbc.name, function=one.function)
            if one.function != SIGNALLING:
                up.add(_FUNCTION_UP.get(one.state), labels)
                passed.add(one.passed_s, labels)
            recoveries.add(one.recoveries, labels)
            lasted.add(one.recoveries_sum_s, labels)
    yield from (up, passed, recoveries, lasted)


def _attempt_families(sbcs: tuple[SbcReport, ...], name: str, what: str, of: AttemptsOf) -> Iterator[Family]:
    attempts = Family(f"tonekeeper_{name}_attempts", Kind.COUNTER, f"Times that {what} was tried.")
    successes = Family(f"tonekeeper_{name}_successes", Kind.COUNTER, "Of them, those that succeeded.")
    for sbc in sbcs:
        known = of(sbc)
        if known is not None:
            attempts.add(known.attempts, labels_of(sbc=sbc.name))
            successes.add(known.successes, labels_of(sbc=sbc.name))
    yield from (attempts, successes)


def _latency_family(sbcs: tuple[SbcReport, ...], name: str, what: str, of: AttemptsOf) -> Family:
    latency = Family(f"tonekeeper_{name}_seconds", Kind.HISTOGRAM, f"How long {what} took where it succeeded.")
    for sbc in sbcs:
        known = of(sbc)
        if known is not None:
            latency.add_latency(known.latency, labels_of(sbc=sbc.name))
    return latency


def _voice_families(sbcs: tuple[SbcReport, ...]) -> Iterator[Family]:
    loss = Family("tonekeeper_call_loss_ratio", Kind.GAUGE, "Share of the voice lost in the latest call, 0 to 1.")
    jitter = Family("tonekeeper_call_jitter_seconds", Kind.GAUGE, "Jitter of the latest call (RFC 3550).")
    mos = Family("tonekeeper_call_mos", Kind.GAUGE, "How the latest call sounded, 1 to 4.5 (ITU-T G.107).")
    sent = Family("tonekeeper_call_packets_sent", Kind.COUNTER, "RTP packets sent in calls.")
    lost = Family("tonekeeper_call_packets_lost", Kind.COUNTER, "RTP packets lost of them.")
    one_way = Family("tonekeeper_calls_one_way", Kind.COUNTER, "Calls that were heard one way only.")
    for sbc in sbcs:
        known = sbc.call_quality
        if known is not None:
            labels = labels_of(sbc=sbc.name)
            loss.add(known.loss, labels)
            jitter.add(None if known.jitter_ms is None else round(known.jitter_ms / 1000, 6), labels)
            mos.add(known.mos, labels)
            sent.add(known.packets_sent, labels)
            lost.add(known.packets_lost, labels)
            one_way.add(known.one_way_calls, labels)
    yield from (loss, jitter, mos, sent, lost, one_way)
