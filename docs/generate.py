"""Write into the pages what the code knows. After a change of layers, options, hooks, errors or help texts, run

    ./run python docs/generate.py            --check changes nothing and fails where a page is out of date

What stands between `<!-- begin NAME ARGUMENTS -->` and `<!-- end -->` is the answer of the function NAME below; everything else
is written by hand. docs/layers.svg is drawn from a demo by docs/picture.py, and docs/man is written by docs/manual.py.
"""

import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from datetime import timedelta
from difflib import unified_diff
from importlib import import_module
from importlib.metadata import entry_points
from itertools import groupby
from pathlib import Path
from typing import Any, get_args, get_type_hints

import click
import manual
import msgspec
import picture
from form import amount, code, listed, oneline, prose, signature, table, told_in

import plytalk
from plytalk.api.arguments import ClientArguments, ServerArguments
from plytalk.api.chat import Chat, connect
from plytalk.api.hosting import ChatServer, serve
from plytalk.cli import config, event_schema
from plytalk.cli.main import chat
from plytalk.cli.stacks import HELP
from plytalk.core.bases.filter_listener import FilterListener
from plytalk.core.bases.filter_stream import FilterStream
from plytalk.core.bases.header_framer import HeaderFramer
from plytalk.core.bases.wire_stream import WireStream
from plytalk.core.contracts import batch_methods, errors, events, limits, optional, sealed_count, spans, transport, wire
from plytalk.core.contracts.attack import Attack, AttackerConnection, Evidence, Interceptor, Participant
from plytalk.core.contracts.audit import Audits, Probe
from plytalk.core.contracts.authenticator import Channel
from plytalk.core.contracts.commands import Call, Command
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.handler import ClientFeature, GroupFeature
from plytalk.core.contracts.handshake import HandshakeIO, NegotiatingIO
from plytalk.core.contracts.items import Item
from plytalk.core.contracts.kinds import GROUP, KINDS
from plytalk.core.contracts.layer import Layer, Option
from plytalk.core.contracts.peers import Identity, Peer, SessionSecrets
from plytalk.core.contracts.properties import MEANINGS, Property
from plytalk.core.contracts.spans import Passed, Reader, Span
from plytalk.core.contracts.transport import Listener, Stream
from plytalk.core.conversation import farewell
from plytalk.core.endpoints import lifecycle
from plytalk.core.registry import hookspecs
from plytalk.core.registry.discovery import Found, installed
from plytalk.core.registry.registry import Registry
from plytalk.lab.classroom.exercise_book import EXERCISES
from plytalk.plugins.features.rooms import Rooms
from plytalk.plugins.rooms import room_chat

DOCS = Path(__file__).resolve().parent
PROJECT = DOCS.parent
PICTURE = DOCS / "layers.svg"
PATHS = DOCS.parent / "tests" / "system" / "path"
MAN = DOCS / "man"
SCHEMAS = (DOCS / "reference" / "events.schema.json", PROJECT / "plugins" / "uis" / "events.schema.json")
MARKED = re.compile(r"(?P<begin><!-- begin (?P<name>\w+)(?P<arguments>[^\n]*?) -->\n)(?P<body>.*?)(?P<end><!-- end -->)", re.S)
WIDTH = "100"
ITEMS = [one for one in get_args(Item) if one is not str]


def pages() -> list[Path]:
    """Every page that can hold marks."""
    return [PROJECT / "README.md", *sorted(DOCS.rglob("*.md"))]


def renewed(text: str) -> str:
    """A page's text with everything between marks rewritten. Raises KeyError for a mark of an unknown name."""

    def renew(match: re.Match[str]) -> str:
        body = GENERATORS[match["name"]](match["arguments"].strip())
        return f"{match['begin']}\n{body.strip()}\n\n{match['end']}"

    return MARKED.sub(renew, text)


def main(arguments: list[str]) -> int:
    wanted = {page: renewed(page.read_text()) for page in pages()}
    wanted |= {MAN / name: text for name, text in manual.pages(leaves(chat, "chat")).items()}
    wanted |= dict.fromkeys(SCHEMAS, event_schema.as_text())
    gone = set(MAN.glob("*")) - set(wanted)
    drawn = picture.draw(picture.read(demo_frames()))
    wanted[PICTURE] = PICTURE.read_text() if PICTURE.exists() and picture.same(PICTURE.read_text(), drawn) else drawn
    stale = [path for path in wanted if not path.exists() or path.read_text() != wanted[path]]
    for path in stale:
        print(f"{path.relative_to(PROJECT)} {'is out of date' if '--check' in arguments else 'written'}")
        if "--check" not in arguments:
            path.write_text(wanted[path])
        elif path != PICTURE and path.exists():
            print(*unified_diff(path.read_text().splitlines(), wanted[path].splitlines(), n=0, lineterm=""), sep="\n")
    for path in gone:
        print(f"{path.relative_to(PROJECT)} is about no command: delete it")
    return 1 if gone or (stale and "--check" in arguments) else 0


# -- what the program prints ---------------------------------------------------------------------------------------------------


def run(line: str) -> str:
    """What a command line prints on standard output, without the user's settings and without colour."""
    command = [sys.executable, "-m", "plytalk", *line.split()[1:]]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PLYTALK_", "XDG_"))}
    with tempfile.TemporaryDirectory() as home:
        environment = kept | {"COLUMNS": WIDTH, "NO_COLOR": "1", "HOME": home}
        return subprocess.run(
            command, env=environment, cwd=home, stdout=subprocess.PIPE, text=True, check=True, timeout=600
        ).stdout


def demo_frames(options: str = "") -> Any:
    """The frames of a `chat demo`, as `chat inspect --json` prints them."""
    with tempfile.TemporaryDirectory() as folder:
        run(f"chat demo --trace {folder}/trace {options}")
        return json.loads(run(f"chat inspect {folder}/trace --json"))


def output(line: str) -> str:
    strangers = {found.distribution for found in installed() if isinstance(found, Found) and found.distribution != GROUP}
    printed = run(" ".join([line, *(f"-p no:{name}" for name in sorted(strangers))]))
    return f"```console\n$ {line}\n{printed.rstrip()}\n```"


def commands(_: str) -> str:
    return "\n\n".join(f"## {line}\n\n```text\n{run(f'{line} --help').rstrip()}\n```" for line, _ in leaves(chat, "chat"))


def leaves(command: click.Command, line: str) -> Iterator[tuple[str, click.Command]]:
    """Every command with the line that calls it: `chat`, `chat serve`, ..."""
    yield line, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=line)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from leaves(inner, f"{line} {name}")


def source(path: str) -> str:
    return f"```python\n{(PROJECT / path).read_text().rstrip()}\n```"


def event_types(_: str) -> str:
    return table(("type", "what happened"), [(code(tag_of(one)), oneline(one.__doc__)) for one in events.TYPES])


def tag_of(one: type[msgspec.Struct]) -> str:
    return str(one.__struct_config__.tag)


def event_fields(_: str) -> str:
    return "\n\n".join(f"### {tag_of(one)}\n\n{prose(one)}\n\n{field_table(one)}" for one in events.TYPES)


def field_table(one: type[events.Event]) -> str:
    common = events.MemberEvent if issubclass(one, events.MemberEvent) else events.Event
    known = {field.name for field in msgspec.structs.fields(common)}
    rows = [(code(field.name), code(type_of(field))) for field in msgspec.structs.fields(one) if field.name not in known]
    return table(("field", "type"), rows) if rows else "It has only the fields that all have."


def type_of(field: msgspec.structs.FieldInfo) -> str:
    written = field.type.__name__ if isinstance(field.type, type) and not get_args(field.type) else str(field.type)
    return re.sub(r"\b(?:plytalk(?:\.[a-z_]+)+|datetime|typing)\.", "", written)


def orders(_: str) -> str:
    rows = [(code(tag_of(one)), oneline(one.__doc__), ", ".join(map(code, one.__struct_fields__))) for one in event_schema.ORDERS]
    return table(("type", "what it does", "fields"), rows)


def environment(_: str) -> str:
    found: dict[str, list[str]] = {}
    for _line, command in leaves(chat, "chat"):
        for param in command.params:
            if isinstance(param.envvar, str):
                found.setdefault(param.envvar, [])
                if param.opts[-1] not in found[param.envvar]:
                    found[param.envvar].append(param.opts[-1])
    for layer in Registry().layers(KINDS, everywhere=False):
        for option in layer.options:
            if option.variable:
                found[option.variable] = [f"--{option.name}"]
    found["PLYTALK_HOME"] = ["the folder of all files of the program: settings, identity, keys that are trusted"]
    found["NO_COLOR"] = ["no colour, unless it is empty"]
    rows = [(code(name), ", ".join(code(opt) if opt.startswith("-") else opt for opt in opts)) for name, opts in found.items()]
    return table(("variable", "sets"), rows)


def settings(_: str) -> str:
    kinds = {dict: "table", list: "list of names", str: "text", int: "number"}
    return table(("key", "value"), [(code(key), kinds[its]) for key, its in config.KEYS.items()])


# -- what the code states ------------------------------------------------------------------------------------------------------


def plugins_found() -> Registry:
    """The built-in plugins alone: what else is installed here is nobody else's business."""
    built_in = Registry(points=[point for point in entry_points(group=GROUP) if point.dist and point.dist.name == GROUP])
    built_in.load_all()
    return built_in


def layers(_: str) -> str:
    plugins = plugins_found()
    parts = [f"## {kind}\n\n{HELP[kind]}\n\n{layers_of(kind, plugins)}" for kind in KINDS]
    return "\n\n".join([*parts, f"## attack\n\nWhat `chat lab` does to a stack.\n\n{attacks(plugins)}"])


def layers_of(kind: str, plugins: Registry) -> str:
    rows = []
    for name in plugins.names(kind):
        layer = plugins.layer(kind, name)
        options = ", ".join(code(f"--{option.name}") for option in layer.options)
        rows.append((code(name), layer.summary(), listed(layer.needs), listed(layer.gives), options))
    return table(("name", "what it is", "needs", "gives", "options"), rows) if rows else "None is built in."


def attacks(plugins: Registry) -> str:
    rows = []
    for name in plugins.names(Attack.kind):
        attack = plugins.attack(name)
        rows.append((code(name), attack.summary(), listed(attack.defences), attack.reference))
    return table(("name", "what it does", "fails where the stack gives", "met before in"), rows)


def contract(_: str) -> str:
    found = [one for module in (optional, batch_methods, sealed_count, spans, transport, wire) for one in vars(module).values()]
    offers = [one for one in found if getattr(one, "_is_runtime_protocol", False)]
    bases = (
        Layer,
        *KINDS.values(),
        HandshakeIO,
        Channel,
        Stream,
        Listener,
        FilterStream,
        WireStream,
        FilterListener,
        Attack,
        Interceptor,
        AttackerConnection,
        Evidence,
        Participant,
        *offers,
        GroupFeature,
        ClientFeature,
        Audits,
        Probe,
    )
    data = (Option, SessionSecrets, Identity, Peer, Passed, Span, Reader, Command, Call, HeaderFramer, NegotiatingIO, *ITEMS)
    return "\n\n".join(f"## {base.__name__}\n\n{contract_of(base)}" for base in (*bases, *data))


def contract_of(base: type) -> str:
    """What a layer is to define, or can use: the docstring of its class, then the attributes and methods in their order."""
    told = told_in(sys.modules[base.__module__], base.__name__)
    fields = [name for name in inspect.get_annotations(base) if name not in told and not name.startswith("_")]
    lines = [f"- Attributes: {', '.join(map(code, fields))}."] if fields else []
    lines += [f"- `{name}`: {said}" for name, said in told.items()]
    for name, member in vars(base).items():
        function = getattr(member, "fget", None) or getattr(member, "__func__", member)
        if not inspect.isfunction(function) or (name.startswith("_") and not hasattr(function, "__isabstractmethod__")):
            continue
        said = f": {' '.join((function.__doc__ or '').split())}" if function.__doc__ else ""
        needed = " **Must be defined.**" if hasattr(function, "__isabstractmethod__") else ""
        lines.append(f"- `{name if isinstance(member, property) else signature(function)}`{said}{needed}")
    return "\n".join([prose(base), "", *lines])


def python(_: str) -> str:
    """The functions for programs, and what they give."""
    functions = "\n\n".join(f"## {one.__name__}\n\n```python\n{call_of(one)}\n```\n\n{prose(one)}" for one in (connect, serve))
    classes = "\n\n".join(f"## {one.__name__}\n\n{offered(one)}" for one in (Chat, ChatServer))
    return f"{functions}\n\n{classes}"


def call_of(function: Callable[..., Any]) -> str:
    """A call of a function with its keyword arguments, one on a line."""
    lines = [f"    {param}," for param in inspect.signature(function).parameters.values() if param.kind is not param.VAR_KEYWORD]
    shown = "\n".join([f"plytalk.{function.__name__}(", lines[0], "    *,", *lines[1:], "    **layers,", ")"])
    return re.sub(r"[a-z_.]+\.(?=[A-Z])", "", shown)


def offered(base: type) -> str:
    """What a program can do with an object of this class, its base's part included."""
    classes = [each for each in reversed(base.__mro__) if each.__module__.startswith("plytalk.")]
    told = {
        name: oneline(said) for each in classes for name, said in told_in(sys.modules[each.__module__], each.__name__).items()
    }
    for name, member in ((name, member) for each in classes for name, member in vars(each).items()):
        function = getattr(member, "fget", member)
        if inspect.isfunction(function):
            way = "await " if inspect.iscoroutinefunction(function) else ""
            call_of = f"{way}{re.sub(r'^(async )?def |self(, )?', '', signature(function))}"
            told[name if isinstance(member, property) else call_of] = oneline(function.__doc__)
    lines = [f"- `{name}`: {said}" for name, said in told.items() if not name.removeprefix("await ").startswith("_")]
    return "\n".join([oneline(base.__doc__), "", *lines])


def arguments(_: str) -> str:
    """The keyword arguments for layers and their options, with their types and with the function that takes them."""
    own = {one: set(get_type_hints(one)) for one in (ClientArguments, ServerArguments)}
    rows = []
    for name in {**ClientArguments.__annotations__, **ServerArguments.__annotations__}:
        taken = [function for one, function in ((ClientArguments, "connect"), (ServerArguments, "serve")) if name in own[one]]
        hint = get_type_hints(ServerArguments if "serve" in taken else ClientArguments)[name]
        rows.append((code(name), code(named_type(hint)), " and ".join(map(code, taken))))
    return table(("argument", "type", "taken by"), rows)


def named_type(hint: Any) -> str:
    return re.sub(r"[a-z_.]+\.(?=[A-Z])", "", hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint))


def states(of: str) -> str:
    """The transitions of a server, of the goodbyes of a conversation, or of a client of rooms, as the source draws them."""
    source = {"server": lifecycle, "goodbyes": farewell, "client": room_chat}[of]
    drawing = (source.__doc__ or "").split("\n\n")[1]
    return f"```text\n{textwrap.dedent(drawing)}\n```"


def profiles(_: str) -> str:
    plugins = plugins_found()
    found = [plugins.profile(name) for name in plugins.names("profile")]
    rows = [
        (code(one.name), one.summary, str(one.port), " ".join(f"`--{k} {n}`" for k, n in one.layers.items())) for one in found
    ]
    return table(("name", "what it is", "port", "is short for"), rows)


def properties(_: str) -> str:
    rows = [(str(prop), MEANINGS[prop].have, MEANINGS[prop].lack, ", ".join(MEANINGS[prop].change)) for prop in Property]
    return table(("property", "with it", "without it", "given by a"), rows)


def hooks(_: str) -> str:
    found = [one for one in vars(hookspecs).values() if inspect.isfunction(one) and hasattr(one, "plytalk_spec")]
    return "\n\n".join(f"## {one.__name__}\n\n```python\n{signature(one)}\n```\n\n{prose(one)}" for one in found)


def exported(_: str) -> str:
    names = sorted(plytalk._HOME)
    return table(
        ("name", "what it is"),
        [(code(name), what_is(name) if name != "hookimpl" else "Marks a function as a hook.") for name in names],
    )


def what_is(name: str) -> str:
    """The first sentences of what is exported under a name; of another name for a type, those below it."""
    found = getattr(plytalk, name)
    own = getattr(found, "__name__", "") == name
    return oneline(found.__doc__ if own else told_in(import_module(f"plytalk.{plytalk._HOME[name]}"))[name])


def failures(_: str) -> str:
    def rows(error: type[errors.ChatError], depth: int) -> Iterator[tuple[str, ...]]:
        sentence = oneline(error.__doc__)
        yield f"{'&emsp;' * depth}{code(error.__name__)}", sentence, error.hint, str(int(error.exit_code))
        for inner in error.__subclasses__():
            if inner.__module__ == error.__module__:
                yield from rows(inner, depth + 1)

    return table(("error", "what it says", "what to do", "exit code"), rows(errors.ChatError, 0))


def exits(_: str) -> str:
    told = told_in(errors, "Exit")
    return table(("code", "name", "meaning"), [(str(int(one)), code(one.name), told[one.name]) for one in errors.Exit])


def bounds(_: str) -> str:
    told = told_in(limits, "Limits")
    values = msgspec.structs.asdict(limits.Limits())
    rows = [(code(name), amount(value), told[name]) for name, value in values.items()]
    before = told_in(sys.modules[Framer.__module__], "Framer")["limit"]
    return table(("limit", "value", "meaning"), [*rows, (code("Framer.limit"), amount(Framer.limit), before)])


ROOM_LIMITS = {
    "returning": "REMEMBERED",
    "hub": "QUEUE",
    "room_list": "KEEP MAX_ROOMS MAX_LOGS EMPTY",
    "directory": "MAX_REMEMBERED NAMES_A_DAY LOCAL_NAMES_A_DAY",
    "budget": "BYTES BURST_BYTES REQUESTS BURST_REQUESTS ITEM ANSWER UNFINISHED TURN DELIVERED TOGETHER SLICE",
    "member": "GRACE",
    "pace": "PATIENCE SLOWEST UNREAD_BYTES",
    "room": "CROWD CHUNK JAM",
    "event_log": "MAX_BYTES MOST_BYTES",
    "moderation": "MAX_NAMES UNUSED",
    "member_names": "MAX_NAME MAX_NAME_BYTES",
    "resume": "MAX_INSTANCE MIN_SECRET",
    "command_words": "MAX_TEXT MAX_LISTED",
    "room_events": "MAX_REQUEST MOST_NAME",
}


def room_bounds(_: str) -> str:
    """The limits of rooms, with the option that changes them where there is one."""
    rows = [(f"`--{option.name}`", str(option.default), oneline(option.help)) for option in Rooms.options if option.type is int]
    for name, constants in ROOM_LIMITS.items():
        module = import_module(f"plytalk.plugins.rooms.{name}")
        told = told_in(module)
        for constant in constants.split():
            value = getattr(module, constant)
            shown = f"{value.days} days" if isinstance(value, timedelta) else amount(value)
            rows.append((code(f"{name}.{constant}"), shown, oneline(told[constant])))
    return table(("limit", "value", "meaning"), rows)


CLASS_LIMITS = {
    "task": "MAX_ANSWER",
    "deliveries": "MOST_FRAMES",
    "signed_report": "MAX_REPORT",
    "roster": "MAX_ROSTER MOST_STUDENTS",
    "grading": "MOST_REPORTS",
    "separate_run": "SECONDS MOST_WRITTEN",
    "handout": "SECONDS",
}


FILE_LIMITS = {
    "file_items": "PIECE WINDOW MAX_CREDIT STREAMS OFFERS MAX_SAID",
    "feeds": "SLOW GATHERED",
    "sending": "MOST_STREAMS",
    "parties": "RESERVE POOL",
    "made_offers": "ANSWERED MOST_MADE",
    "heard_offers": "MOST_HEARD",
    "file_limits": "CHUNK BLOCK MAX_SIZE MAX_MANIFEST MAX_ENTRIES MAX_DEPTH MAX_NAME MAX_PARTIALS PARTIAL_DAYS MAX_NUMBER",
}


def class_bounds(_: str) -> str:
    """The limits of the classroom."""
    return constant_bounds("plytalk.lab.classroom", CLASS_LIMITS)


def file_bounds(_: str) -> str:
    """The limits of files."""
    return constant_bounds("plytalk.plugins.files", FILE_LIMITS)


def constant_bounds(package: str, limits: dict[str, str]) -> str:
    """Constants of the modules of a package, with what their docstrings say."""
    rows = []
    for name, constants in limits.items():
        module = import_module(f"{package}.{name}")
        told = told_in(module)
        rows += [(code(f"{name}.{one}"), amount(getattr(module, one)), oneline(told[one])) for one in constants.split()]
    return table(("limit", "value", "meaning"), rows)


SSH_LIMITS = {
    "line_editor": "LONGEST_LINE REMEMBERED",
    "guest_terminal": "LONGEST_PIPED",
    "guest_server": "ATTEMPTS",
    "guest_stream": "FIRST_BYTES_SECONDS SHELL_SECONDS RATE BURST FULL MOST_REFUSALS",
}


def ssh_bounds(_: str) -> str:
    """The limits of guests by ssh."""
    return constant_bounds("plytalk.plugins.ssh", SSH_LIMITS)


def hints(_: str) -> str:
    """The hints of each exercise, in the order in which a teacher gives them."""
    rows = [(str(number), *one.hints) for number, one in enumerate(EXERCISES, 1)]
    return table(("", "first", "second"), rows)


def decisions(_: str) -> str:
    found = [(page.name, page.read_text().splitlines()[0].lstrip("# ")) for page in sorted((DOCS / "decisions").glob("0*.md"))]
    return "\n".join(f"- [{title}]({name})" for name, title in found)


def matrix(arguments: str) -> str:
    """The lab's matrix, measured."""
    return run(f"chat lab --markdown {arguments}")


def path(name: str) -> str:
    """The functions that one typed line enters, as a test recorded them: those of a file in one line."""
    steps = [call.split() for call in (PATHS / f"{name}.txt").read_text().splitlines()]
    lines = [(file, [function for _, function in each]) for file, each in groupby(steps, lambda step: step[0])]
    width = max(len(file) for file, _ in lines)
    return "```text\n" + "\n".join(f"{file:<{width}}  {', '.join(names)}" for file, names in lines) + "\n```"


GENERATORS: dict[str, Callable[[str], str]] = {
    one.__name__: one
    for one in (
        arguments, attacks, bounds, class_bounds, commands, contract, decisions, environment, event_fields,
        event_types, exits, exported, failures, file_bounds, hints, hooks, layers, matrix, orders, output, path, profiles,
        properties, python, room_bounds, settings, source, ssh_bounds, states,
    )
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
