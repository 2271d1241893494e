"""How fast the product is, beside a bare floor in the same minutes on the same machine: `make bench`.

docs/benchmarks.md says how to read the figures. Nothing here is a test: a slow machine fails nothing.
"""
