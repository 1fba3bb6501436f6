"""Nothing of the user who runs the tests, and no keys in logs."""

from collections.abc import Iterator

import pytest

from live.noises import quiet


@pytest.fixture(autouse=True)
def a_home_of_our_own(tmp_path, monkeypatch) -> Iterator[None]:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with quiet():
        yield
