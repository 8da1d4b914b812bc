"""Instances as real hosts: each in its own namespaces, with a real engine, on a fabric of its own.

names       every name on the machine, derived from the lab's folder
machine     what the machine must have: root, commands
command     the one place that runs a program to its end
namespaces  entering namespaces: argv of a program inside a host, sockets opened inside
fabric      the VPC: a namespace with a bridge per subnet
host        one instance's disk, namespaces and power switch
engine      its dockerd, started again when it hangs
units       its boot as the image's units would: engine, join, steward
inventory   the hosts that follow the cloud's instances
registry    a real registry inside the fabric
sweep       everything that a lab left behind, found by its id
"""
