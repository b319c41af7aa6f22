"""The requests of the deep probes: REGISTER, SUBSCRIBE, INVITE, and what ends an INVITE: ACK and CANCEL.

What a method needs beside that which every request of a dialog has (dialog.py). A BYE needs nothing.
"""

from __future__ import annotations

from dataclasses import replace

from tonekeeper.wire.sdp import SDP_TYPE
from tonekeeper.wire.sip.dialog import Dialog, Sender, render_request
from tonekeeper.wire.sip.message import Headers, Response
from tonekeeper.wire.sip.message_summary import SUMMARY_EVENT, SUMMARY_TYPE
from tonekeeper.wire.sip.uri import SipUri

ALLOW = "INVITE, ACK, BYE, CANCEL, NOTIFY"


def register_headers(contact: SipUri, expires: int) -> Headers:
    """Of a REGISTER that binds `contact` for `expires` seconds, or removes it, and it alone, with 0 (10.2.2)."""
    return (("Contact", f"<{contact}>;expires={expires}"), ("Expires", str(expires)))


def subscribe_headers(contact: SipUri) -> Headers:
    """Of a SUBSCRIBE that asks for the state of a mailbox once, and for no subscription (RFC 6665 section 4.4.3)."""
    return (("Contact", f"<{contact}>"), ("Event", SUMMARY_EVENT), ("Expires", "0"), ("Accept", SUMMARY_TYPE))


def invite_headers(contact: SipUri) -> Headers:
    """Of an INVITE whose body is an offer."""
    return (("Contact", f"<{contact}>"), ("Allow", ALLOW), ("Accept", SDP_TYPE), ("Content-Type", SDP_TYPE))


def render_ack(dialog: Dialog, sender: Sender, *, branch: str, cseq: int, authorization: Headers = ()) -> bytes:
    """ACK to a 2xx: a request of the dialog that it established, with a branch of its own (section 13.2.2.4).

    `cseq` and `authorization` are those of the INVITE.
    """
    return render_request("ACK", dialog, sender, branch=branch, cseq=cseq, headers=authorization)


def render_refusal_ack(dialog: Dialog, sender: Sender, response: Response, *, branch: str, cseq: int) -> bytes:
    """ACK to any other final response: to the same place as the INVITE and with its branch (section 17.1.1.3)."""
    refused = replace(dialog, remote_tag=response.to.tag)
    return render_request("ACK", refused, sender, branch=branch, cseq=cseq)


def render_cancel(dialog: Dialog, sender: Sender, *, branch: str, cseq: int) -> bytes:
    """CANCEL of the INVITE that had this branch and number (section 9.1)."""
    return render_request("CANCEL", dialog, sender, branch=branch, cseq=cseq)
