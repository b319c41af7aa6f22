"""Deep probes against a real registrar with digest authentication, a real answerer that echoes, and a real mailbox.

The probes leave the CPE over fibre (topology.py); the registrar is that of registrar.py. They are carried out as the
daemon carries them out: by app/depth_background.py, with the password from a file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from tests.lab.edge_namespaces import Heard, run_inside
from tests.lab.faults import Provider
from tests.lab.registrar import PASSWORD, USER, Registrar
from tests.lab.topology import Lab
from tests.lab.wiretap import Wiretap
from tonekeeper.app.depth_background import BackgroundDepth
from tonekeeper.core.commands import ProbeDepth
from tonekeeper.core.depth.result import DepthResult, DepthVerdict, VoiceQuality
from tonekeeper.core.events import DepthProbed
from tonekeeper.core.site import Account, Depth, DepthPolicy, TlsPolicy, Transport
from tonekeeper.core.site import Path as SipPath
from tonekeeper.wire.endpoint import Endpoint

pytestmark = pytest.mark.lab

TARGETS = {Depth.REGISTER: "", Depth.CALL: "600", Depth.VOICEMAIL: ""}


@pytest.fixture(scope="module")
def standing_registrar(standing_lab: Lab) -> Iterator[Registrar]:
    with Registrar(standing_lab) as registrar:
        yield registrar


@pytest.fixture
def registrar(lab: Lab, standing_registrar: Registrar) -> Iterator[Registrar]:
    yield standing_registrar
    print(f"--- registrar\n{standing_registrar.output[-2000:]}")
    standing_registrar.restore()


class Site:
    """The CPE, from where deep probes go to a registrar."""

    def __init__(self, lab: Lab, registrar: Registrar) -> None:
        self._lab = lab
        self._registrar = registrar
        self.password_file = lab.directory / "password"
        self.write_password(PASSWORD)

    def write_password(self, password: str) -> None:
        self.password_file.write_text(f"{password}\n")
        self.password_file.chmod(0o600)

    def command(self, depth: Depth, *, transport: Transport = Transport.UDP, target: str = "") -> ProbeDepth:
        port = self._registrar.tls_port if transport is Transport.TLS else self._registrar.port
        return ProbeDepth(
            path=SipPath("fibre", "registrar", transport, Endpoint(self._registrar.address, port)),
            policy=DepthPolicy(depth, 60.0, target or TARGETS[depth]),
            account=Account(USER, password_file=str(self.password_file)),
            interface="eth0",
            source="",
            request_host=self._registrar.host,
            server_name=self._registrar.host,
            tls=TlsPolicy(ca_file=str(self._lab.authority.root)),
        )

    def probe(self, depth: Depth, **changes: object) -> DepthResult:
        async def scenario() -> DepthResult:
            heard = Heard()
            background = BackgroundDepth(heard.report)
            background.execute(self.command(depth, **changes))
            event = await heard.first(lambda event: isinstance(event, DepthProbed), within=20.0)
            background.close()
            return event.result

        result = run_inside(self._lab.cpe.namespace, scenario)
        print(result)
        assert PASSWORD.encode() not in msgspec.json.encode(result)
        return result

    def voice(self, **changes: object) -> VoiceQuality:
        voice = self.probe(Depth.CALL, **changes).voice
        assert voice is not None
        return voice


@pytest.fixture
def site(lab: Lab, registrar: Registrar) -> Site:
    return Site(lab, registrar)


# --- registering


@pytest.mark.parametrize("transport", list(Transport))
def test_a_contact_is_registered_and_removed(site, registrar, transport):
    result = site.probe(Depth.REGISTER, transport=transport)
    assert (result.verdict, result.statuses, result.left_behind) == (DepthVerdict.PASSED, (401, 200, 200), "")
    assert (result.realm, result.algorithm) == ("example.net", "MD5")
    assert "lab-registrar" in result.server
    assert "tonekeeper-" not in registrar.bindings()


def test_a_wrong_password_is_denied_and_tried_once(site):
    site.write_password("wrong")
    result = site.probe(Depth.REGISTER)
    assert (result.verdict, result.statuses) == (DepthVerdict.DENIED, (401, 401))


def test_a_broken_registrar_behind_a_healthy_front_is_found(site, registrar):
    registrar.refuse_register(500)
    result = site.probe(Depth.REGISTER)
    assert (result.verdict, result.statuses) == (DepthVerdict.FAILED, (500,))
    assert result.reason == "REGISTER was answered 500 As Told"


def test_a_server_in_maintenance_is_left_alone_as_long_as_it_asks(site, registrar):
    registrar.answer_503(retry_after=30)
    result = site.probe(Depth.REGISTER)
    assert (result.verdict, result.retry_after) == (DepthVerdict.DRAINING, 30)


def test_a_registrar_that_is_gone_is_told_at_once(site, registrar):
    registrar.stop()
    result = site.probe(Depth.REGISTER)
    assert result.verdict is DepthVerdict.UNANSWERED
    assert result.reason == f"ICMP 3/3 from {registrar.address}"
    assert result.elapsed_s < 1.0


def test_silence_is_told_after_eight_seconds(lab, site, registrar):
    with lab.provider("fibre").silence(registrar.address):
        result = site.probe(Depth.REGISTER)
    assert (result.verdict, result.reason) == (DepthVerdict.UNANSWERED, "no answer to REGISTER within 8 s")


@contextmanager
def another(lab: Lab, standing: Registrar, **settings: object) -> Iterator[Registrar]:
    """In the place of the standing one."""
    standing.stop()
    try:
        with Registrar(lab, **settings) as registrar:
            yield registrar
    finally:
        standing.start()


def test_a_registrar_with_a_better_hash_is_answered_in_it(lab, standing_registrar):
    with another(lab, standing_registrar, algorithm="SHA-256") as registrar:
        result = Site(lab, registrar).probe(Depth.REGISTER)
    assert (result.verdict, result.algorithm) == (DepthVerdict.PASSED, "SHA-256")


def test_a_registrar_whose_nonces_serve_once_is_asked_again(lab, standing_registrar):
    with another(lab, standing_registrar, one_time_nonce=True) as registrar:
        result = Site(lab, registrar).probe(Depth.REGISTER)
        assert "tonekeeper-" not in registrar.bindings()
    assert (result.verdict, result.statuses) == (DepthVerdict.PASSED, (401, 200, 401, 200))
    assert result.left_behind == ""


# --- calling


@contextmanager
def filtered(provider: Provider, rule: str) -> Iterator[None]:
    """A rule at the provider's router, before connection tracking."""
    chain = f"chain voice {{\ntype filter hook prerouting priority -400\n{rule}\n}}"
    provider.namespace.nft(f"table inet voice {{\n{chain}\n}}\n")
    try:
        yield
    finally:
        provider.namespace.run("nft", "delete", "table", "inet", "voice")


@pytest.mark.parametrize("transport", list(Transport))
def test_a_call_that_is_echoed_passes(site, transport):
    result = site.probe(Depth.CALL, transport=transport)
    assert (result.verdict, result.statuses, result.left_behind) == (DepthVerdict.PASSED, (407, 200, 200), "")
    voice = result.voice
    assert voice is not None
    assert (voice.sent, voice.received, voice.one_way) == (100, 100, "")
    assert voice.mos is not None
    assert voice.mos > 4.0
    assert voice.round_trip_ms is not None


def test_an_answered_call_that_stays_silent_is_one_way(site):
    result = site.probe(Depth.CALL, target="601")
    assert result.verdict is DepthVerdict.FAILED
    assert "nothing comes back" in result.reason
    assert result.voice is not None
    assert result.voice.received == 0


def test_a_firewall_that_lets_no_voice_back_makes_the_call_one_way(lab, site):
    with filtered(lab.provider("fibre"), "iifname uplink udp sport 30000 drop"):
        result = site.probe(Depth.CALL)
    assert result.verdict is DepthVerdict.FAILED
    assert "nothing comes back" in result.reason


def test_a_third_of_the_voice_lost_is_measured_and_sounds_bad(lab, site, registrar):
    with filtered(lab.provider("fibre"), "ip daddr 203.0.113.2 udp dport 30000 numgen random mod 100 < 30 drop"):
        voice = site.voice()
    assert 0.12 < voice.loss < 0.5
    assert voice.mos is not None
    assert voice.mos < 3.2
    assert voice.one_way == ""


def test_a_call_passes_on_a_line_that_loses_nearly_every_third_packet(lab, site, registrar):
    """The first of every three is lost on its way there, the same ones each time."""
    lab.provider("fibre").lose_bursts(1, 3, registrar.address)
    result = site.probe(Depth.CALL)
    assert result.verdict is DepthVerdict.PASSED
    assert result.voice is not None
    assert result.voice.loss == pytest.approx(0.33, abs=0.03)
    assert result.left_behind == ""


def test_a_call_that_only_rings_is_cancelled(site):
    result = site.probe(Depth.CALL, target="602")
    assert (result.verdict, result.statuses, result.left_behind) == (DepthVerdict.FAILED, (407, 487), "")


def test_a_number_that_is_not_known_is_named(site):
    result = site.probe(Depth.CALL, target="699")
    assert (result.verdict, result.statuses) == (DepthVerdict.FAILED, (407, 404))


# --- asking for messages


@pytest.mark.parametrize("transport", list(Transport))
def test_a_mailbox_tells_of_its_messages(site, transport):
    result = site.probe(Depth.VOICEMAIL, transport=transport)
    assert (result.verdict, result.statuses) == (DepthVerdict.PASSED, (407, 202))
    assert result.messages_waiting is True


def test_a_mailbox_that_never_notifies_is_broken(site):
    result = site.probe(Depth.VOICEMAIL, target="101")
    assert (result.verdict, result.statuses) == (DepthVerdict.FAILED, (407, 202))
    assert "no NOTIFY came" in result.reason


def test_a_server_without_mailboxes_says_so(site):
    result = site.probe(Depth.VOICEMAIL, target="102")
    assert (result.verdict, result.statuses) == (DepthVerdict.FAILED, (407, 489))


# --- the end of the agent


def test_a_call_that_is_abandoned_is_hung_up(lab, site, registrar):
    far = (registrar.address, registrar.port)
    with Wiretap(lab.provider("fibre").namespace, "access") as wiretap:

        async def scenario() -> list[object]:
            heard = Heard()
            background = BackgroundDepth(heard.report)
            background.execute(site.command(Depth.CALL))
            await asyncio.to_thread(wiretap.next, lambda seen: seen.payload[:1] == b"\x80", within=5.0)
            background.close()
            return list(heard.events)

        assert run_inside(lab.cpe.namespace, scenario) == []
        wiretap.next(lambda seen: seen.destination == far and seen.payload.startswith(b"BYE "), within=2.0)
