"""The rehearsal: everything that the layout says may be lost is lost, and what happens is put beside it.

predict   which outages there are to rehearse, and what layout says of each: pure
service   a replicated service and its clients, and how many of their requests failed
rehearse  takes down, watches, brings back; one outcome for each outage
"""
