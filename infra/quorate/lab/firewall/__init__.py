"""Security groups as packet filters of the fabric, and zones cut off from each other.

rules    the groups and their rules, read from the lab's EC2
render   hosts, groups, cut zones -> the text that iptables-restore takes: pure
packets  denied packets as the kernel reports them
denied   which rule each denied packet lacked
wall     all of it in the fabric's namespace, kept in step with the cloud
"""
