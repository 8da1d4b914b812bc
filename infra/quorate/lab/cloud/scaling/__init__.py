"""Auto Scaling's life cycle on moto's groups.

    hooks       values: a hook, and a lifecycle action that waits for its completion
    choice      pure: which subnet, which instance type, which instance goes
    launch      one instance from a launch template
    group       a group and its members: every transition of the life cycle
    backend     the API's verbs over groups; requests puts HTTP before them
    loop        the thread that brings every group to its desired capacity

Sources are pages of the Amazon EC2 Auto Scaling User Guide, named where they are used.
"""

from __future__ import annotations

from quorate.lab.cloud.timing import Timing


def install(timing: Timing) -> None:
    """From now on moto's Auto Scaling is this one."""
    import moto.autoscaling.models as moto_autoscaling

    from quorate.lab.cloud.scaling.backend import Backend
    from quorate.lab.cloud.scaling.group import Group

    Backend.timing = timing
    moto_autoscaling.FakeAutoScalingGroup = Group  # type: ignore[misc]
    moto_autoscaling.autoscaling_backends.backend = Backend
