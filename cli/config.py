"""The config file: TOML, with the names of the options as keys.

profile = "secure-chat"
ui = "jsonl"
port = 9000
auth = ["pin"]

[options]            # of layers, by their names on the command line
rsa-key = "/home/alice/rsa.pem"
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from plytalk.api.urls import relay_address
from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.kinds import KINDS, REPEATABLE
from plytalk.core.contracts.layer import Option
from plytalk.trust import files
from plytalk.trust.folders import user_file
from plytalk.trust.store_errors import StoreError

KEYS: dict[str, type] = {
    "profile": str,
    "host": str,
    "port": int,
    "relay": str,
    "options": dict,
    **{kind: list if kind in REPEATABLE else str for kind in KINDS},
}
TYPES = {str: "a string", int: "a whole number", bool: "true or false", list: "a list of names", dict: "a table"}
MAX_BYTES = 64 * 1024


def read(path: Path | None) -> dict[str, Any]:
    """The settings of a config file; none at all where there is no such file and none was named. Raises Usage."""
    file = path or user_file("config.toml")
    if str(file) == os.devnull:
        return {}
    try:
        raw = files.read_public(file, limit=MAX_BYTES, links=True)
    except StoreError as error:
        raise Usage(f"The config file cannot be used: {error}", error.hint) from None
    if raw is None:
        if path is None and not os.path.islink(file):
            return {}
        raise Usage(f"There is no config file {file}.", "Check --config or PLYTALK_CONFIG.")
    return parse(raw, str(file))


def parse(raw: bytes, name: str) -> dict[str, Any]:
    """The settings in the text of a config file. Raises Usage."""
    try:
        import tomllib  # most users have no such file

        settings = tomllib.loads(raw.decode())
    except (ValueError, RecursionError) as error:  # TOMLDecodeError and UnicodeDecodeError among them
        raise Usage(f"The config file {name} is not TOML: {error}.") from None
    for key, value in settings.items():
        if key not in KEYS:
            hint = f"{nearest(key, KEYS)} The options of layers, such as 'rsa-key', go under [options]."
            raise Usage(f"The config file {name} has the unknown key {key!r}.", hint)
        if not isinstance(value, KEYS[key]) or isinstance(value, bool):
            raise Usage(f"In the config file {name}, {key!r} must be {TYPES[KEYS[key]]}.")
        if key in REPEATABLE and not all(isinstance(one, str) for one in cast(list[object], value)):
            raise Usage(f"In the config file {name}, {key!r} must be a list of names.")
    if not 0 <= settings.get("port", 0) <= 65535:
        raise Usage(f"In the config file {name}, 'port' must be from 0 to 65535.")
    if "host" in settings and not settings["host"]:
        raise Usage(f"In the config file {name}, 'host' is empty.", "Leave it out, or give an address of this machine.")
    if "relay" in settings:
        try:
            relay_address(settings["relay"])
        except Usage as error:
            raise Usage(f"In the config file {name}, 'relay' is not the address of one. {error}", error.hint) from None
    return settings


def option(option: Option, value: Any, file: Path | None = None) -> Any:
    """The value that the config file gives to a layer's option, None for none.

    Raises Usage where its type is another, or where it has a secret in it and others can read the file.
    """
    if value is None:
        return None
    kind = option.type if option.type in (bool, int) else str
    if type(value) is not kind:
        raise Usage(f"In the config file, the option {option.name!r} must be {TYPES[kind]}.")
    if value == "" and option.default != "":
        raise Usage(f"In the config file, the option {option.name!r} is empty.", "Give it a value, or leave it out.")
    if option.has_secret and option.has_secret(str(value)):
        keep_secret(file or user_file("config.toml"))
    return value


def keep_secret(file: Path) -> None:
    """Raises Usage unless the config file can be read by its owner alone."""
    try:
        files.read(file, secret=True, limit=MAX_BYTES, links=True)
    except StoreError as error:
        raise Usage(f"The config file has a password in it. {error}", error.hint) from None


def nearest(name: str, known: Iterable[str]) -> str:
    """What to do about an unknown name: the nearest one, or all."""
    from difflib import get_close_matches

    names = list(known)
    near = get_close_matches(name, names, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(names)}."
