"""Whether what a plugin brings keeps its contract, as far as that can be seen without using it."""

import re
import sys
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from importlib.util import find_spec
from inspect import isasyncgenfunction, isfunction, isgeneratorfunction, signature
from pathlib import Path
from typing import Any

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.commands import Command
from plytalk.core.contracts.contract_words import asked, written
from plytalk.core.contracts.events import TYPE_NAMES, Event
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.kinds import KINDS
from plytalk.core.contracts.layer import Layer, Option
from plytalk.core.contracts.properties import Profile, Property
from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.source_places import class_location, function_location, raised_at
from plytalk.core.registry import hookspecs
from plytalk.core.registry.members import fault_of_members

JUDGEMENTS = ("agree", "check", "verify")
OPTION_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
OPTION_TYPES = (bool, int, str, Path)
HOOKS = ("layers", "profiles", "attacks")
"""The hooks by which a plugin brings something."""


def fault_of(brought: Any, hook: str, is_made: bool = False) -> str:
    """What is wrong with something that one of HOOKS gave, as a sentence; empty if nothing is.

    With `is_made` the caller has an object of the class already, so its constructor may take what it likes.
    """
    if hook == "layers":
        fault = _fault_of_layer(brought, is_made)
    else:
        fault = {"profiles": _fault_of_profile, "attacks": _fault_of_attack}[hook](brought)
    if not fault or " See " in fault:
        return fault
    return f"{fault} See {class_location(brought if isinstance(brought, type) else type(brought))}."


def fault_of_hooks(members: Mapping[str, Any]) -> str:
    """What is wrong with the first function that is marked as a hook and is none, or takes what no hook gives; or empty."""
    for name, function in members.items():
        if not (isfunction(function) and hasattr(function, "plytalk_impl")):
            continue
        location = f"See {function_location(function)}."
        spec = getattr(hookspecs, name, None)
        if spec is None or not hasattr(spec, "plytalk_spec"):
            hooks = ", ".join(name for name, hook in vars(hookspecs).items() if hasattr(hook, "plytalk_spec"))
            return f"`{name}` is marked with `hookimpl`, but no hook has that name; there are {hooks}. {location}"
        if not {*signature(function).parameters} - {"self"} <= {*signature(spec).parameters}:
            taken = ", ".join(signature(function).parameters)
            return f"the hook `{name}` takes ({taken}); the contract asks for {written(name, spec)}. {location}"
    return ""


def _fault_of_layer(brought: Any, is_made: bool) -> str:
    if not (isinstance(brought, type) and issubclass(brought, Layer)):
        return f"it gives {brought!r:.100}, which is not a layer class."
    kind: Any = getattr(brought, "kind", None)
    if not isinstance(kind, str) or kind not in KINDS or not issubclass(brought, KINDS[kind]):
        return f"the class {brought.__name__} does not derive from a kind of layer such as {next(iter(KINDS.values())).__name__}."
    if fault := _fault_of_class(brought):
        return fault
    if issubclass(brought, Feature) and (fault := _fault_of_events(brought) or _fault_of_commands(brought)):
        return fault
    if issubclass(brought, Authenticator) and all(getattr(brought, one) is getattr(Authenticator, one) for one in JUDGEMENTS):
        return f"the {kind} `{brought.name}` would let everybody in: it defines none of {', '.join(JUDGEMENTS)}."
    if fault := _fault_of_statements(brought):
        return fault
    return fault_of_hooks(vars(brought)) or fault_of_members(brought, is_made)


def _fault_of_events(feature: type[Feature]) -> str:
    for event in feature.events:
        if not (isinstance(event, type) and issubclass(event, Event)):
            return f"the events of the feature `{feature.name}` hold {event!r:.100}, which is not a class of Event."
        if (tag := event.__struct_config__.tag) in TYPE_NAMES or not isinstance(tag, str):
            return f"the event {event.__name__} of the feature `{feature.name}` has the tag {tag!r:.100}, which is taken."
    return ""


def _fault_of_commands(feature: type[Feature]) -> str:
    where = f"of the feature `{feature.name}`"
    if not isinstance(feature.commands, list | tuple):
        return f"the commands {where} are {feature.commands!r:.100}, which is not a sequence of Command."
    for command in feature.commands:
        if not isinstance(command, Command) or not callable(command.run):
            return f"the commands {where} hold {command!r:.100}, which is not a Command with a function."
        if not OPTION_NAME.fullmatch(command.name):
            return f"the command {command.name!r:.100} {where} is not called in lowercase letters, digits and single hyphens."
        if isgeneratorfunction(command.run) or isasyncgenfunction(command.run):
            location = function_location(command.run)
            return f"the function of the command /{command.name} {where} is a generator, which does nothing here. See {location}."
        if not _takes_one(command.run):
            location = function_location(command.run)
            return f"the function of the command /{command.name} {where} does not take one argument, a Call. See {location}."
    return ""


def _takes_one(function: Callable[..., object]) -> bool:
    try:
        signature(function).bind(None)
    except TypeError:
        return False
    except ValueError:
        pass
    return True


def _fault_of_class(brought: Any) -> str:
    if not isinstance(getattr(brought, "name", None), str):
        return f"the class {brought.__name__} has no name."
    if missing := getattr(brought, "__abstractmethods__", None):
        wanted = [asked(brought.kind, name) for name in sorted(missing)]
        return f"the {brought.kind} `{brought.name}` does not define {', '.join(wanted)}."
    return ""


def _fault_of_attack(brought: Any) -> str:
    from plytalk.core.contracts.attack import Attack  # the lab's, which a conversation does without

    if not (isinstance(brought, type) and issubclass(brought, Attack)):
        return f"it gives {brought!r:.100}, which is not an attack class."
    if fault := _fault_of_class(brought):
        return fault
    if not isinstance(brought.defences, AbstractSet) or not brought.defences <= set(Property):
        return f"the defences of the attack `{brought.name}` are {brought.defences!r:.100}, which is not a set of Property."
    if not isinstance(summary := brought.summary(), str) or clean(summary) != summary:
        return f"the attack `{brought.name}` describes itself with {summary!r:.100}, which cannot be printed."
    return fault_of_members(brought)


def _fault_of_statements(layer: type[Layer]) -> str:
    where = f"the {layer.kind} `{layer.name}`"
    for word in ("needs", "gives"):
        stated = getattr(layer, word)
        if not isinstance(stated, AbstractSet) or not stated <= set(Property):
            return f"{where} {word} {stated!r:.100}, which is not a set of Property."
    if not isinstance(layer.prefers, Mapping) or not set(layer.prefers) <= set(KINDS):
        return f"what {where} prefers is not a mapping of kinds of layers to names."
    for option in layer.options:
        if not isinstance(option, Option) or option.type not in OPTION_TYPES:
            return f"the option {option!r:.100} of {where} is not an Option of the type bool, int, str or Path."
        if not OPTION_NAME.fullmatch(option.name):
            return f"the option {option.name!r:.100} of {where} is not called in lowercase letters, digits and single hyphens."
    if not isinstance(layer.caution, str) or not isinstance(layer.summary(), str):
        return f"the caution or the summary of {where} is not text."
    for text in (layer.caution, layer.summary(), *(f"{option.help}{option.metavar}" for option in layer.options)):
        if clean(text) != text:
            return f"{where} describes itself with {text!r:.100}, which has characters that cannot be printed."
    return ""


def _fault_of_profile(brought: Any) -> str:
    if not isinstance(brought, Profile):
        return f"it gives {brought!r:.100}, which is not a Profile."
    if unknown := set(brought.layers) - set(KINDS):
        return f"the profile `{brought.name}` names {sorted(unknown)[0]!r}, which is not a kind of layer."
    return ""


def import_location(error: BaseException, module: str) -> str:
    """Where a module raised something while it was imported, as a sentence; empty where nothing of it ran."""
    name = getattr(sys.modules.get(module), "__file__", None) or _file_of(module)
    location = raised_at(error, name)
    if isinstance(error, SyntaxError) and error.filename == name:
        location = clean(f"{name}:{error.lineno}")
    return f" See {location}." if location else ""


def _file_of(module: str) -> str | None:
    """The file of a module that could not be imported."""
    try:
        found = find_spec(module)
    except (ImportError, ValueError):
        return None
    return found.origin if found else None
