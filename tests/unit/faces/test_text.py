from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.faces import reports
from tonekeeper.faces.text import render_text

HEALTHY = """\
OK  Every path works: calls go over fibre to primary.
site-0042: router, mode observe, tonekeeper 0.1.0, running for 3 h 12 min

Active: primary over fibre for 3 h 12 min; first choice

WAN    STATE  FOR         INTERFACE  CARRIER, ADDRESSES
fibre  up     3 h 12 min  eth0       yes, 192.0.2.10
lte    up     3 h 12 min  wwan0      yes, 203.0.113.7, metered (0.4 % of 50 MiB)

SBC, WAN   STATE    RTT     LOSS  ADDRESS, LAST REPLY
primary    healthy                active; sip:sbc1.example.net
  fibre    up       21 ms   0 %   udp 198.51.100.10:5060: 200, 1.2 s ago
  lte      up       55 ms   0 %   udp 198.51.100.10:5060: 200, 1.2 s ago
alternate  healthy                sip:198.51.100.20:5060
  fibre    up       9.3 ms  0 %   udp 198.51.100.20:5060: 200, 1.2 s ago
  lte      up       63 ms   0 %   udp 198.51.100.20:5060: 200, 1.2 s ago
"""

FAILED_OVER = """\
PROBLEM  SBC primary does not answer, and it is not this site's WANs: both reach
         alternate.
site-0042: router, mode observe, tonekeeper 0.1.0, running for 3 h 12 min

Active: alternate over fibre for 41 s; primary is down; way back possible in 4
        min

WAN    STATE  FOR         INTERFACE  CARRIER, ADDRESSES
fibre  up     3 h 12 min  eth0       yes, 192.0.2.10
lte    up     3 h 12 min  wwan0      yes, 203.0.113.7, metered (0.4 % of 50 MiB)

SBC, WAN   STATE    RTT     LOSS   ADDRESS, LAST REPLY
primary    down                    silent on every WAN
  fibre    down     21 ms   2.5 %  udp 198.51.100.10:5060: 200, 48 s ago
  lte      down     55 ms   2.5 %  udp 198.51.100.10:5060: 200, 48 s ago
alternate  healthy                 active; sip:198.51.100.20:5060
  fibre    up       9.3 ms  0 %    udp 198.51.100.20:5060: 200, 1.2 s ago
  lte      up       63 ms   0 %    udp 198.51.100.20:5060: 200, 1.2 s ago

Findings
  critical  sbc-down primary, for 42 s
    SBC primary does not answer, and it is not this site's WANs: both reach
    alternate.
    Measured: wans: fibre, lte, silent_for: 42 s
    What to do: Report it to the SBC's operator; nothing on this site will mend
      it.

Latest changes
  41 s ago  active: fibre/primary -> fibre/alternate (primary is down)
  42 s ago  sbc primary: healthy -> down (silent on every WAN)
"""

STEERED = """\
WARNING  WAN fibre keeps coming and going: 3 losses in the last hour. It is not
         trusted for 7 min more.
site-0042: router, mode steer, tonekeeper 0.1.0, running for 3 h 12 min

Active: primary over lte for 2.0 s; primary over fibre is down
Steering: 3 destinations over lte; deleting flows that sit on another WAN; 1
          call kept on the WAN it began on; 1 flow still on another WAN; 1 move
          and 11 flows deleted since the start

WAN    STATE       FOR         INTERFACE  CARRIER, ADDRESSES
fibre  suppressed  2.0 s       eth0       yes, 192.0.2.10
lte    up          3 h 12 min  wwan0      yes, 203.0.113.7, metered (0.4 % of...

SBC, WAN   STATE    RTT     LOSS  ADDRESS, LAST REPLY
primary    healthy                active; sip:sbc1.example.net
  fibre    up       21 ms   0 %   udp 198.51.100.10:5060: 200, 1.2 s ago
  lte      up       55 ms   0 %   udp 198.51.100.10:5060: 200, 1.2 s ago
alternate  healthy                sip:198.51.100.20:5060
  fibre    up       9.3 ms  0 %   udp 198.51.100.20:5060: 200, 1.2 s ago
  lte      up       63 ms   0 %   udp 198.51.100.20:5060: 200, 1.2 s ago

Damping
  wan fibre: penalty 2640, 3 losses in 1 h, trusted again in 7 min
  sbc alternate: penalty 2510, trusted again in 6 min 38 s

Findings
  warning  wan-flapping fibre, for 2.0 s
    WAN fibre keeps coming and going: 3 losses in the last hour. It is not
    trusted for 7 min more.
    Measured: interface: eth0, losses: 3, minutes: 7
    What to do: Have the line measured.

Latest changes
  2.0 s ago  active: primary over fibre -> primary over lte (primary over fibre
    is down)
"""

BEHIND_NAT = f"""\
{HEALTHY}
NAT
  fibre: mapping endpoint-independent, filtering address-and-port-dependent,
    seen as 203.0.113.9:40312; idle bindings live: unreplied up to 1.5 s,
    replied 28-30 s, stream over 300 s, tcp over 300 s; SIP ALG: no; keepalives
    at most 21 s apart; measured 2 h ago
  lte: seen as 203.0.113.77:1024; idle bindings live: unreplied 58.4-60 s; not
    checked: mapping, filtering (stun.example.net:3478 has no other address),
    replied, stream, tcp (no answer came back), SIP ALG; measured 42 s ago
"""

PROVEN = """\
PROBLEM  Calls to primary are heard one way only: nothing comes back.
site-0042: router, mode observe, tonekeeper 0.1.0, running for 3 h 12 min

Active: alternate over fibre for 1 min; primary is degraded; way back possible
        in 4 min
Voicemail: works at alternate over lte, not where the site is
Storm guard: 3 probes postponed since the start; 2.4 packets/s and 32 MiB a day
             are the limit

WAN    STATE  FOR         INTERFACE  CARRIER, ADDRESSES
fibre  up     3 h 12 min  eth0       yes, 192.0.2.10
lte    up     3 h 12 min  wwan0      yes, 203.0.113.7, metered (0.4 % of 50 MiB)

SBC, WAN   STATE     RTT     LOSS  ADDRESS, LAST REPLY
primary    degraded                calls are not heard well: nothing comes back
  fibre    up        21 ms   0 %   tls 198.51.100.10:5060: 200, 1.2 s ago
  lte      up        55 ms   0 %   tls 198.51.100.10:5060: 200, 1.2 s ago
alternate  healthy                 active; sip:198.51.100.20:5060
  fibre    up        9.3 ms  0 %   udp 198.51.100.20:5060: 200, 1.2 s ago
  lte      up        63 ms   0 %   udp 198.51.100.20:5060: 200, 1.2 s ago

SBC, FUNCTION   STATE   PASSED          LATEST OUTAGE
primary
  registration  ok      2 min 10 s ago  -
  calls         ok      1 min 4 s ago   30 s
  media         failed  3 h 1 min ago   -
    fails over fibre and lte: nothing comes back
  voicemail     ok      6 min 40 s ago  -
alternate
  registration  ok      1 min 4 s ago   -
  calls         ok      1 min 4 s ago   -
  media         ok      1 min 4 s ago   -
  voicemail     ok      1 min 4 s ago   -
    fails over fibre: SUBSCRIBE was answered 489 Bad Event

SBCs
  primary: control healthy, media degraded; latest call: 100 % lost, round trip
    22 ms; addresses confirmed 3 min 5 s ago; certificate good for 41 d
  alternate: control healthy, media healthy; latest call: MOS 4.3, 1.0 % lost,
    jitter 1 ms, round trip 22 ms

Findings
  critical  media-one-way primary, for 1 min 4 s
    Calls to primary are heard one way only: nothing comes back.
    Measured: wans: fibre and lte, function: media
    What to do: Look for a NAT or firewall that lets RTP out and not in.
"""

OFFLINE = """\
PROBLEM  No SBC answers over any WAN: no carrier on fibre and lte.
site-0042: router, mode observe, tonekeeper 0.1.0, running for 3 h 12 min

Active: primary over fibre for 3 h 12 min; first choice

WAN    STATE  FOR    INTERFACE  CARRIER, ADDRESSES
fibre  down   9.0 s  eth0       no
lte    down   9.0 s  wwan0      no, metered (0.4 % of 50 MiB)

SBC, WAN   STATE    RTT     LOSS  ADDRESS, LAST REPLY
primary    unknown                active; no WAN works
  fibre    down     21 ms   0 %   udp 198.51.100.10:5060: no route, 1.2 s ago
  lte      down     55 ms   0 %   udp 198.51.100.10:5060: no route, 1.2 s ago
alternate  unknown                no WAN works
  fibre    down     9.3 ms  0 %   udp 198.51.100.20:5060: no route, 1.2 s ago
  lte      down     63 ms   0 %   udp 198.51.100.20:5060: no route, 1.2 s ago

Findings
  critical  site-offline, for 9.0 s
    No SBC answers over any WAN: no carrier on fibre and lte.
    What to do: Check this site's own connection first.

Latest changes
  9.0 s ago  wan fibre: up -> down (no carrier)
"""

AT_START = """\
UNKNOWN  No SBC has answered yet; the first verdicts are still to come.
site-0042: router, mode observe, tonekeeper 0.1.0, running for 0.5 s

Active: no path is chosen yet

WAN    STATE    FOR    INTERFACE  CARRIER, ADDRESSES
fibre  unknown  0.5 s  eth0       not checked
lte    unknown  0.5 s  wwan0      not checked, metered (0.4 % of 50 MiB)

SBC, WAN   STATE    RTT  LOSS  ADDRESS, LAST REPLY
primary    unknown             sip:sbc1.example.net
  fibre    unknown  -    -     udp 198.51.100.10:5060: no reply yet
  lte      unknown  -    -     udp 198.51.100.10:5060: no reply yet
alternate  unknown             sip:198.51.100.20:5060
  fibre    unknown  -    -     udp 198.51.100.20:5060: no reply yet
  lte      unknown  -    -     udp 198.51.100.20:5060: no reply yet
"""


@pytest.mark.parametrize(
    ("report", "text"),
    [
        (reports.healthy(), HEALTHY),
        (reports.failed_over(), FAILED_OVER),
        (reports.steered(), STEERED),
        (reports.behind_nat(), BEHIND_NAT),
        (reports.proven(), PROVEN),
        (reports.offline(), OFFLINE),
        (reports.at_start(), AT_START),
    ],
    ids=[
        "all healthy",
        "sbc down and failed over",
        "steered to the metered line",
        "behind nat",
        "proven by deep probes",
        "site offline",
        "unknown at start",
    ],
)
def test_a_situation_reads_like_this(report, text):
    assert render_text(report, colour=False, width=80) == text


def test_colour_adds_nothing_but_colour():
    coloured = render_text(reports.failed_over(), colour=True, width=80)
    for code in ("\x1b[1;31m", "\x1b[1;32m", "\x1b[0m"):
        assert code in coloured
        coloured = coloured.replace(code, "")

    assert coloured == FAILED_OVER


def test_no_table_row_is_wider_than_the_terminal():
    for width in (60, 80, 132):
        assert max(len(line) for line in render_text(reports.failed_over(), width=width).splitlines()) <= width


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("name", ["\x1b]0;owned\x07", "a\nPROBLEM  all is lost", "\u202eesrever", "\x9b2J", "a\tb"])
def test_a_hostile_name_neither_ends_a_line_nor_moves_the_cursor(name, colour):
    text, harmless = (render_text(reports.hostile(one), colour=colour, width=1000) for one in (name, "harmless"))

    assert all(line.replace("\x1b[1;3", "").replace("\x1b[0m", "").isprintable() for line in text.split("\n"))
    assert len(text.splitlines()) == len(harmless.splitlines())


def test_a_part_of_the_paths_working_is_said_with_numbers():
    primary, alternate = reports.healthy().sbcs
    silent = reports.failed_over().sbcs[0].paths[0]
    report = replace(reports.healthy(), sbcs=(replace(primary, paths=(silent, primary.paths[1])), alternate))

    assert render_text(report).startswith("OK  3 of 4 paths work: calls go over fibre to primary.\n")
