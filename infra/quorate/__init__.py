"""Docker Swarm clusters on AWS that keep their quorum when a zone is lost.

The rooms, and which may know which, are drawn in docs/architecture.md.
"""
