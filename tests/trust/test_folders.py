"""Where the files of a user live, on each platform."""

import os
import pwd
from contextvars import copy_context
from pathlib import Path

import pytest

from plytalk.trust import folders
from plytalk.trust.folders import HOME, folder, home_folder, user_file
from plytalk.trust.store_errors import StoreError


@pytest.mark.parametrize(
    ("platform", "environ", "config", "data"),
    [
        ("linux", {"HOME": "/h"}, "/h/.config/plytalk", "/h/.local/share/plytalk"),
        ("linux", {"HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_DATA_HOME": "/d"}, "/c/plytalk", "/d/plytalk"),
        (
            "linux",
            {"HOME": "/h", "XDG_CONFIG_HOME": "relative", "XDG_DATA_HOME": ""},
            "/h/.config/plytalk",
            "/h/.local/share/plytalk",
        ),
        ("darwin", {"HOME": "/h"}, "/h/Library/Application Support/plytalk", "/h/Library/Application Support/plytalk"),
        ("win32", {"HOME": "/h", "APPDATA": "/r", "LOCALAPPDATA": "/l"}, "/r/plytalk", "/l/plytalk"),
        ("win32", {"HOME": "/h"}, "/h/AppData/Roaming/plytalk", "/h/AppData/Local/plytalk"),
        ("linux", {"HOME": "/h", "XDG_CONFIG_HOME": "/c", "PLYTALK_HOME": "/mine"}, "/mine", "/mine"),
    ],
)
def test_where_things_live(platform: str, environ: dict[str, str], config: str, data: str) -> None:
    assert folder("config", environ, platform) == Path(config)
    assert folder("data", environ, platform) == Path(data)


@pytest.mark.parametrize("home", ["", "a/b", None])
def test_without_an_absolute_home_it_is_the_systems(home: str | None) -> None:
    """With an empty one it was the root folder, with a relative one whatever folder the program ran in."""
    environ = {} if home is None else {"HOME": home}
    assert home_folder(environ) == Path(pwd.getpwuid(os.getuid()).pw_dir)


def nobody(number: int) -> None:
    raise KeyError


def test_a_user_without_a_home_folder_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "getpwuid", nobody)
    both = {"XDG_CONFIG_HOME": "/c", "XDG_DATA_HOME": "/d"}
    assert folder("config", both, "linux") == Path("/c/plytalk")  # it is not needed here
    for platform, environ in (
        ("linux", {"XDG_DATA_HOME": "/d"}),
        ("darwin", both),
        ("linux", {"HOME": "a"}),
        ("linux", {"HOME": ""}),
    ):
        with pytest.raises(StoreError, match="There is no home folder") as refusal:
            folder("config", environ, platform)
        assert "PLYTALK_HOME" in refusal.value.hint


def test_what_the_user_writes_lives_with_the_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PLYTALK_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert {user_file("allow").parent, user_file("config.toml").parent} == {folder("config")}
    assert {user_file("known_hosts").parent, user_file("identity").parent} == {folder("data")}


def test_a_program_chooses_a_folder_for_one_conversation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLYTALK_HOME", "/mine")
    context = copy_context()
    context.run(HOME.set, tmp_path)
    assert context.run(user_file, "identity") == tmp_path / "identity"
    assert context.run(user_file, "allow") == tmp_path / "allow"
    assert user_file("identity") == Path("/mine/identity")
