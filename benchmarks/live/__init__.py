"""How the live process and the workspace fare: `make bench-live`.

Sockets are opened from this process by a loop of its own, so that thousands of them cost little beside the server.
"""
