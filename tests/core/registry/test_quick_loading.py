"""Loading modules without searches for circles."""

import gc
import sys

import pytest

from plytalk.core.registry.quick_loading import loading


def test_nothing_is_searched_while_modules_are_loaded_and_everything_afterwards() -> None:
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_an_import_that_fails_leaves_the_search_on() -> None:
    with pytest.raises(ImportError), loading():
        raise ImportError
    assert gc.isenabled()


def test_within_another_the_search_stays_off() -> None:
    with loading():
        with loading():
            pass
        assert not gc.isenabled()


def test_what_was_loaded_is_not_searched_later(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.unfreeze()
    with loading():
        pass
    assert gc.get_freeze_count() == 0
    try:
        with loading():
            monkeypatch.setitem(sys.modules, "plytalk_loaded_just_now", sys)
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
