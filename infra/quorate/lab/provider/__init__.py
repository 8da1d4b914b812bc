"""The lab's resource provider: the official AWS provider's types, as far as the lab needs them, over boto3.

It speaks to this lab's cloud on this machine and to nothing else (configuration.py).
"""
