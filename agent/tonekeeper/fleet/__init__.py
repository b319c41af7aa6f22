"""The provider's side: many agents asked from one machine, and what they have in common.

`inventory` says who they are, `poll` asks them, `summary` finds the causes they share, `targets` hands them over to
Prometheus, `simulate` plays a fleet for load tests.
"""
