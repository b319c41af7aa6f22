"""A measurement as a whole: how it begins, what ends it, and what it says when it could not measure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.core.nat.stun_world import OTHER, PUBLIC, SERVER, SITE, StunServer, behind, measurement
from tonekeeper.core.nat.alg import SipQuestions
from tonekeeper.core.nat.attempt import Limits
from tonekeeper.core.nat.measurement import METERED, Measurement
from tonekeeper.core.nat.messages import (
    CloseSocket,
    DeadlineReached,
    Finished,
    IcmpReceived,
    OpenSocket,
    SendRefused,
    SendSip,
    SipReceived,
    SocketRefused,
    StunReceived,
    WanChanged,
)
from tonekeeper.core.nat.result import BindingKind, Lifetimes, SipAlg, Trial
from tonekeeper.drivers.sim.nat import LINUX, Dependence, NatBehaviour
from tonekeeper.wire.endpoint import Endpoint
from tonekeeper.wire.sip.reply import SipReply
from tonekeeper.wire.stun.message import StunClass, StunMessage

SHORT = Limits(longest=3.0)
QUICK = replace(LINUX, unreplied=2.5, replied=2.5, stream=2.5)


def played(world, **options):
    return world.run(measurement(world, limits=SHORT, **options))


def test_a_quick_one_finds_everything():
    result = played(behind(QUICK))
    assert result.wan == "fibre"
    assert result.server == str(SERVER)
    assert result.mapping == "address-and-port-dependent"
    assert result.filtering == "address-and-port-dependent"
    assert result.mapped_address.startswith(f"{PUBLIC}:")
    assert result.local_address.startswith(f"{SITE}:")
    for low, high in (result.lifetime_s.unreplied, result.lifetime_s.replied, result.lifetime_s.stream):
        assert low <= 2.5 <= high
    assert result.lifetime_s.tcp is not None
    assert set(result.reasons) == {"sip_alg"}
    assert not result.abandoned


@pytest.mark.parametrize("filtering", Dependence)
@pytest.mark.parametrize("mapping", Dependence)
def test_mapping_and_filtering_have_the_names_of_rfc_4787(mapping, filtering):
    nat = NatBehaviour(mapping=mapping, filtering=filtering, unreplied=2.5, replied=2.5, stream=2.5)
    result = played(behind(nat))
    assert (result.mapping, result.filtering) == (mapping, filtering)


def test_the_same_events_lead_to_the_same_commands():
    first, second = behind(QUICK, seed=3, loss=0.05), behind(QUICK, seed=3, loss=0.05)
    played(first)
    played(second)
    assert first.commands == second.commands


def test_it_begins_with_the_first_deadline_and_two_sockets():
    world = behind(QUICK)
    running = measurement(world)
    assert running.next_deadline() == world.now
    commands = running.handle(DeadlineReached("0" * 32), world.now)
    assert [type(command) for command in commands] == [OpenSocket, OpenSocket]


def test_one_event_sends_one_packet_at_most():
    world = behind(QUICK)
    running = measurement(world, limits=SHORT)
    handle = running.handle

    def counting(event, now):
        commands = handle(event, now)
        sends = [command for command in commands if not isinstance(command, OpenSocket | CloseSocket | Finished)]
        assert len(sends) <= isinstance(event, DeadlineReached)
        return commands

    running.handle = counting
    assert world.run(running) is not None


def test_a_deadline_that_comes_early_does_nothing():
    world = behind(QUICK)
    running = measurement(world, limits=SHORT)
    world.run(running, until=world.now + 1.003)
    if running.next_deadline() > world.now:
        assert running.handle(DeadlineReached("1" * 32), world.now) == []


def test_progress_says_what_it_waits_for_and_until_when_at_most():
    world = behind(QUICK)
    running = measurement(world, limits=SHORT)
    assert "an answer from 198.51.100.1:3478" in running.progress(world.now).waiting_for
    started = world.now
    world.run(running, until=started + 4.0)
    progress = running.progress(world.now)
    assert progress.waiting_for == "the first idle binding that is gone"
    assert progress.elapsed_s == pytest.approx(4.0)
    assert progress.at_most_s == pytest.approx(1.2 * 3.0 + 30.0)
    assert {trial.trial for trial in progress.trials} >= {Trial.ALIVE}
    assert world.run(running).elapsed_s <= progress.at_most_s


# --- thrown away


def test_a_change_of_the_wan_throws_everything_away():
    world = behind(QUICK)
    running = measurement(world, limits=SHORT)
    world.run(running, until=world.now + 2.0)
    world.tell(running, WanChanged("eth0 has another address"))
    result = world.result
    assert result.abandoned
    assert result.lifetime_s == Lifetimes()
    assert (result.mapping, result.filtering, result.mapped_address) == ("not checked", "not checked", "")
    assert result.sip_alg is SipAlg.NOT_CHECKED
    assert set(result.reasons.values()) == {"the WAN changed: eth0 has another address"}
    assert running.next_deadline() is None


def test_nothing_that_comes_after_the_end_changes_anything():
    world = behind(QUICK)
    running = measurement(world, limits=SHORT)
    world.run(running, until=world.now + 2.0)
    world.tell(running, WanChanged("gone"))
    assert running.handle(DeadlineReached("0" * 32), world.now) == []
    assert running.handle(WanChanged("gone again"), world.now) == []


def test_a_metered_wan_is_not_measured_and_the_reason_says_what_it_would_cost():
    world = behind(QUICK)
    reason = METERED.format(octets=Limits().octets)
    result = world.run(measurement(world, refused=reason))
    assert world.sent == 0
    assert set(result.reasons.values()) == {reason}
    assert "300,000 octets" in reason
    assert not result.abandoned


# --- servers that are no good


KINDS = tuple(BindingKind)


def assert_nothing_measured(result, reason):
    assert (result.mapping, result.filtering) == ("not checked", "not checked")
    assert result.lifetime_s == Lifetimes()
    for part in ("mapping", "filtering", *KINDS):
        assert reason in result.reasons[part]


def assert_no_lifetimes(result, reason):
    assert result.lifetime_s == Lifetimes()
    for kind in KINDS:
        assert reason in result.reasons[kind]


def test_a_server_that_does_not_answer():
    world = behind(QUICK, server=StunServer(silent_from=0.0))
    result = played(world)
    assert_nothing_measured(result, "no answer from 198.51.100.1:3478")
    assert world.sent == 8
    assert result.elapsed_s == pytest.approx(5.5)


def test_sip_is_asked_although_stun_is_silent():
    world = behind(QUICK, server=StunServer(silent_from=0.0))
    sbc = Endpoint("198.51.100.10", 5060)
    running = measurement(world, limits=SHORT, sip=SipQuestions((sbc,)))
    started = world.now
    world.run(running, until=started + 5.6)
    assert running.progress(world.now).waiting_for == "answers over SIP"
    asked = [one for _, one in world.commands if isinstance(one, SendSip)]
    assert {one.unusual_via for one in asked} == {False, True}
    for one in asked:
        local = world.sockets[one.socket]
        seen_as = PUBLIC if one.unusual_via else local.host
        reply = SipReply(200, "OK", one.branch, str(local), 1, one.call_id, 1, "OPTIONS", seen_as, local.port)
        world.happen(running, 0.02, SipReceived(one.socket, sbc, reply))
    result = world.run(running)
    assert_nothing_measured(result, "no answer from 198.51.100.1:3478")
    assert result.sip_alg is SipAlg.YES
    assert result.elapsed_s == pytest.approx(5.62, abs=0.01)


def test_an_icmp_error_is_told_with_the_silence():
    world = behind(QUICK, server=StunServer(silent_from=0.0))
    running = measurement(world, limits=SHORT)
    world.happen(running, 0.2, IcmpReceived(1, SERVER, 3, 13, "192.168.1.1"))
    assert_nothing_measured(world.run(running), "(ICMP 3/13 from 192.168.1.1)")


def test_a_packet_that_the_kernel_refuses_is_told_with_the_silence():
    world = behind(QUICK, server=StunServer(silent_from=0.0))
    running = measurement(world, limits=SHORT)
    world.happen(running, 0.2, SendRefused(1, SERVER, 1, "Operation not permitted"))
    assert_nothing_measured(world.run(running), "(Operation not permitted)")


def test_a_server_that_answers_from_the_wrong_port():
    nat = replace(QUICK, filtering=Dependence.ENDPOINT_INDEPENDENT)
    server = StunServer(answers_from=Endpoint(SERVER.host, 4000))
    assert_nothing_measured(played(behind(nat, server=server)), "answers from another address, 198.51.100.1:4000")


def test_a_server_with_other_peoples_transaction_ids():
    world = behind(QUICK, server=StunServer(silent_from=0.0))
    running = measurement(world, limits=SHORT)
    forged = StunMessage(StunClass.SUCCESS, bytes(12), xor_mapped_address=Endpoint("192.0.2.66", 6666))
    world.happen(running, 0.2, StunReceived(1, SERVER, forged))
    assert_nothing_measured(world.run(running), "no answer")


def test_a_server_that_refuses():
    world = behind(QUICK, server=StunServer(silent_from=0.0))
    running = measurement(world, limits=SHORT)
    world.run(running, until=world.now + 0.1)
    asked = next(
        command for _, command in world.commands if getattr(command, "socket", 0) == 1 and hasattr(command, "message")
    )
    refusal = StunMessage(StunClass.ERROR, asked.message.transaction_id)
    world.happen(running, 0.0, StunReceived(1, SERVER, refusal))
    assert_nothing_measured(world.run(running), "refuses: an error without a code")


def test_a_server_without_an_other_address():
    result = played(behind(QUICK, server=StunServer(other=None)))
    assert "has no other address" in result.reasons["mapping"]
    assert "has no other address" in result.reasons["filtering"]
    assert result.lifetime_s.stream is not None


def test_a_server_that_has_another_port_only_tells_what_it_can():
    server = StunServer(other=Endpoint(SERVER.host, 3479))
    strict = played(behind(QUICK, server=server))
    assert (strict.mapping, strict.filtering) == ("address-and-port-dependent", "address-and-port-dependent")
    open_ = played(behind(NatBehaviour(filtering=Dependence.ENDPOINT_INDEPENDENT), server=server))
    assert (open_.mapping, open_.filtering) == ("not checked", "not checked")
    assert open_.reasons["mapping"].startswith("not port-dependent")
    assert open_.reasons["filtering"].startswith("not port-dependent")


def test_a_server_that_ignores_response_port():
    assert_no_lifetimes(played(behind(QUICK, server=StunServer(redirects=False))), "ignores RESPONSE-PORT")


def test_a_server_that_does_not_know_response_port():
    assert_no_lifetimes(played(behind(QUICK, server=StunServer(refuses=(0x27,)))), "420 Unknown Attribute")


def test_a_server_that_ignores_change_request():
    result = played(behind(QUICK, server=StunServer(changes=False)))
    assert result.filtering == "not checked"
    assert "ignores CHANGE-REQUEST" in result.reasons["filtering"]
    assert result.mapping == "address-and-port-dependent"


def test_a_server_that_does_not_know_change_request():
    result = played(behind(QUICK, server=StunServer(refuses=(0x03,))))
    assert "does not do CHANGE-REQUEST: 420" in result.reasons["filtering"]


def test_a_server_whose_other_address_is_not_reachable():
    """Then silence from there says nothing about the NAT."""
    server = StunServer()
    world = behind(QUICK, server=server)
    answer = server.answer
    object.__setattr__(world, "server", _Deaf(answer))
    result = played(world)
    assert result.mapping == "not checked"
    assert "198.51.100.2:3479" in result.reasons["mapping"]
    assert result.filtering == "not checked"
    assert "at all" in result.reasons["filtering"]


class _Deaf:
    """Speaks at its first address only, and claims to have another one."""

    address = SERVER
    takes_tcp = False

    def __init__(self, answer):
        self._answer = answer

    def answer(self, now, at, source, request):
        answer = self._answer(now, at, source, request)
        return answer if at == SERVER and answer is not None and answer[0] == SERVER else None


def test_a_server_that_falls_silent_in_the_middle():
    world = behind(NatBehaviour(unreplied=60.0, replied=60.0, stream=60.0))
    world.server.silent_from = world.now + 10.0
    result = world.run(measurement(world, limits=Limits(longest=20.0)))
    assert result.lifetime_s == Lifetimes()
    for kind in KINDS:
        assert "fell silent" in result.reasons[kind]
    assert "9 s at least" in result.reasons["replied"]


# --- this end


def test_an_interface_without_a_socket_to_give():
    world = behind(QUICK)
    running = measurement(world, limits=SHORT)
    running.handle(DeadlineReached("0" * 32), world.now)
    commands = running.handle(SocketRefused(1, 99, "Cannot assign requested address"), world.now)
    result = next(command for command in commands if isinstance(command, Finished)).result
    assert_nothing_measured(result, "no socket could be opened: Cannot assign requested address")


def test_a_server_that_is_this_host():
    world = behind(QUICK)
    running = Measurement("fibre", Endpoint(SITE, 3478), started=world.now)
    assert_nothing_measured(world.run(running), "is this host")


def test_a_server_behind_our_own_address():
    world = behind(QUICK, server=StunServer(address=Endpoint(PUBLIC, 3478)))
    assert_nothing_measured(played(world), "behind the same NAT")


def test_a_nat_with_several_addresses_is_said_to_be_one():
    world = behind(QUICK)
    outward = world.nat.outward

    def pooled(now, local, remote):
        external = outward(now, local, remote)
        return external if local.port % 2 else Endpoint("203.0.113.8", external.port)

    world.nat.outward = pooled
    assert_no_lifetimes(played(world), "the NAT gives two sockets two addresses")
    assert OTHER.host == "198.51.100.2"
