"""What the firewall of this host does to SIP, RTP and DNS, judged by the kernel's own verdicts.

    flows.py        which packets to ask about, and what an answer is
    judgement.py    from verdicts to findings
    attached.py     what the ruleset has attached to SIP: helpers, redirections, offload, short timeouts
    owners.py       what manages a table, and where in it that puts its rules
    remedy.py       the change that lets a blocked flow pass
    remedy_words.py how that is written for whatever owns the rules
    allow_list.py   what must stay open, for somebody who runs the firewall himself

Nothing here knows what a rule means: the kernel is asked with a packet in a copy of the ruleset (edge/shadow.py).
"""
