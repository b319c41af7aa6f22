"""Evidence for and against something that rewrites SIP on the way."""

from __future__ import annotations

import pytest

from tonekeeper.core.nat.alg import AlgCheck, HelperState, SipQuestions
from tonekeeper.core.nat.attempt import Attempt, Limits
from tonekeeper.core.nat.messages import CloseSocket, OpenSocket, SipReceived, SipSent
from tonekeeper.core.nat.result import SipAlg
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.reply import SipReply

SBC = Endpoint("198.51.100.10", 5060)
LOCAL, MAPPED = "192.168.1.2", "203.0.113.7"
YES, NO, NOT_CHECKED = SipAlg.YES, SipAlg.NO, SipAlg.NOT_CHECKED


class Asked:
    """An AlgCheck against servers whose answer a test writes."""

    def __init__(self, *servers, local=LOCAL, mapped=MAPPED, helper=None):
        self.now = 100.0
        attempt = Attempt(Endpoint("198.51.100.1", 3478), Limits(), self.now)
        attempt.mapped = Endpoint(mapped, 61000) if mapped else None
        self.check = AlgCheck(attempt, SipQuestions(servers, helper))
        self.locals = {}
        self.commands = []
        for command in self.check.begin():
            if isinstance(command, OpenSocket):
                self.locals[command.socket] = Endpoint(local, command.port or 40000)

    def open(self, *, refuse_5060=False):
        for socket, local in self.locals.items():
            if refuse_5060 and local.port == 5060:
                self.check.refused(socket, "Address already in use")
            else:
                self.check.opened(socket, local, self.now)
        return self

    def play(self, answer):
        """`answer(local, asked)`: fields of the reply and perhaps `mirrored`, None for silence."""
        self.open()
        for number in range(100):
            self.now = self.check.next_deadline()
            if self.check.is_over or self.now > 200.0:
                break
            for asked in self.check.on_deadline(f"{number:032x}"[::-1], self.now):
                self.commands.append(asked)
                if not isinstance(asked, CloseSocket):
                    self._reply(asked, answer(self.locals[asked.socket], asked))
        assert self.check.is_over
        return {piece.name: piece.verdict for piece in self.check.evidence}

    def _reply(self, asked, fields):
        if fields is None:
            return
        self.check.sent(SipSent(asked.socket, asked.branch, f"OPTIONS {asked.branch}\r\nVia: x\r\n"))
        local, mirrored = self.locals[asked.socket], fields.pop("mirrored", None)
        sent_by = fields.pop("sent_by", str(local))
        source = fields.pop("source", asked.destination)
        branch, call_id = fields.pop("branch", asked.branch), fields.pop("call_id", asked.call_id)
        reply = SipReply(200, "OK", branch, sent_by, 1, call_id, asked.cseq, "OPTIONS", **fields)
        if mirrored is not None:
            mirrored = mirrored.format(branch=asked.branch)
        self.commands += self.check.hear(SipReceived(asked.socket, source, reply, mirrored))


def test_an_ordinary_sbc_that_sees_what_stun_sees_is_evidence_against():
    asked = Asked(SBC)
    verdicts = asked.play(lambda local, _: {"received": MAPPED, "rport": 61001})
    assert verdicts == {"via": NO, "mirror": NOT_CHECKED, "port-5060": NOT_CHECKED, "helper": NOT_CHECKED}
    assert asked.check.verdict is NO


def test_our_private_address_in_received_is_the_mark_of_the_kernels_helper():
    asked = Asked(SBC)
    assert asked.play(lambda local, _: {"received": local.host, "rport": local.port})["via"] is YES
    assert asked.check.verdict is YES
    assert "our private address" in asked.check.evidence[0].text


def test_a_via_that_comes_back_as_another_one_was_rewritten():
    assert Asked(SBC).play(lambda *_: {"sent_by": f"{MAPPED}:61001", "received": MAPPED})["via"] is YES


def test_without_a_nat_a_rewritten_address_would_not_show():
    asked = Asked(SBC, local=MAPPED)
    assert asked.play(lambda *_: {"received": MAPPED})["via"] is NOT_CHECKED
    assert asked.check.verdict is NOT_CHECKED
    assert "no NAT is on the way" in asked.check.reason


@pytest.mark.parametrize("received", ["", "203.0.113.99"])
def test_a_server_that_says_nothing_or_something_else_is_no_evidence(received):
    assert Asked(SBC).play(lambda *_: {"received": received})["via"] is NOT_CHECKED


def test_a_server_that_does_not_answer_is_no_evidence_and_is_not_asked_for_ever():
    asked = Asked(SBC)
    verdicts = asked.play(lambda *_: None)
    assert set(verdicts.values()) == {NOT_CHECKED}
    assert sum(not isinstance(command, CloseSocket) for command in asked.commands) == 8
    assert "no SIP answer" in asked.check.reason


def test_a_mirror_that_got_what_was_sent_is_evidence_against():
    mirrored = "OPTIONS {branch}\r\nVia: x\r\n"
    assert Asked(SBC).play(lambda *_: {"received": MAPPED, "mirrored": mirrored})["mirror"] is NO


@pytest.mark.parametrize("mirrored", ["OPTIONS {branch}\r\nVia: y\r\n", "OPTIONS {branch}\r\n"])
def test_a_mirror_that_got_something_else_is_evidence_for(mirrored):
    asked = Asked(SBC)
    assert asked.play(lambda *_: {"received": MAPPED, "mirrored": mirrored})["mirror"] is YES
    assert asked.check.verdict is YES


def test_silence_on_port_5060_alone_is_told_but_decides_nothing():
    elsewhere = Endpoint(SBC.host, 5080)
    asked = Asked(SBC, elsewhere)

    def answer(local, request):
        return None if 5060 in (local.port, request.destination.port) else {"received": MAPPED}

    assert asked.play(answer)["port-5060"] is NOT_CHECKED
    assert asked.check.verdict is NO
    assert "a filter or a gateway" in next(one.text for one in asked.check.evidence if one.name == "port-5060")


@pytest.mark.parametrize(("attached", "verdict"), [(True, YES), (False, NO), (None, NOT_CHECKED)])
def test_the_routers_own_ruleset_is_evidence_too(attached, verdict):
    asked = Asked(helper=HelperState(attached, "ct helper sip in inet fw4"))
    assert asked.check.evidence[-1].verdict is verdict
    assert asked.check.verdict is (YES if attached else NOT_CHECKED), "a ruleset without it says nothing of the modem"


def test_an_answer_from_elsewhere_or_to_somebody_else_is_not_ours():
    strangers = [
        {"received": LOCAL, "source": Endpoint("198.51.100.66", 5060)},
        {"received": LOCAL, "branch": "z9hG4bKx", "call_id": "y"},
    ]
    for stranger in strangers:
        assert Asked(SBC).play(lambda *_, fields=stranger: dict(fields))["via"] is NOT_CHECKED


def test_an_answer_whose_call_id_or_branch_was_rewritten_is_still_ours():
    assert Asked(SBC).play(lambda *_: {"received": LOCAL, "branch": "z9hG4bKx"})["via"] is YES
    assert Asked(SBC).play(lambda *_: {"received": LOCAL, "call_id": "y"})["via"] is YES


def test_a_port_5060_that_is_taken_leaves_the_other_one():
    asked = Asked(SBC)
    asked.open(refuse_5060=True)
    sent = asked.check.on_deadline("0" * 32, asked.now)
    assert asked.locals[sent[0].socket].port == 40000
    assert asked.check.next_deadline() == asked.now + 0.5


def test_with_nobody_to_ask_nothing_is_sent():
    asked = Asked()
    assert asked.check.is_over
    assert asked.check.verdict is NOT_CHECKED


# --- without STUN


def without_stun(*servers, **options):
    return Asked(*(servers or (SBC,)), mapped="", **options)


def test_without_stun_every_server_is_asked_once_more_in_an_unusual_spelling():
    asked = without_stun()
    asked.play(lambda *_: {"received": MAPPED})
    spelled = [command.unusual_via for command in asked.commands if not isinstance(command, CloseSocket)]
    assert sorted(spelled) == [False, False, True]


def test_with_stun_nobody_is_asked_in_an_unusual_spelling():
    asked = Asked(SBC)
    asked.play(lambda *_: {"received": MAPPED})
    assert not any(command.unusual_via for command in asked.commands if not isinstance(command, CloseSocket))


def test_a_server_that_sees_another_address_than_ours_and_says_so_is_evidence_against():
    asked = without_stun()
    assert asked.play(lambda *_: {"received": MAPPED, "rport": 61001})["via"] is NO
    assert asked.check.verdict is NO


def test_our_own_address_where_another_spelling_shows_another_one_is_rewritten():
    def answer(local, request):
        return {"received": MAPPED if request.unusual_via else local.host, "rport": local.port}

    asked = without_stun()
    assert asked.play(answer)["via"] is YES
    assert f"the same server on port any to {SBC}, with a tab in Via sees us as {MAPPED}" in asked.check.reason


def test_our_own_address_on_port_5060_where_another_port_shows_another_one_is_rewritten():
    elsewhere = Endpoint(SBC.host, 5080)

    def answer(local, request):
        if request.unusual_via:
            return None
        return {"received": local.host if 5060 in (local.port, request.destination.port) else MAPPED}

    verdicts = without_stun(SBC, elsewhere).play(answer)
    assert (verdicts["via"], verdicts["port-5060"]) == (YES, YES)


def test_our_own_address_in_every_spelling_decides_nothing():
    """No NAT is on the way, or a gateway that knows the spelling too."""
    asked = without_stun()
    assert asked.play(lambda local, _: {"received": local.host, "rport": local.port})["via"] is NOT_CHECKED
    assert asked.check.verdict is NOT_CHECKED
    assert "no NAT is on the way" in asked.check.reason


def test_what_another_server_sees_says_nothing_of_this_one():
    """A private line leads to the one, a NAT stands before the other."""
    beyond_a_nat = Endpoint("198.51.100.99", 5060)

    def answer(local, request):
        return {"received": MAPPED if request.destination == beyond_a_nat else local.host, "rport": local.port}

    asked = without_stun(SBC, beyond_a_nat)
    asked.play(answer)
    assert asked.check.verdict is NO


def test_our_own_address_with_another_port_is_no_evidence():
    """A router whose own port 5060 clashes with that of a phone behind it gives its own packets another one."""
    asked = without_stun()
    assert asked.play(lambda local, _: {"received": local.host, "rport": 61001})["via"] is NOT_CHECKED


def test_a_server_that_is_silent_without_stun_is_no_evidence():
    asked = without_stun()
    assert set(asked.play(lambda *_: None).values()) == {NOT_CHECKED}
