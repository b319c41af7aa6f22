"""SNMP: the MIB and the values behind it, both from one table of objects, so that they cannot differ.

`objects` is that table, in the syntaxes of `syntax`; `mib` writes it as TONEKEEPER-MIB, `view` reads a report through
it, `notifications` tells what has changed between two reports. `engine` answers managers with pysnmp; where the host
has an snmpd of its own, edge/agentx.py hands the same view to that.
"""
