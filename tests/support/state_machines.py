"""State machines of random operations: their settings, and what those about files begin with."""

import asyncio
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine


def stateful(examples: int, steps: int) -> settings:
    """Settings for this many runs of this many operations. A run is not made shorter when it fails: real connections never
    repeat.
    """
    return settings(
        phases=(Phase.generate,),
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )


class FileMachine(RuleBasedStateMachine):
    """Has an event loop, a home folder for all its people, and patches until it ends. Requests cost nothing here."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.ends = ExitStack()
        self.home = Path(self.ends.enter_context(tempfile.TemporaryDirectory()))
        self.patch = self.ends.enter_context(pytest.MonkeyPatch.context())
        self.patch.setenv("PLYTALK_HOME", str(self.home))
        self.patch.setenv("HOME", str(self.home))
        self.patch.setattr("plytalk.plugins.rooms.budget.REQUESTS", 1e9)  # as if much time passed after each step
        self.patch.setattr("plytalk.plugins.files.feeds.GATHER", 0.0)
