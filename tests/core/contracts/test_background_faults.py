"""Whose fault it is where no layer was called: the innermost plugin in the traceback, or who gave the callback away."""

import asyncio
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from strangers import plant

from plytalk.core.contracts.background_faults import MUST_NOT_END, blame_callback, blame_code, callback_of
from plytalk.core.contracts.errors import BrokenPlugin
from plytalk.plugins.handshakes.proven import ProvenKey

LATER = """
import sys
from functools import partial

def fails():
    raise KeyError

def leaves():
    sys.exit()

class Scheduling:
    def schedule(self, loop):
        def again():
            loop.call_later(1, sys.exit)
        return again

def harmless(loop):
    loop.call_soon(print, sys)

def exits():
    sys.exit()
"""
LINES = LATER.splitlines()


@pytest.fixture
def later(site: Path) -> ModuleType:
    plant(site, "plytalk-feature-later", {"feature-later": LATER})
    return import_module("plytalk_feature_later_feature_later")


def raised(function: object) -> BaseException:
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        function()  # type: ignore[operator]
    return caught.value


def test_the_innermost_plugin_is_named_with_its_line(later: ModuleType) -> None:
    fault = blame_code(raised(later.fails))
    assert isinstance(fault, BrokenPlugin)
    assert str(fault) == "The plugin `feature-later` of plytalk-feature-later 1.0 raised KeyError."
    assert fault.hint == f"See {later.__file__}:{LINES.index('    raise KeyError') + 1}."
    assert blame_code(raised(later.leaves)).hint.endswith(MUST_NOT_END)  # type: ignore[union-attr]


def test_a_built_in_plugin_is_named_in_the_same_way() -> None:
    fault = blame_code(raised(lambda: asyncio.run(ProvenKey().respond(None))))  # type: ignore[arg-type]
    assert str(fault).startswith("The plugin `handshake-proven` of plytalk ")


def test_an_error_in_no_plugin_is_nobodys() -> None:
    assert blame_code(raised(lambda: {}["key"])) is None


@pytest.mark.parametrize("callback", [sys.exit, partial(sys.exit, 3), partial(partial(sys.exit), 3), None])
def test_who_gave_the_callback_away_is_named(later: ModuleType, callback: object) -> None:
    fault = blame_callback(SystemExit(), callback)  # type: ignore[arg-type]
    line = LINES.index("            loop.call_later(1, sys.exit)") + 1
    assert fault
    gave = "gave the event loop the callback `exit`, which raised SystemExit."
    assert str(fault) == f"The plugin `feature-later` of plytalk-feature-later 1.0 {gave}"
    assert fault.hint == f"See {later.__file__}:{line}. {MUST_NOT_END}"


def test_nobody_is_named_where_none_or_several_gave_it_away(site: Path, later: ModuleType) -> None:
    assert blame_callback(KeyError(), {}.pop) is None
    assert blame_callback(KeyError()) is None
    plant(site, "plytalk-feature-again", {"feature-again": LATER})
    import_module("plytalk_feature_again_feature_again")
    assert blame_callback(SystemExit(), sys.exit) is None


def test_the_modules_of_others_are_not_touched(later: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lazy:
        def __getattr__(self, name: str) -> object:
            raise ImportError(name)

    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "lazy_module", Lazy())
        assert blame_callback(SystemExit(), sys.exit)


def test_the_callback_is_found_in_the_traceback() -> None:
    loop = asyncio.new_event_loop()
    loop.call_soon(sys.exit, 3)
    assert callback_of(raised(loop.run_forever)) is sys.exit
    loop.close()
    assert callback_of(ValueError()) is None
