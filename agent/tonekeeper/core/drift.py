"""A standby drifts from the primary until the day it is needed: what is known of each, and what a phone would notice.

Traits come from answers to OPTIONS, from TLS handshakes, and from deep probes. What is unknown neither replaces what
was known nor counts as a difference. Answers to different requests are not compared with each other: a registrar
supports other extensions than the proxy before it, so methods, extensions, bodies and event packages are those of
answers to OPTIONS only.

A difference counts where a phone that worked at the primary would find something else at the alternate. What the
alternate has beyond the primary is not missed by anybody. The cipher is kept for people to see and not compared: two
servers choose differently among good ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from tonekeeper.core.depth.result import DepthResult
from tonekeeper.core.events import TlsFacts
from tonekeeper.core.functions import Function, FunctionState, SbcFunctions
from tonekeeper.wire.sip.self_description import Named, SelfDescription

TLS_VERSIONS = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
"""Ascending."""

_PRODUCT = re.compile(r"(.+?)[ /(_-]+v?\.?([0-9]+\.[0-9A-Za-z.+~-]*|[0-9]+(?![0-9A-Za-z]))")
"""The first number with a dot, or by itself, after a name. A server's name is 128 characters at most."""

METHODS = {
    "REGISTER": "phones cannot register",
    "INVITE": "there are no calls",
    "ACK": "there are no calls",
    "BYE": "calls are not ended",
    "CANCEL": "phones go on ringing",
    "OPTIONS": "phones that ask by OPTIONS take it for dead",
    "REFER": "calls cannot be transferred",
    "SUBSCRIBE": "busy lamps and the voicemail light stay dark",
    "NOTIFY": "busy lamps and the voicemail light stay dark",
    "UPDATE": "calls cannot be changed while they ring, nor refreshed",
    "PRACK": "ringing is not confirmed, announcements before the answer may get lost",
    "INFO": "digits sent by INFO are lost",
    "MESSAGE": "text messages fail",
    "PUBLISH": "phones cannot publish their presence",
}
EXTENSIONS = {
    "100rel": "ringing is not confirmed, announcements before the answer may get lost",
    "timer": "calls that broke are noticed late",
    "replaces": "attended transfer and call pickup fail",
    "outbound": "phones cannot keep a second connection in reserve",
    "gruu": "transfers to one of several phones of a user fail",
    "norefersub": "blind transfers wait for a subscription",
    "eventlist": "busy lamps that are subscribed as a list stay dark",
    "join": "nobody can join a call that goes on",
}
BODIES = {
    "application/sdp": "there are no calls",
    "application/dtmf-relay": "digits sent by INFO are lost",
    "application/dtmf": "digits sent by INFO are lost",
    "message/sipfrag": "transfers do not tell how they end",
}
EVENTS = {
    "dialog": "busy lamps stay dark",
    "message-summary": "the voicemail light stays dark",
    "presence": "presence is not shown",
    "call-info": "shared lines do not show who is on them",
    "line-seize": "shared lines cannot be taken",
    "as-feature-event": "forwarding and do-not-disturb set at the phone are not taken over",
}
"""What a phone would notice, and how."""


@dataclass(frozen=True, slots=True)
class ServerTraits:
    """Empty, or None: not known."""

    methods: Named = None
    extensions: Named = None
    bodies: Named = None
    events: Named = None
    product: str = ""
    version: str = ""
    """Of the product."""
    tls_version: str = ""
    tls_cipher: str = ""
    tls_issuer: str = ""
    realm: str = ""
    algorithm: str = ""
    registers: bool | None = None
    calls: bool | None = None
    media: bool | None = None
    voicemail: bool | None = None

    def described(self, description: SelfDescription) -> ServerTraits:
        """Learn from an answer to OPTIONS."""
        known = self.names_itself(description.server).challenges(description.realm, description.algorithm)
        return replace(
            known,
            methods=_newer(description.methods, self.methods),
            extensions=_newer(description.extensions, self.extensions),
            bodies=_newer(description.bodies, self.bodies),
            events=_newer(description.events, self.events),
        )

    def names_itself(self, server: str) -> ServerTraits:
        """Learn from Server or User-Agent, which every reply to a probe has."""
        if not server:
            return self
        product, version = product_of(server)
        return replace(self, product=product, version=version)

    def challenges(self, realm: str, algorithm: str) -> ServerTraits:
        return replace(self, realm=realm, algorithm=algorithm) if realm else self

    def shook_hands(self, facts: TlsFacts) -> ServerTraits:
        """Learn from a handshake. A certificate that nobody accepts is told by itself and compared with none."""
        if facts.problem or not facts.version:
            return self
        return replace(self, tls_version=facts.version, tls_cipher=facts.cipher, tls_issuer=facts.issuer)

    def probed(self, result: DepthResult) -> ServerTraits:
        """Learn from a deep probe how the server authenticates."""
        return self.challenges(result.realm, result.algorithm)

    def works(self, functions: SbcFunctions) -> ServerTraits:
        """Take over what is proven: two failures, not one, make a difference."""
        return replace(
            self,
            registers=_passes(functions, Function.REGISTRATION),
            calls=_passes(functions, Function.CALLS),
            media=_passes(functions, Function.MEDIA),
            voicemail=_passes(functions, Function.VOICEMAIL),
        )


def _newer(new: Named, old: Named) -> Named:
    return old if new is None else new


def _passes(functions: SbcFunctions, function: Function) -> bool | None:
    state = functions.state(function)
    return None if state is FunctionState.UNKNOWN else state is FunctionState.OK


def product_of(server: str) -> tuple[str, str]:
    """Product and version of "kamailio (5.6.3 (x86_64/linux))", "FPBX-16.0.40(18.9)"; no version where none is told."""
    found = _PRODUCT.match(server)
    return (server, "") if found is None else (found[1].strip(), found[2].rstrip(".-"))


@dataclass(frozen=True, slots=True)
class Difference:
    trait: str
    """method, extension, body, event-package, product, version, tls-version, tls-issuer, realm, algorithm,
    registration, calls, media, voicemail"""
    primary: str
    alternate: str
    sentence: str
    """Without capital and full stop, as the reasons of findings are."""


def compare(primary: ServerTraits, alternate: ServerTraits) -> tuple[Difference, ...]:
    """What a phone that moves to the alternate would notice, the worst first."""
    return (
        *_unproven(primary, alternate),
        *_challenged(primary, alternate),
        *_missing("method", "allow", METHODS, primary.methods, alternate.methods),
        *_missing("extension", "support", EXTENSIONS, primary.extensions, alternate.extensions),
        *_missing("body", "accept", BODIES, primary.bodies, alternate.bodies, _is_accepted),
        *_missing("event-package", "know", EVENTS, primary.events, alternate.events),
        *_secured(primary, alternate),
        *_built(primary, alternate),
    )


def _unproven(primary: ServerTraits, alternate: ServerTraits) -> Iterator[Difference]:
    for trait, what, here, there in (
        ("registration", "a registration", primary.registers, alternate.registers),
        ("calls", "a call", primary.calls, alternate.calls),
        ("media", "the voice of a call", primary.media, alternate.media),
        ("voicemail", "a voicemail subscription", primary.voicemail, alternate.voicemail),
    ):
        if here is True and there is False:
            yield Difference(trait, "passes", "fails", f"{what} passes at the primary and fails at the alternate")


def _challenged(primary: ServerTraits, alternate: ServerTraits) -> Iterator[Difference]:
    here, there = primary.realm, alternate.realm
    if here and there and here != there:
        sentence = (
            f"the alternate authenticates for realm '{there}', the primary for '{here}': "
            "phones that hold a hash instead of the password are refused"
        )
        yield Difference("realm", here, there, sentence)
    here, there = primary.algorithm, alternate.algorithm
    if here and there and here.upper() != there.upper():
        sentence = f"the alternate authenticates by {there}, the primary by {here}: not every phone knows both"
        yield Difference("algorithm", here, there, sentence)


def _is_among(name: str, names: tuple[str, ...]) -> bool:
    return name in names


def _is_accepted(media_type: str, ranges: tuple[str, ...]) -> bool:
    """RFC 3261 section 20.1: ranges may be open."""
    return any(accepted in ranges for accepted in (media_type, media_type.partition("/")[0] + "/*", "*/*"))


def _missing(
    trait: str,
    verb: str,
    noticed: Mapping[str, str],
    primary: Named,
    alternate: Named,
    is_there: Callable[[str, tuple[str, ...]], bool] = _is_among,
) -> Iterator[Difference]:
    if primary is None or alternate is None:
        return
    for name, effect in noticed.items():
        if is_there(name, primary) and not is_there(name, alternate):
            yield Difference(trait, name, "", f"the alternate does not {verb} {name}: {effect}")


def _secured(primary: ServerTraits, alternate: ServerTraits) -> Iterator[Difference]:
    here, there = primary.tls_version, alternate.tls_version
    if here in TLS_VERSIONS and there in TLS_VERSIONS and TLS_VERSIONS.index(there) < TLS_VERSIONS.index(here):
        sentence = f"the alternate speaks {there}, the primary {here}: phones that ask for {here} are refused"
        yield Difference("tls-version", here, there, sentence)
    issued_here, issued_there = _organisation(primary.tls_issuer), _organisation(alternate.tls_issuer)
    if issued_here and issued_there and issued_here != issued_there:
        sentence = (
            f"the alternate has its certificate from {issued_there}, the primary from {issued_here}: "
            "phones that trust one authority only refuse it"
        )
        yield Difference("tls-issuer", primary.tls_issuer, alternate.tls_issuer, sentence)


def _organisation(issuer: str) -> str:
    """Of a name as RFC 4514 writes it: an authority signs with ever new intermediates of its own."""
    parts = [part.strip() for part in issuer.split(",")]
    return next((part[2:] for part in parts if part.startswith("O=")), issuer)


def _built(primary: ServerTraits, alternate: ServerTraits) -> Iterator[Difference]:
    if not (primary.product and alternate.product):
        return
    if primary.product.lower() != alternate.product.lower():
        sentence = (
            f"the alternate is {alternate.product}, the primary {primary.product}: another make behaves otherwise"
        )
        yield Difference("product", primary.product, alternate.product, sentence)
    elif primary.version and alternate.version and primary.version != alternate.version:
        sentence = f"the alternate runs {alternate.product} {alternate.version}, the primary {primary.version}"
        yield Difference("version", primary.version, alternate.version, sentence)
