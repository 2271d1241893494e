"""Runcible: may we act on this text that a model wrote, who says so, under which policy, and can a stranger check it?

The governance layer. It imports nothing of the application around it. Everything here is a pure function or a frozen
value: the clock is handed in, keys are handed in, and the one part that opens a network connection is the client of a
time-stamping authority (`certification/timestamps.py`).
"""
