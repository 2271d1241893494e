"""Oversing on one machine: what `make run`, `make test`, `make backup` and their like need around the app itself.

`install.py` makes the virtual environment, `embedded.py` starts PostgreSQL and Valkey from their wheels,
`supervisor.py` keeps every process alive, `run.py` puts them in order. In the app, only the command
`demo load` reaches in here.
"""
