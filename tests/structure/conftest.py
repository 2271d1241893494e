"""The pages that are looked at are those of the two organisations of the security tests."""

from tests.security.conftest import world

__all__ = ["world"]
