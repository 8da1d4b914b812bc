"""The verbs of `quorum-layout`: each parses its words, asks the layout room, and writes the answer."""
