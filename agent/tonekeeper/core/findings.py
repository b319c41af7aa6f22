"""The catalogue of findings. A code never changes its meaning; what is measured goes into the evidence.

`depends_on`: a finding stays quiet while one of these is active, because that one explains it.
`visible_after`: seconds a finding must last before it is shown; a short-lived one is nobody's business.
`{subject}` and the evidence's keys may be used in `summary` and `remedy`.
"""

from __future__ import annotations

from dataclasses import dataclass

from tonekeeper.core.report import Severity


@dataclass(frozen=True, slots=True)
class Entry:
    code: str
    severity: Severity
    summary: str
    remedy: str
    depends_on: tuple[str, ...] = ()
    visible_after: float = 0.0


CATALOGUE: dict[str, Entry] = {
    entry.code: entry
    for entry in (
        Entry(
            "site-offline",
            Severity.CRITICAL,
            "No SBC answers over any WAN: {why}.",
            "Check this site's own connection first (power, modem, cabling, the provider's status page); "
            "then what all WANs have in common.",
        ),
        Entry(
            "wan-down",
            Severity.CRITICAL,
            "WAN {subject} carries nothing: {why}.",
            "Check the line and the modem of {subject} (interface {interface}), then call its provider "
            "with this evidence.",
        ),
        Entry(
            "wan-flapping",
            Severity.WARNING,
            "WAN {subject} keeps coming and going: {losses} losses in the last hour. "
            "It is not trusted for {minutes} min more.",
            "Have the line of {subject} (interface {interface}) measured by its provider; nothing is moved back to it "
            "before it has been quiet.",
        ),
        Entry(
            "wan-degraded",
            Severity.WARNING,
            "WAN {subject} {why}.",
            "Look for congestion (uploads, a queue that is too long) on {subject}, then have the line measured.",
            depends_on=("site-offline",),
            visible_after=10.0,
        ),
        Entry(
            "single-wan",
            Severity.INFO,
            "This site has one WAN, {subject}: when it fails, nothing can be done about it.",
            "Add a second access circuit, best of another kind and another provider.",
        ),
        Entry(
            "shared-fate",
            Severity.WARNING,
            "The WANs {subject} leave through the same router {router}: what stops one will stop the other.",
            "Ask the providers for circuits that share neither modem, line nor first router.",
        ),
        Entry(
            "rp-filter-strict",
            Severity.WARNING,
            "Strict rp_filter on {interface} makes the kernel drop answers that come over {subject} while the main "
            "route leads elsewhere.",
            "sysctl -w net.ipv4.conf.{interface}.rp_filter=2 (and net.ipv4.conf.all.rp_filter=2 if that is 1), "
            "and keep it in /etc/sysctl.d/.",
        ),
        Entry(
            "stale-binding",
            Severity.WARNING,
            "{count} SIP or RTP flows still leave with the address of another WAN than {subject}: {flows}.",
            "They die by themselves when the phone is silent; or delete them: conntrack -D -p udp -d ADDRESS.",
        ),
        Entry(
            "steering-refused",
            Severity.CRITICAL,
            "The site should be on {subject}, but the kernel did not take the routes: {why}.",
            "See the reason; a missing permission needs CAP_NET_ADMIN. It is tried again every 30 s.",
        ),
        Entry(
            "steering-disturbed",
            Severity.WARNING,
            "Something on this host keeps removing the {what} that steer SIP and RTP to {subject}: {times} times "
            "within a minute. They are put back, once a second at most.",
            "Find what does it (its log, beside `ip -t monitor route rule`) and have it leave protocol 106 alone; "
            "systemd-networkd needs ManageForeignRoutes=no and ManageForeignRoutingPolicyRules=no.",
        ),
        Entry(
            "flows-unseen",
            Severity.WARNING,
            "Connection tracking cannot be read: {why}. After a move, phones stay on the old WAN until their "
            "entries expire.",
            "Give the agent CAP_NET_ADMIN and the kernel module nf_conntrack_netlink.",
        ),
        Entry(
            "switch-taken-back",
            Severity.WARNING,
            "The move to {subject} did not help and was taken back.",
            "See why {subject} answered probes and failed afterwards; it is not tried again before it is proven anew.",
        ),
        Entry(
            "sbc-flapping",
            Severity.WARNING,
            "SBC {subject} keeps coming and going: {losses} losses in the last hour. "
            "It is not trusted for {minutes} min more.",
            "Report it to the SBC's operator with the times.",
        ),
        Entry(
            "sbc-down",
            Severity.CRITICAL,
            "SBC {subject} does not answer, and it is not this site's WANs: {why}.",
            "Report it to the SBC's operator with the addresses and times below; nothing on this site will mend it.",
            depends_on=("site-offline", "tls-invalid"),
        ),
        Entry(
            "sbc-degraded",
            Severity.WARNING,
            "SBC {subject} answers, but not as a healthy one: {why}.",
            "Report the response code to the SBC's operator.",
            depends_on=("site-offline", "sbc-auth-broken", "media-one-way", "media-poor"),
            visible_after=5.0,
        ),
        Entry(
            "sbc-draining",
            Severity.WARNING,
            "SBC {subject} asks to be left alone: {why}.",
            "Usually maintenance: wait, or ask the SBC's operator how long it will take.",
        ),
        Entry(
            "sbc-unresolved",
            Severity.CRITICAL,
            "The name of SBC {subject} ({host}) leads nowhere: {why}.",
            "Check the name in the configuration, then this host's resolvers (/etc/resolv.conf).",
            visible_after=5.0,
        ),
        Entry(
            "tls-invalid",
            Severity.CRITICAL,
            "The certificate of SBC {subject} at {address} is not acceptable: {why}.",
            "Phones that check certificates cannot connect. Tell the SBC's operator; where it names a CA of your own, "
            "give it as [sbc.tls] ca_file; see that this host's clock is right.",
            depends_on=("site-offline",),
        ),
        Entry(
            "tls-expiring",
            Severity.WARNING,
            "The certificate of SBC {subject} at {address} expires in {days} days.",
            "Tell the SBC's operator, who has it renewed (issued by {issuer}).",
        ),
        Entry(
            "same-address-twice",
            Severity.WARNING,
            "The SBCs {subject} {why}: what stops one will stop the other.",
            "Ask the provider for an alternate in another data center, or take the second name out.",
        ),
        Entry(
            "sbc-auth-broken",
            Severity.CRITICAL,
            "SBC {subject} does not accept the test account: {why}.",
            "Check the account in [sbc.account]; if it is right, phones cannot register there either: report it to "
            "the SBC's operator.",
            depends_on=("site-offline", "sbc-down"),
        ),
        Entry(
            "function-failing",
            Severity.WARNING,
            "Over {wans}, {function} with SBC {subject} fails while it works elsewhere: {why}.",
            "Look for what that WAN has of its own: a SIP ALG, a firewall rule, a NAT that forgets early.",
            depends_on=("site-offline", "wan-down", "sbc-auth-broken", "media-one-way", "media-poor"),
        ),
        Entry(
            "media-one-way",
            Severity.CRITICAL,
            "Calls to {subject} are heard one way only: {why}.",
            "Look for a NAT or firewall that lets RTP out and not in, for a SIP ALG that rewrites SDP, and for an SBC "
            "that sends media from another address.",
            depends_on=("site-offline", "sbc-down"),
        ),
        Entry(
            "media-poor",
            Severity.WARNING,
            "Calls to {subject} sound bad: MOS {mos}, {loss} lost, jitter {jitter} ms.",
            "Look for congestion on the WAN (uploads, a queue that is too long); if other SBCs sound well over it, "
            "report it to the SBC's operator.",
            depends_on=("site-offline", "sbc-down", "wan-degraded"),
        ),
        Entry(
            "depth-not-checked",
            Severity.WARNING,
            "SBC {subject} is not proven as deeply as configured, the probe ({depths}) could not be made over {wans}: "
            "{why}.",
            "Mend what the reason names; until then only that it answers is known of it. It is tried again after its "
            "interval, and soon after a SIGHUP.",
            depends_on=("site-offline", "sbc-down"),
        ),
        Entry(
            "standby-unproven",
            Severity.WARNING,
            "The standby {subject} has not passed a {depth} probe {ago}: whether it would work is not known.",
            "See why the probe does not pass ({why}); a standby that was never used is a second incident.",
            depends_on=("site-offline", "sbc-down", "sbc-auth-broken", "depth-not-checked"),
            visible_after=60.0,
        ),
        Entry(
            "standby-drift",
            Severity.WARNING,
            "The standby {subject} differs from {primary} in what phones notice: {why}.",
            "Have the provider configure both alike, or expect phones to behave differently after a failover.",
        ),
        Entry(
            "dns-broken",
            Severity.WARNING,
            "The DNS server {resolver} of WAN {subject} does not answer as it should: {why}.",
            "Restart or replace it, or name other servers in [[wan]] resolvers; the SBCs' remembered addresses are "
            "used meanwhile.",
            depends_on=("site-offline", "wan-down"),
            visible_after=5.0,
        ),
        Entry(
            "dns-lies",
            Severity.WARNING,
            "The DNS server {resolver} of WAN {wan} says that {host} is at {named}, where nothing speaks SIP. "
            "{kept} is used on.",
            "Look for a captive portal, a landing page or a filter that rewrites DNS on {wan}; phones that ask this "
            "server go there.",
            depends_on=("site-offline",),
        ),
        Entry(
            "dns-stale",
            Severity.WARNING,
            "Nobody has confirmed the addresses of SBC {subject} ({host}) for {age}: {why}. {kept} is used on.",
            "Check this host's DNS servers; phones that start now find no SBC.",
            depends_on=("site-offline",),
        ),
        Entry(
            "path-down",
            Severity.WARNING,
            "The way {subject} is closed, while its WAN and its SBC work otherwise: {why}.",
            "Look for a firewall rule that allows only some SBC addresses, here or upstream.",
            depends_on=("site-offline",),
            visible_after=2.0,
        ),
        Entry(
            "path-degraded",
            Severity.WARNING,
            "Calls to {subject} would suffer: {why}.",
            "Look for congestion between that WAN's provider and the SBC, and report it to both with this evidence.",
            depends_on=("site-offline", "wan-degraded"),
            visible_after=10.0,
        ),
        Entry(
            "probe-refused",
            Severity.CRITICAL,
            "The path {subject} cannot be probed from here: {why}.",
            "See the reason: a missing permission needs CAP_NET_RAW, a forbidden packet needs a rule that lets it out.",
            depends_on=("wan-down",),
        ),
        Entry(
            "no-alternate",
            Severity.WARNING,
            "There is nowhere to go if {subject} fails: {why}.",
            "Configure a second SBC or a second WAN, and see that its paths are up.",
            depends_on=("site-offline",),
            visible_after=10.0,
        ),
        Entry(
            "not-on-first-choice",
            Severity.INFO,
            "The site belongs on {preferred} but is better off on {subject} for now: {why}.",
            "None needed: the way back is taken when {preferred} has been proven long enough.",
        ),
        Entry(
            "failover-suppressed",
            Severity.WARNING,
            "A move away from {subject} is due but held back: {why}.",
            "Mend what keeps failing; the guardrails are [failover] switches, switch_refill and min_dwell.",
            depends_on=("site-offline", "no-alternate"),
            visible_after=5.0,
        ),
        Entry(
            "nat-binding-short",
            Severity.WARNING,
            "The NAT behind {subject} forgets an idle UDP binding after {low}-{high} s: phones that keep alive more "
            "slowly than every {keepalive} s miss inbound calls.",
            "Set the phones' keepalive to {keepalive} s or less, or raise the UDP timeout of the router or provider.",
        ),
        Entry(
            "nat-symmetric",
            Severity.INFO,
            "The NAT behind {subject} maps each destination to another port ({mapping}): a phone's address is not the "
            "same for every SBC.",
            "Nothing, as long as the SBCs answer to where requests come from (rport, RFC 3581); "
            "do not use STUN in phones.",
        ),
        Entry(
            "cgn-detected",
            Severity.WARNING,
            "The provider of {subject} translates once more: this router has {local}, the world sees {mapped}.",
            "Ask the provider for a public address where short bindings or port limits hurt.",
        ),
        Entry(
            "sip-alg-active",
            Severity.WARNING,
            "Something on the way over {subject} rewrites SIP: {evidence}.",
            "Switch the SIP helper or ALG off (RFC 4787 REQ-10): on Linux remove `ct helper` rules and "
            'nf_conntrack_sip, on a modem look for "SIP ALG".',
        ),
        Entry(
            "nat-udp-timeout-below-rfc4787",
            Severity.INFO,
            "The NAT behind {subject} forgets idle UDP bindings ({kinds}) after {high} s at most; RFC 4787 REQ-5 asks "
            "for 120.",
            "Raise it where the router is yours: net.netfilter.nf_conntrack_udp_timeout and _stream on Linux.",
        ),
        Entry(
            "phone-cannot-failover-fast",
            Severity.WARNING,
            "Phones of the model {subject} cannot leave a silent SBC fast: {why}.",
            "Incoming calls fail for up to {nearest}. Have the agent steer the site to the SBC that works, which no "
            "phone notices, or use another model where this matters.",
        ),
        Entry(
            "phone-keepalive-above-nat-lifetime",
            Severity.WARNING,
            "Phones of the model {subject} cannot keep a binding alive: it takes a packet every {needed} ({why}), and "
            "the nearest they can do is {nearest}.",
            "Raise the UDP timeout of the router or provider, let the registrar accept a shorter expiry, or use TCP.",
        ),
        Entry(
            "phone-no-jitter",
            Severity.INFO,
            "Phones of the model {subject} have no jitter: {phones} of them that failed together come back together.",
            "Nearest to it: {nearest}.",
        ),
        Entry(
            "phone-no-alternate",
            Severity.WARNING,
            "Phones of the model {subject} have nowhere to go when their SBC fails: {why}.",
            "Use {nearest}.",
        ),
        Entry(
            "phones-exceed-registrar",
            Severity.WARNING,
            "After an outage, {phones} phones of the model {subject} exceed the {rate} registrations per second that "
            "the registrar takes: {nearest} are the fewest that they can do.",
            "Ask the provider what the registrar bears, spread the phones over several, or have it answer 503 with "
            "Retry-After.",
        ),
        Entry(
            "firewall-blocks-alternate",
            Severity.CRITICAL,
            "The firewall lets {origin} reach another SBC but not {subject}: a failover to it would not work. "
            "It is stopped by {rule}.",
            "{change}",
        ),
        Entry(
            "firewall-blocks-sip",
            Severity.CRITICAL,
            "The firewall does not let {origin} reach {subject} ({flows}): {rule}.",
            "{change}",
        ),
        Entry(
            "firewall-blocks-rtp",
            Severity.CRITICAL,
            "The firewall lets SIP through to {subject}, and not its media ({flows}): {rule}.",
            "{change}",
        ),
        Entry(
            "firewall-blocks-return",
            Severity.CRITICAL,
            "The firewall lets packets out over {subject} and drops the answers to them ({flows}): {rule}.",
            "{change}",
        ),
        Entry(
            "firewall-blocks-dns",
            Severity.WARNING,
            "The firewall does not let {origin} ask the name servers of {subject} ({flows}): {rule}.",
            "{change}",
        ),
        Entry(
            "firewall-wan-specific",
            Severity.CRITICAL,
            "The firewall stops on WAN {subject} what it lets through on another one ({flows}): {rule}.",
            "{change}",
        ),
        Entry(
            "firewall-rate-limits-sip",
            Severity.WARNING,
            "A rule limits how much may pass between {origin} and {subject} ({flows}): {rule}.",
            "Take SIP and RTP of the SBCs out of the limit: a rule that accepts them before this one.",
        ),
        Entry(
            "dnat-captures-sip",
            Severity.WARNING,
            "SIP from {origin} to {subject} does not get there: a rule redirects it to {arrives_at}.",
            "Except the addresses of the SBCs from the redirection, if it is not meant for them.",
        ),
        Entry(
            "sip-helper-attached",
            Severity.WARNING,
            "The ruleset attaches the kernel's SIP helper, which rewrites SIP: {rule}.",
            "Remove the rule (on OpenWrt: `option auto_helper 0` in the zone), or set "
            "net.netfilter.nf_conntrack_helper = 0; then `conntrack -D -p udp --dport 5060`.",
        ),
        Entry(
            "flow-offload-udp",
            Severity.INFO,
            "Flows of UDP are offloaded past the rules: counters, marks and moves of calls do not see them: {rule}.",
            "Offload TCP only (`meta l4proto tcp flow add ...`), where SIP and RTP are to be steered or seen.",
        ),
        Entry(
            "firewall-udp-timeout-low",
            Severity.WARNING,
            "This firewall forgets UDP flows early: {timeouts} ({set_by}).",
            "Raise them: sysctl -w net.netfilter.nf_conntrack_udp_timeout=30 "
            "net.netfilter.nf_conntrack_udp_timeout_stream=120, or the policy of the ct timeout.",
        ),
        Entry(
            "journal-unwritable",
            Severity.WARNING,
            "The journal cannot be written: {why}. Probing goes on; what happens meanwhile cannot be replayed.",
            "Free space or fix the permissions of the state directory ([agent] state_dir).",
        ),
        Entry(
            "http-unavailable",
            Severity.WARNING,
            "The status page and the API are not served: {why}.",
            "Free the port or choose another one in [http] listen; it is tried again every few seconds.",
        ),
        Entry(
            "profiles-refused",
            Severity.WARNING,
            "The firmware profiles cannot be used: {why}. Phones are matched with those that were good before, if any.",
            "tonekeeper profiles lint says what is wrong, with file and line; then reload (SIGHUP).",
        ),
        Entry(
            "registers-unseen",
            Severity.INFO,
            "Phones that register are not noticed: {why}. Leases, neighbours and OPTIONS still show some of them.",
            "Give the agent CAP_NET_RAW (AmbientCapabilities in its unit), or leave the interface out of [lan].",
        ),
        Entry(
            "clock-jumped",
            Severity.INFO,
            "The wall clock of this host moved by {seconds} s. Probing does not use it, certificates and logs do.",
            "Check the time synchronisation of this host.",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Observation:
    """One finding that holds at this moment."""

    code: str
    subject: str
    evidence: dict[str, str]
    stated: Severity | None = None
    """Where what was measured makes it worse, or less bad, than the catalogue says."""

    @property
    def entry(self) -> Entry:
        return CATALOGUE[self.code]

    @property
    def severity(self) -> Severity:
        return self.stated or self.entry.severity


@dataclass(slots=True)
class ActiveFinding:
    code: str
    subject: str
    evidence: dict[str, str]
    since: float
    severity: Severity
