"""Instances as virtual machines: a node's disk under qemu, on the lab's network, with the lab's AWS.

Where a host of quorate.lab.hosts shares this machine's kernel, a VM brings its own: IPVS, and with it the
routing mesh and virtual IPs, systemd, the image's own units. It costs a minute to boot where a host costs one
second.
"""
