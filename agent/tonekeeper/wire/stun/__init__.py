"""STUN: RFC 8489 with the attributes of RFC 5780."""
