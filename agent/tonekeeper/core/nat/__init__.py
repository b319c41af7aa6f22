"""Measuring the NAT between one WAN and a STUN server (RFC 5780, RFC 4787).

One `Measurement` is one attempt over one WAN: `handle(event, now) -> commands`, `next_deadline()`, as everywhere in
the core. It runs its parts side by side and ends with one `Finished`:

    behaviour.py    mapping and filtering, in the words of RFC 4787
    lifetime.py     how long an idle binding lives: all idle times at once, one socket each
    control.py      whether the server can be made to speak first over TCP, without which connections say nothing
    alg.py          whether something on the way rewrites SIP; without STUN, SIP has to tell it alone
    result.py       what came of it, each part with a value or with the reason why it was not checked

Beside it stands what a router's own kernel says and nobody measures (tracked.py).

Sockets are numbers that the measurement gives out. Requests are built from values; what must be unpredictable is cut
from the token of `DeadlineReached`, and one such event sends one packet at most. A measurement holds nothing worth
keeping over a restart, and nothing that survives a change of the WAN: either way it starts anew.
"""
