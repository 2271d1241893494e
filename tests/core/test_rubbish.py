from __future__ import annotations

import gc

import pytest

from app.core import rubbish


@pytest.mark.parametrize("on", [True, False], ids=["on", "off"])
def test_what_was_loaded_is_never_looked_through_and_the_collector_goes_on_as_it_was(on):
    was_on = gc.isenabled()
    (gc.enable if on else gc.disable)()
    try:
        with rubbish.none_yet():
            assert not gc.isenabled()
            loaded = {"for": ["the life of the process"]}
        assert gc.isenabled() == on
        assert not any(looked_at is loaded for looked_at in gc.get_objects())
    finally:
        (gc.enable if was_on else gc.disable)()
