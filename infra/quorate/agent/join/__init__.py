"""Once per boot: from a fresh engine to a verified member of the right swarm, or a reason why not.

claim.py        who may init: the protocol, pure
certificate.py  which cluster a node's certificate was issued for
hook.py         the launch hook
founding.py     the claim's owner: init, token, READY
joining.py      everybody else
boot.py         the steps in their order
"""
