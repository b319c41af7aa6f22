"""Phones, and what their firmware cannot do."""

from tonekeeper.faces.playbook.advice import Advice

_BY_PROFILE = (
    "As sure as the profile of the model: `tonekeeper profiles show yealink-desk` tells how sure each of its facts is, "
    "and where it is from. What the profile does not know leads to no finding."
)

PHONES = {
    "phone-cannot-failover-fast": Advice(
        means="Phones of this model hold on to a silent SBC for long, or notice late that it is gone. Meanwhile they "
        "cannot be called.",
        sureness=_BY_PROFILE,
        try_first=(
            "`tonekeeper forecast --profile yealink-desk --incident primary-silent` shows it second by second.",
            'Let the agent steer (`[failover] mode = "steer"`): a fault of a WAN is then over before the phone '
            "notices.",
            "Where it matters, another model or firmware.",
        ),
        leave_alone="Do not set timers below what the model can do: it takes the factory's instead.",
    ),
    "phone-keepalive-above-nat-lifetime": Advice(
        means="Nothing that this model can send is frequent enough for the NAT measured here: calls will not come in.",
        sureness=f"The lifetime is measured. {_BY_PROFILE}",
        try_first=(
            "Raise the UDP timeout of your own router: see [nat-binding-short](#nat-binding-short).",
            "SIP over TCP or TLS, where model and SBC have it.",
            "Ask the SBC's operator to accept a shorter expiry.",
        ),
        leave_alone="Do not use the voicemail subscription or BLF as a keepalive; they end one day.",
    ),
    "phone-no-jitter": Advice(
        means="Phones of this model that failed together come back in the same second.",
        sureness=_BY_PROFILE,
        try_first=(
            "Give each phone a value of its own: `tonekeeper tune --profile yealink-desk --phones 12 --phone 3`.",
            "Ask the SBC's operator what happens when all register at once.",
        ),
        leave_alone="Do not restart all phones together.",
    ),
    "phone-no-alternate": Advice(
        means="Phones of this model know one SBC and nothing else. When it fails they wait.",
        sureness=_BY_PROFILE,
        try_first=(
            "A name with SRV records for both SBCs, without a port, if the model looks that up.",
            "Let the agent steer: it helps against the loss of a WAN, not against that of the SBC.",
            "Where it matters, another model or firmware.",
        ),
        leave_alone="Do not write the alternate into a field of another meaning (outbound proxy) without trying it.",
    ),
    "phones-exceed-registrar": Advice(
        means="After an outage, the phones of this site together ask the registrar more often than it bears.",
        sureness=f"Computed for the worst moment after an outage of up to ten minutes. {_BY_PROFILE}",
        try_first=(
            "Ask the provider what the registrar bears; the figure in use is the one that was given.",
            "`tonekeeper tune --profile yealink-desk --phones 12 --registrar-rate 20` stretches their waits.",
            "Have the registrar answer 503 with Retry-After under load.",
        ),
        leave_alone="Do not restart phones after an outage to hurry them.",
    ),
}
