"""One machine as AWS: moto's APIs, completed where Quorate depends on what moto lacks.

    cloud.Cloud       start and stop it, see its instances, wait for changes
    views             what the rest of the lab sees of an instance
    front             each HTTP request: control paths, faults, who asks, then moto, one at a time
    judge/            whether an instance's role may make a call, and denials: which were refused
    scaling/          Auto Scaling's lifecycle: hooks, wait states, replacement
    ec2/              instances, addresses, firewall rules, deletes that are refused
    ssm               which key a parameter is under
    metadata          the instance metadata service of one instance

Importing this package costs nothing: moto is imported by `Cloud.start`.
"""

from quorate.lab.cloud.cloud import Cloud
from quorate.lab.cloud.faults import Fault
from quorate.lab.cloud.principals import Credentials, Principal
from quorate.lab.cloud.timing import Timing
from quorate.lab.cloud.views import InstanceView, MetadataOptions

__all__ = ["Cloud", "Credentials", "Fault", "InstanceView", "MetadataOptions", "Principal", "Timing"]
