"""The loop on every manager: observe -> decide -> apply, on the leader only.

follow.py     every other manager: a look at its own engine, with the standard library alone
loop.py       the leader's passes, woken by the engine's events
observe.py    one look, as a Snapshot
decide.py     pure: (snapshot, memory) -> (actions, notes, memory); its chapters:
  standing.py   which node is which instance in which slot or pool, and who is gone
  chores.py     addresses, token, labels: what changes no membership
  members.py    dead members out, new ones in, hung engines
  leaving.py    instances that wait for their end; ghosts; the end of the whole cluster
apply.py      carries actions out, and proves leadership before anything outside the swarm
report.py     what the last pass saw and did, for `lab status`
"""
