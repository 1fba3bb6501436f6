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


def test_what_was_loaded_is_old_and_still_among_all_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the cipher of an open conversation must be, which a forked child looks for to forget its keys."""
    made: list[object] = []
    with loading():
        made.append(made)
        monkeypatch.setitem(sys.modules, "plytalk_loaded_just_now", sys)
    assert gc.get_freeze_count() == 0
    assert any(each is made for each in gc.get_objects())
    assert not any(each is made for each in gc.get_objects(generation=0))
