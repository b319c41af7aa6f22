"""Proving an SBC deeper than OPTIONS does: that it registers, that a call carries voice, that a mailbox answers.

One `DepthProbe` is one attempt over one path: `handle(event, now) -> commands`, `next_deadline()`, as everywhere in the
core, and one `Finished` at the end. It opens what it needs, asks, and cleans up after itself:

    register.py     REGISTER of a contact of our own, and its removal
    voicemail.py    SUBSCRIBE to a mailbox, once, and the NOTIFY that tells its state
    call.py         INVITE to a number that echoes, voice both ways, BYE
    inquiry.py      one request on its way to a final answer: repetitions, challenges, patience
    result.py       what came of it

Rules of the house that a probe is a guest in: a password that was refused is not tried again; bindings of others are
never touched; what was begun is ended, also where something went wrong on the way.
"""
