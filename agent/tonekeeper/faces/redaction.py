"""What leaves the site as evidence holds no secret and nobody's number.

Known words (passwords, tokens, the users and numbers of the configuration) go wherever they stand alone. What cannot
be known goes by its form: the user part of a SIP URI, a tel: URI, a number in E.164 form, a value that a
configuration's key calls a secret. Addresses, host names, ports and what was measured stay: they are the evidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

GONE = "[redacted]"
SHORTEST = 4
"""Characters; a shorter word is only taken out where it is all of a quoted text, or half of what is measured goes."""

_SIP_USER = re.compile(r"(?i)\b(sips?:)[^@\s\"'<>,\[\]]{1,256}@")
_TEL = re.compile(r"(?i)\b(tel:)\+?[0-9()./-]{3,30}[0-9]")
_E164 = re.compile(r"(?<![\w.+])\+[1-9][0-9]{6,14}(?![\w.])")
_SECRET_KEY = re.compile(
    r"""(?im)^(\s*"?[\w.]*(?:password|passphrase|secret|token|community|auth_key|priv_key)"?\s*[=:]\s*)("[^"\n]*"|'[^'\n]*')"""
)


class Redaction:
    """`known`: words that must not be in what is handed over, whatever stands around them."""

    def __init__(self, known: Iterable[str]) -> None:
        words = sorted({word for word in known if word}, key=len, reverse=True)
        long = [re.escape(word) for word in words if len(word) >= SHORTEST]
        short = [re.escape(word) for word in words if len(word) < SHORTEST]
        self._long = re.compile(rf"(?<!\w)(?:{'|'.join(long)})(?!\w)") if long else None
        self._short = re.compile(rf'"(?:{"|".join(short)})"') if short else None

    def of(self, text: str) -> str:
        text = _SECRET_KEY.sub(rf'\1"{GONE}"', text)
        text = _SIP_USER.sub(rf"\1{GONE}@", text)
        text = _TEL.sub(rf"\1{GONE}", text)
        text = _E164.sub(GONE, text)
        if self._long is not None:
            text = self._long.sub(GONE, text)
        return self._short.sub(f'"{GONE}"', text) if self._short is not None else text
