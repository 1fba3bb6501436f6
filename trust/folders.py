"""Where the files of a user live."""

import os
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path, PurePath
from typing import Literal

from plytalk.trust.store_errors import StoreError

_BESIDE_THE_CONFIGURATION = {"config.toml", "allow"}

HOME: ContextVar[Path | None] = ContextVar("HOME", default=None)
"""The folder of all files, where a program has chosen one for a conversation; a task has the value of the one that started it."""


def folder(kind: Literal["config", "data"], environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """The folder for what the user writes (`config`) or for what the program keeps (`data`).

    A program's choice (HOME) overrides both, then PLYTALK_HOME does. Otherwise the XDG Base Directory Specification 0.8,
    which ignores relative paths, and each platform's custom on macOS and Windows. Raises StoreError if there is no home folder.
    """
    if chosen := HOME.get():
        return chosen.absolute()
    if own := environ.get("PLYTALK_HOME"):
        return Path(own).absolute()
    if platform == "darwin":
        return home_folder(environ) / "Library" / "Application Support" / "plytalk"
    if platform == "win32":
        variable, fallback = {"config": ("APPDATA", "AppData/Roaming"), "data": ("LOCALAPPDATA", "AppData/Local")}[kind]
    else:
        variable, fallback = {"config": ("XDG_CONFIG_HOME", ".config"), "data": ("XDG_DATA_HOME", ".local/share")}[kind]
    return base_folder(variable, fallback, environ) / "plytalk"


if sys.platform == "win32":
    _home_by_system = Path.home
else:
    from pwd import getpwuid

    def _home_by_system() -> Path:
        return Path(getpwuid(os.getuid()).pw_dir)


def home_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The user's home folder: the one of HOME, which must be an absolute path, or of the system. Raises StoreError for none."""
    home = environ.get("HOME", "")
    if PurePath(home).is_absolute():
        return Path(home)
    try:
        return _home_by_system()
    except (KeyError, RuntimeError):
        raise StoreError("There is no home folder.", "Set HOME, or PLYTALK_HOME to a folder of yours.") from None


def base_folder(variable: str, fallback: str, environ: Mapping[str, str] = os.environ) -> Path:
    """The folder that a variable names by an absolute path, or the usual one in the home folder. Raises StoreError."""
    base = environ.get(variable, "")
    return Path(base) if PurePath(base).is_absolute() else home_folder(environ) / fallback


def user_file(name: str) -> Path:
    """Where the file of this name lives: `config.toml` and `allow` with the configuration, all else with the data."""
    return folder("config" if name in _BESIDE_THE_CONFIGURATION else "data") / name
