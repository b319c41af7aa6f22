"""AgentX (RFC 2741): how a subagent hands its objects to the SNMP agent that the host already has."""
