"""The resources of a cluster as Pulumi components. They decide nothing: settings and layout did.

cluster.py      the whole: which part stands on which
network.py      VPC, subnets, routes, gateway endpoints      endpoints.py   interface endpoints
firewall.py     security groups and every rule               identity.py    roles, profiles, keys
policies.py     what roles and keys allow, as documents      rendezvous.py  table, plan, worker token
documents.py    user-data and plan, as nodes read them       groups.py      what every group has
managers.py     one group for each slot                      workers.py     one group for each pool
stack.py        what Pulumi and AWS say about the stack      naming.py      names and tags
"""

from __future__ import annotations

from quorate.components.cluster import Cluster
from quorate.components.stack import refused, settled

__all__ = ["Cluster", "refused", "settled"]
