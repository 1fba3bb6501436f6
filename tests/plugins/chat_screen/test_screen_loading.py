"""The screen is loaded part by part while the other side is waited for."""

import asyncio
import subprocess
import sys

import pytest

from plytalk.core.contracts.peers import Role
from plytalk.plugins.chat_screen.screen_loading import load_screen, screen_parts
from plytalk.plugins.uis.console import Console

COUNTING = """
import asyncio, sys
from plytalk.plugins.uis.console import Console
from plytalk.plugins.chat_screen.screen_loading import load_screen

PARTS = "wcwidth", "prompt_toolkit", "plytalk.plugins.chat_screen.chat_view", "plytalk.plugins.chat_screen.prompts"

async def main():
    loading, seen = asyncio.create_task(load_screen()), set()
    while not loading.done():
        seen.add(sum(part in sys.modules for part in PARTS))
        await asyncio.sleep(0)
    print(*sorted(seen))

asyncio.run(main())
"""


def test_the_loop_has_turns_between_the_parts() -> None:
    ran = subprocess.run([sys.executable, "-c", COUNTING], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["0", "1", "2", "3", "4"]


async def test_what_is_broken_is_told_where_the_screen_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prompt_toolkit", None)
    await load_screen()
    with pytest.raises(ImportError):
        list(screen_parts())


@pytest.mark.parametrize(("terminal", "term", "loads"), [(True, "xterm", 1), (True, "dumb", 0), (False, "xterm", 0)])
async def test_only_a_console_that_draws_loads_it(terminal: bool, term: str, loads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Console, "_terminal", terminal)
    monkeypatch.setenv("TERM", term)
    assert await Console().ready(Role.INITIATOR, str) == ()
    begun = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*begun)
    assert len(begun) == loads
