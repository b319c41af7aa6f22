"""Port 5060 beside another one, as evidence for something that rewrites SIP."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tonekeeper.core.nat.alg import AlgCheck, SipQuestions
from tonekeeper.core.nat.attempt import Attempt, Limits
from tonekeeper.core.nat.messages import OpenSocket, SendSip, SipReceived, SipSent
from tonekeeper.core.nat.result import SipAlg
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.reply import SipReply

SBC = Endpoint("203.0.113.2", 5060)
MIRROR = Endpoint("203.0.113.18", 5060)
MIRROR_ELSEWHERE = Endpoint("203.0.113.18", 3478)
LOCAL, MAPPED = "192.0.2.10", "198.51.100.2"
SENT = "OPTIONS as it was sent"


def evidence(*, is_rewritten_on_5060: bool) -> dict[str, SipAlg]:
    """Of an SBC that is no mirror, and a mirror on two ports."""
    attempt = Attempt(Endpoint("203.0.113.18", 3478), Limits(), 0.0)
    attempt.mapped = Endpoint(MAPPED, 40000)
    check = AlgCheck(attempt, SipQuestions((SBC, MIRROR, MIRROR_ELSEWHERE)))
    locals_ = {}
    for number, command in enumerate(check.begin()):
        assert isinstance(command, OpenSocket)
        locals_[command.socket] = Endpoint(LOCAL, command.port or 40000 + number)
        check.opened(command.socket, locals_[command.socket], 0.0)
    for turn in range(6):
        (asked,) = check.on_deadline(f"{turn:032x}"[::-1], 0.0)
        assert isinstance(asked, SendSip)
        local = locals_[asked.socket]
        rewritten = is_rewritten_on_5060 and asked.destination.port == 5060
        check.sent(SipSent(asked.socket, asked.branch, SENT))
        check.hear(
            SipReceived(
                asked.socket,
                asked.destination,
                _reply(asked, local, received=LOCAL if rewritten else MAPPED),
                mirrored=None if asked.destination == SBC else "rewritten" if rewritten else SENT,
            )
        )
    return {piece.name: piece.verdict for piece in check.evidence}


def _reply(asked: SendSip, local: Endpoint, received: str) -> SipReply:
    plain = SipReply(200, "OK", asked.branch, str(local), 1, asked.call_id, asked.cseq, "OPTIONS")
    return replace(plain, received=received)


def test_an_sbc_that_is_no_mirror_makes_no_difference_between_the_ports():
    assert evidence(is_rewritten_on_5060=False)["port-5060"] is SipAlg.NO


@pytest.mark.parametrize("name", ["via", "mirror", "port-5060"])
def test_what_is_rewritten_on_port_5060_only_is_seen_by_all_three(name):
    assert evidence(is_rewritten_on_5060=True)[name] is SipAlg.YES
