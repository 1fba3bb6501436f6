"""The architecture: who may import whom, and what files, classes and contracts may be. Each check finds a planted fault."""

import ast
import inspect
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Protocol

import pytest

from plytalk.core.contracts import audit, batch_methods, optional, sealed_count, spans, wire
from plytalk.core.contracts.attack import Attack, Outcome
from plytalk.core.contracts.kinds import KINDS
from plytalk.core.contracts.layer import Layer
from plytalk.core.pipeline.connection import Connection
from plytalk.core.registry.registry import Registry

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("core", "trust", "plugins", "api", "lab", "cli")
"""From the bottom to the top: each imports those before it."""
INSIDE_CORE = ("contracts", "io", "bases", "stack", "pipeline", "conversation", "registry", "endpoints")
"""The folders of core/, in the same way. What is in core/ itself is above them all."""
KIT = "src/plytalk/testing"
FOLDERS = {**{name: name for name in LAYERS}, "api": "src/plytalk/api", "testing": KIT}
NOT_OURS = {"__pycache__", "build", "dist", "site", "node_modules"}
"""Folders of what is built or installed."""
MOST_LINES, MOST_LINES_OF_TESTS = 300, 800
"""Of every source file; tests, which are read one by one, and what makes the docs may be longer."""
WRITTEN = (".py", ".py.txt", ".js", ".css", ".html", ".lua", ".c", ".h", ".sh")
"""How the names of source files end; `.py.txt` are templates."""
MOST_REQUIRED = 5
OPTIONAL = (
    optional.__dict__ | batch_methods.__dict__ | sealed_count.__dict__ | spans.__dict__ | wire.__dict__ | {"Audits": audit.Audits}
).values()
MOST_OPTIONAL = 2
"""How many members an optional Protocol has at most."""
ABOVE = re.compile(
    r"\b(people|person|users?|uis?|screens?|rooms?|members?|chats?|conversations?|reconnect\w*|resuming|notices?|saniti[sz]\w*|clean)\b",
    re.IGNORECASE,
)
"""What a connection knows nothing of."""


def sources(root: Path = ROOT) -> dict[str, ast.Module]:
    """Every source file by its module's name below `plytalk`, such as `core.contracts.cipher`."""
    return {
        ".".join([name, *file.relative_to(folder).with_suffix("").parts]).removesuffix(".__init__"): ast.parse(file.read_text())
        for name, folder in ((name, root / folder) for name, folder in FOLDERS.items())
        for file in sorted(folder.rglob("*.py"))
    }


def imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Every module and name that is imported from plytalk, also by functions and for type checking only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("plytalk."):
            yield from (((node.module or "").removeprefix("plytalk."), alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name.removeprefix("plytalk."), "") for alias in node.names if alias.name.startswith("plytalk."))


def graph_of(modules: dict[str, ast.Module]) -> dict[str, set[str]]:
    """What each module imports, as modules."""
    return {
        name: {f"{module}.{one}" if f"{module}.{one}" in modules else module for module, one in imported(tree)} - {name}
        for name, tree in modules.items()
    }


def wrong_way(graph: dict[str, set[str]]) -> list[str]:
    """Imports that go up. The conformance kit may import all but the lab and the command line."""
    order = {name: number for number, name in enumerate(LAYERS)} | {"testing": LAYERS.index("plugins")}
    inside = {name: number for number, name in enumerate(INSIDE_CORE)}

    def height(module: str) -> tuple[int, int]:
        top, _, rest = module.partition(".")
        return order[top], inside.get(rest.partition(".")[0], len(inside)) if top == "core" else 0

    return sorted(f"{name} imports {to}" for name, targets in graph.items() for to in targets if height(name) < height(to))


def cycle_in(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def named_twice(modules: dict[str, ast.Module]) -> dict[str, list[str]]:
    """Names of classes and of type aliases with the modules that define them, where there are two."""
    found = defaultdict(list)
    for name, tree in modules.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(name)
        for node in tree.body:  # another name for a type
            alias = node.targets[0] if isinstance(node, ast.Assign) else node.target if isinstance(node, ast.AnnAssign) else None
            if isinstance(alias, ast.Name) and is_type_name(alias.id):
                found[alias.id].append(name)
    return {name: places for name, places in found.items() if len(places) > 1}


def is_type_name(name: str) -> bool:
    return name[0].isupper() and not name.isupper()


def layer_files(registry: Registry) -> set[str]:
    """The files of layers that have their layer's name: `noise` is a handshake and a cipher."""
    return {
        one.module.removeprefix("plytalk.")
        for (kind, name), one in registry.found.items()
        if kind in KINDS and one.module.rpartition(".")[2] == name.replace("-", "_")
    }


def files_named_twice(modules: dict[str, ast.Module], layers: set[str]) -> dict[str, list[str]]:
    packages = {name.rpartition(".")[0] for name in modules}
    found = defaultdict(list)
    for name in set(modules) - packages - layers:
        found[name.rpartition(".")[2]].append(name)
    for name in layers:
        if others := found.get(name.rpartition(".")[2]):
            others.append(name)
    return {stem: places for stem, places in found.items() if len(places) > 1}


def required(contract: type) -> set[str]:
    """What a layer of this kind must define: abstract methods, and annotated attributes that have no value."""
    attributes = {name for base in contract.__mro__ for name in inspect.get_annotations(base) if not hasattr(contract, name)}
    return set(contract.__abstractmethods__) | {name for name in attributes if not name.startswith("_")}


@pytest.fixture(scope="module")
def modules() -> dict[str, ast.Module]:
    return sources()


def test_imports_go_down_only(modules: dict[str, ast.Module]) -> None:
    assert wrong_way(graph_of(modules)) == []


def test_no_module_imports_itself_by_way_of_others(modules: dict[str, ast.Module]) -> None:
    assert cycle_in(graph_of(modules)) == []


def test_no_two_classes_have_one_name(modules: dict[str, ast.Module]) -> None:
    assert named_twice(modules) == {}


def test_no_two_files_have_one_name(modules: dict[str, ast.Module]) -> None:
    assert files_named_twice(modules, layer_files(Registry())) == {}


def source_files(root: Path) -> Iterator[Path]:
    """Every source file of the project, wherever it is; none in hidden folders, in what is built, or by way of a link."""
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name[0] != "." and name not in NOT_OURS and not name.endswith(".egg-info")]
        yield from (Path(folder) / name for name in files if name.endswith(WRITTEN))


def limit_of(file: str) -> int:
    return MOST_LINES if file.partition("/")[0] not in ("tests", "docs") else MOST_LINES_OF_TESTS


def too_long(root: Path = ROOT) -> set[str]:
    lines = {file.relative_to(root).as_posix(): len(file.read_text("utf-8").splitlines()) for file in source_files(root)}
    return {file for file, count in lines.items() if count >= limit_of(file)}


def test_no_file_has_300_lines() -> None:
    assert too_long() == set()


def test_a_long_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "long.py").write_text("\n" * MOST_LINES)
    (tmp_path / "core" / "short.py").write_text("\n" * (MOST_LINES - 1))
    for folder in (".venv", "build", "tests/deep", "benchmarks"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "long.py").write_text("\n" * MOST_LINES_OF_TESTS)
    (tmp_path / "setup.py").write_text("\n" * MOST_LINES)
    (tmp_path / "core" / "page.js").write_text("\n" * MOST_LINES)
    (tmp_path / "core" / "data.txt").write_text("\n" * MOST_LINES)
    assert too_long(tmp_path) == {"core/long.py", "core/page.js", "setup.py", "benchmarks/long.py", "tests/deep/long.py"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_has_few_members_that_it_must_define(kind: str) -> None:
    contract: type[Layer] = KINDS[kind]
    assert len(required(contract)) <= MOST_REQUIRED, required(contract)


def members_of(protocol: type) -> set[str]:
    """The public members that a Protocol names itself."""
    return {name for name in {*vars(protocol), *inspect.get_annotations(protocol)} if not name.startswith("_")}


def large_protocols(found: Iterable[object]) -> set[str]:
    protocols = (one for one in found if isinstance(one, type) and getattr(one, "_is_protocol", False))
    return {one.__name__ for one in protocols if len(members_of(one)) > MOST_OPTIONAL}


def test_an_optional_protocol_has_one_or_two_members() -> None:
    assert large_protocols(OPTIONAL) == set()


def test_what_few_layers_need_is_not_in_the_base_class() -> None:
    """A contract that is found by `isinstance` would be found in every layer."""
    protocols = [one for one in OPTIONAL if isinstance(one, type) and getattr(one, "_is_protocol", False)]
    assert len(protocols) > 20
    assert {name for one in protocols for name in members_of(one)} & set(dir(Layer)) == set()
    assert not hasattr(Layer, "ready")


def test_attacks_are_not_layers() -> None:
    assert not issubclass(Attack, Layer)
    assert "attack" not in KINDS


def test_the_lab_has_four_words_for_an_outcome() -> None:
    assert [outcome.value for outcome in Outcome] == ["held", "broken", "not applicable", "error"]


# -- the connection -------------------------------------------------------------------------------------------------------


def test_a_connection_knows_nothing_of_what_is_above_it() -> None:
    assert ABOVE.findall((ROOT / "core/pipeline/connection.py").read_text("utf-8")) == []


def test_a_connection_has_a_small_interface() -> None:
    """Items go in and out; reading can be stopped; it ends."""
    methods = {name for name, one in vars(Connection).items() if inspect.isfunction(one) and not name.startswith("_")}
    reading, ending = {"stop_reading", "read_on", "ignore_rest"}, {"drop_pending", "fail"}
    assert methods == {"open", "start", "send", "flush", "close"} | reading | ending


def replaced_methods(root: Path) -> list[str]:
    """Where a public method is replaced. mypy refuses that, so it takes a comment that silences mypy.

    prompt_toolkit has a private method for a change of the terminal's size, and no other way to be told of it.
    """
    return [
        f"{name}:{number}"
        for name, folder in FOLDERS.items()
        for file in sorted((root / folder).rglob("*.py"))
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if re.search(r"\.[a-z]\w* = .*method-assign|type: ignore(?!\[)", line)
    ]


def test_no_method_is_replaced() -> None:
    assert replaced_methods(ROOT) == []


# -- planted faults -------------------------------------------------------------------------------------------------------


def test_the_checks_find_planted_faults() -> None:
    def planted(**code: str) -> dict[str, ast.Module]:
        return {name.replace("_", "."): ast.parse(text) for name, text in code.items()}

    up = planted(core_io_x="import plytalk.plugins.y", plugins_y="", core_contracts_z="from plytalk.core.io import x")
    assert wrong_way(graph_of(up)) == ["core.contracts.z imports core.io.x", "core.io.x imports plugins.y"]
    checked = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from plytalk.trust.b import B"
    round_trip = planted(trust_a=checked, trust_b="def f():\n    from plytalk.trust import a")
    assert set(cycle_in(graph_of(round_trip))) == {"trust.a", "trust.b"}
    assert named_twice(planted(core_a="class Same: ...", lab_b="def f():\n    class Same: ...")) == {"Same": ["core.a", "lab.b"]}
    assert named_twice(planted(core_a="Same = bytes | str", lab_b="class Same: ...")) == {"Same": ["core.a", "lab.b"]}
    assert named_twice(planted(core_a="Same: TypeAlias = int", lab_b="class Same: ...")) == {"Same": ["core.a", "lab.b"]}
    twins = planted(core_io_same="", trust_same="", plugins_ciphers_noise="", plugins_handshakes_noise="", cli_noise="")
    found = files_named_twice(twins, {"plugins.ciphers.noise", "plugins.handshakes.noise"})
    assert {name: sorted(places) for name, places in found.items()} == {
        "same": ["core.io.same", "trust.same"],
        "noise": ["cli.noise", "plugins.ciphers.noise", "plugins.handshakes.noise"],
    }

    class Much(Layer):
        a: int
        b: int
        c: int
        d: int
        e: int
        f: int

    assert required(Much) >= set("abcdef")

    class Three(Protocol):
        a: int

        @property
        def b(self) -> int: ...

        def c(self) -> int: ...

    assert large_protocols([Three, Much, 3]) == {"Three"}
    assert ABOVE.findall("Tell the user of the room, cleaned: a Notice is sanitised.") == ["user", "room", "Notice", "sanitised"]


def test_a_replaced_method_is_found(tmp_path: Path) -> None:
    for folder in FOLDERS.values():
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "core" / "patch.py").write_text(
        "x._f = 1  # type: ignore[method-assign]\nx.send = f  # type: ignore[method-assign]\n"
    )
    (tmp_path / "lab" / "patch.py").write_text("stream.send = f  # type: ignore\n")
    assert replaced_methods(tmp_path) == ["core:2", "lab:1"]
