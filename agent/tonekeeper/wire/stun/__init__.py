"""STUN: RFC 8489, with the attributes of behaviour discovery (RFC 5780).

message.py has the value, attributes.py the table of attributes, codec.py reads and writes, stream.py cuts a connection
into messages; integrity.py checks MESSAGE-INTEGRITY and is loaded by those who have a key.
"""
