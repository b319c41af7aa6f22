"""Real packets from this host to one address of an SBC over one WAN: whether they get there, and where they stop.

One `EgressProbe` is one examination of one path: `handle(event, now) -> commands`, `next_deadline()`, as everywhere in
the core, and one `Finished` at the end. It runs its parts one after the other:

    asking.py       OPTIONS over UDP, or a connection: what comes back, told apart
    path_mtu.py     over UDP, how long a packet may be, and whether fragments arrive
    streaming.py    over TCP and TLS, whether a long request gets through a connection as a short one does
    signs.py        what an ICMP error or an errno says
    result.py       what came of it, raw

What it means is judged apart (judgement.py, findings.py), from the results of several paths, what the rules of this
host say and what the NAT was seen to do: silence alone has no cause. watch.py says when the daemon examines a path.
"""
