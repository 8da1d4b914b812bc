"""The lab's engine: runs the Pulumi program in this process, with an order and a state of its own.

What a resource is and how AWS makes it is the provider's to know; the engine knows order and state only.
"""

from quorate.lab.engine.events import Action, Change, Event, Stage
from quorate.lab.engine.project import Project
from quorate.lab.engine.run import Run

__all__ = ["Action", "Change", "Event", "Project", "Run", "Stage"]
