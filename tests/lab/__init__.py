"""The lab: a site, two providers and two SBC sites in network namespaces of one kernel (docs/lab.md)."""
