"""The subset of SIP a prober needs (RFC 3261): OPTIONS out, responses in, Via with rport/received, challenges."""
