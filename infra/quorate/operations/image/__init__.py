"""Node images: the base disk, the agent's bundle, a build by Packer, what is on it, and what is published."""
