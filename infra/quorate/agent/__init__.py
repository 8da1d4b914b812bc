"""What runs on a node: `join` once per boot, `steward` for ever on every manager, acting on the leader only.

userdata.py    the node's orders, checked
metadata.py    the instance's own facts, IMDSv2 only
journal.py     one line each to stderr
join/          from a fresh engine to a verified member
steward/       observe -> decide -> apply
"""
