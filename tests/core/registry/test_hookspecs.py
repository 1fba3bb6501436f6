"""Every hook, in the order they fire."""

import inspect

import pluggy
import pytest

from plytalk.core.registry import hookspecs
from plytalk.core.registry.hookspecs import API_VERSION, hookimpl

HOOKS = [
    "layers", "profiles", "attacks", "server_opened", "turned_away", "session_opened", "session_closed", "measures", "reread",
]  # fmt: skip


def manager() -> pluggy.PluginManager:
    plugins = pluggy.PluginManager("plytalk")
    plugins.add_hookspecs(hookspecs)
    return plugins


def test_the_hooks_are_these_in_the_order_in_which_they_fire() -> None:
    found = [name for name, value in vars(hookspecs).items() if hasattr(value, "plytalk_spec")]
    assert found == HOOKS
    assert [hook for hook in HOOKS if hasattr(manager().hook, hook)] == HOOKS
    assert API_VERSION == 1


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_says_when_it_fires(hook: str) -> None:
    assert "." in (inspect.getdoc(getattr(hookspecs, hook)) or "")


def test_the_example_in_the_docstring_is_found_as_a_plugin() -> None:
    class Example:
        @hookimpl
        def layers(self) -> list[str]:
            return ["Xor"]

    plugins = manager()
    plugins.register(Example())
    plugins.check_pending()
    assert plugins.hook.layers() == [["Xor"]]


def test_a_hook_with_another_signature_is_refused() -> None:
    class Wrong:
        @hookimpl
        def session_opened(self, conversation: object) -> None:
            pass

    with pytest.raises(pluggy.PluginValidationError, match="conversation"):
        manager().register(Wrong())
