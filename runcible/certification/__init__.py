"""Proof: what is signed, with which keys, at what time, and how a stranger checks it."""
