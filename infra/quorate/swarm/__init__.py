"""A living swarm and its side of AWS, as plain values, and the gateways that read and change them.

snapshot.py    what one look saw: nodes, groups, instances, the plan
patience.py    deadlines, back-off with jitter: the one place that waits
local.py       the engine's socket with the standard library alone: for looks that must cost nothing
engine.py      the engine through the Docker SDK: for whoever joins or leads
aws.py         AWS through botocore
rendezvous.py  the table's items: plan, claim, epoch
"""
