"""Where Swarm would put which task: its filters and its order of nodes, without asking a swarm.

model.py      nodes, services and tasks as plain values
filters.py    why a node cannot take a task
scheduler.py  which node takes it, and what is left waiting

After swarmkit's manager/scheduler (filter.go, nodeinfo.go, decision_tree.go). Plugin filters are left out: an
engine does not say in its node list which drivers a task would need.
"""

from quorate.placement.model import Node, Service, Task
from quorate.placement.scheduler import Outcome, without_zone

__all__ = ["Node", "Outcome", "Service", "Task", "without_zone"]
