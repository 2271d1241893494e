"""The mechanisms, one file an idea. Nothing here knows of HTTP."""
