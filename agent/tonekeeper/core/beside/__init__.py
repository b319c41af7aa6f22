"""What is looked at beside the paths, and judged here: the clock, captive portals, DHCP, a second NAT, conntrack.

Each judgement is one function of what was seen; who looks is edge's and app's business. A look that failed is a value
too, and never ends as `ok`.
"""
