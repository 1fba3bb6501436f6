"""`chat plugins`: what is installed, from where, and what is broken and why."""

import json
import warnings
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any, NoReturn

import click

from plytalk.cli.main import paint
from plytalk.cli.scaffold import new
from plytalk.cli.stacks import Blocked
from plytalk.cli.text_rows import hanging
from plytalk.core.contracts.attack import Attack
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.contract_words import title
from plytalk.core.contracts.errors import Exit, PluginError
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.properties import Profile, Property
from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.source_places import location_of
from plytalk.core.io.alarm import alarm
from plytalk.core.registry.discovery import PLUGIN_KINDS, Found
from plytalk.core.registry.hookspecs import API_VERSION
from plytalk.core.registry.registry import Problem, Registry

MOST = 1000
"""The width of a row without a terminal: enough for a plugin on one line, for programs such as grep."""
CHECK_SECONDS = 60.0
"""How long the conformance kit may take with one layer; with most it takes less than 1."""
EXAMPLES = """\b
Examples:
  chat plugins                                              what is installed, and what is broken
  chat plugins --check                                      the same; exit code 7 if anything is wrong
  chat plugins -p no:plytalk-cipher-xor                     as if that distribution were not installed
  chat plugins new plytalk-cipher-mine --kind cipher        start a plugin of your own
"""


@click.group(invoke_without_command=True, epilog=EXAMPLES)
@click.option(
    "--check",
    is_flag=True,
    help="Also test the layers with the conformance kit, and exit with code 7 if anything is wrong.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("-p", "blocked", multiple=True, type=Blocked(), metavar="no:NAME", help="Block a plugin (repeatable).")
@click.pass_context
def plugins(ctx: click.Context, check: bool, as_json: bool, blocked: tuple[str, ...]) -> int:
    """List the installed plugins, check them, or make a new one."""
    if ctx.invoked_subcommand:
        if check or as_json or blocked:
            raise click.UsageError(f"--check, --json and -p have no meaning before `{ctx.invoked_subcommand}`.", ctx)
        return Exit.OK
    registry = Registry(blocked)
    working = sorted(registry.load_all(), key=lambda one: (PLUGIN_KINDS.index(one[0].kind), one[0].name))
    rows = [_row(found, brought) for found, brought in working]
    problems = [*registry.problems, *(refuted(working) if check else ())]
    print(_as_json(rows, problems) if as_json else _as_text(rows, problems))
    return Exit.PLUGIN if check and problems else Exit.OK


plugins.add_command(new)


def refuted(working: Iterable[tuple[Found, type[Layer] | type[Attack] | Profile]]) -> Iterator[Problem]:
    """What the conformance kit says against the layers that it can make without options."""
    for found, brought in working:
        if not (isinstance(brought, type) and issubclass(brought, Layer)) or brought.options:
            continue
        if fault := fault_in_use(brought):
            said = f"{title(brought)} of {found.origin} does not keep its contract: {clean(fault)} See {location_of(brought)}."
            yield Problem(found.key, found.origin, PluginError(said), usable=True)


def fault_in_use(layer: type[Layer]) -> str:
    """What the conformance kit says against a layer; empty for nothing. A layer that waits for itself is given up."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of coroutines that nobody awaits: the kit says it better
        try:
            with alarm(CHECK_SECONDS, refuse_to_wait):
                hold_to_contract(layer)
        except AssertionError as error:
            return str(error)
        except SystemExit:
            return "It ends the program: raise an error of plytalk's."
    return ""


def refuse_to_wait(frame: FrameType | None) -> NoReturn:
    """Raise AssertionError: taking longer than CHECK_SECONDS breaks the contract."""
    at = f" It is at {frame.f_code.co_filename}:{frame.f_lineno}." if frame else ""
    raise AssertionError(f"It has not ended within {CHECK_SECONDS:g} seconds: no method may block.{at}")


def hold_to_contract(layer: type[Layer]) -> None:
    """Let the conformance kit use a layer. Raises AssertionError."""
    from plytalk import testing

    if issubclass(layer, Framer):
        testing.check_framer(layer)
    elif issubclass(layer, Messages):
        testing.check_messages(layer)
    elif issubclass(layer, Cipher) and Property.STATES not in layer.needs:
        testing.check_cipher(layer)
    elif issubclass(layer, Handshake) and Property.STATES not in layer.gives:
        testing.check_handshake(layer)


def _row(found: Found, brought: type[Layer] | type[Attack] | Profile) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "name": found.name,
        "distribution": found.distribution,
        "version": found.version,
        "module": found.module,
        "summary": clean(brought.summary if isinstance(brought, Profile) else brought.summary()),
    }


def _as_json(rows: list[dict[str, Any]], problems: list[Problem]) -> str:
    return json.dumps(
        {
            "api": API_VERSION,
            "plugins": rows,
            "problems": [
                {"plugin": one.key, "from": one.origin, "problem": _sentence(one), "usable": one.usable} for one in problems
            ],
        },
        indent=2,
    )


def _as_text(rows: list[dict[str, Any]], problems: list[Problem]) -> str:
    table = [("KIND", "NAME", "FROM", "SUMMARY")]
    table += [(row["kind"], row["name"], f"{row['distribution']} {row['version']}", row["summary"]) for row in rows]
    widths = [max(len(line[column]) for line in table) for column in range(3)]
    head, *lines = (
        hanging("".join(f"{cell:<{width}}  " for cell, width in zip(line, widths, strict=False)), line[3], MOST) for line in table
    )
    told = [*(paint(row, "1", 1) for row in head), *(row for rows in lines for row in rows), ""]
    if problems:
        told.append(paint("What is wrong", "1", 1))
        for one in problems:
            word = "usable" if one.usable else "broken"
            first, *rest = hanging(f"  {word}  ", _sentence(one), MOST)
            told += [first.replace(word, paint(word, "33" if one.usable else "31", 1), 1), *rest]
    else:
        told.append("Nothing is wrong.")
    return "\n".join(told)


def _sentence(problem: Problem) -> str:
    """What is wrong and what to do, without the advice to call the command that is saying this."""
    error = problem.error
    return str(error) if error.hint == PluginError.hint else error.sentence
