"""The reference is complete and current: nothing that the code knows is missing from the pages, or says something else there."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from struct import Struct

import click
import generate
import pytest

import plytalk
from plytalk.cli import config
from plytalk.cli.main import chat
from plytalk.core.contracts import errors
from plytalk.core.contracts.kinds import KINDS
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.properties import Property
from plytalk.core.registry import hookspecs

PROJECT = Path(__file__).resolve().parents[2]
REFERENCE = PROJECT / "docs" / "reference"
POINTS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["entry-points"]["plytalk"]
ERRORS = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.ChatError)]
HOOKS = [name for name, one in vars(hookspecs).items() if hasattr(one, "plytalk_spec")]
COMMANDS = dict(generate.leaves(chat, "chat"))


def page(name: str) -> str:
    return (REFERENCE / name).read_text()


def test_every_page_is_current() -> None:
    done = subprocess.run([sys.executable, "docs/generate.py", "--check"], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, f"Run ./run python docs/generate.py and look at what changed:\n{done.stdout}{done.stderr}"


def test_a_page_that_is_not_is_noticed_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    (tmp_path / "README.md").write_text("before\n<!-- begin exits -->\nold\n<!-- end -->\nbehind\n")
    (tmp_path / "layers.svg").write_text("another picture")
    monkeypatch.setattr(generate, "PROJECT", tmp_path)
    monkeypatch.setattr(generate, "DOCS", tmp_path / "docs")
    monkeypatch.setattr(generate, "PICTURE", tmp_path / "layers.svg")
    monkeypatch.setattr(generate, "MAN", tmp_path / "man")
    (tmp_path / "man").mkdir()
    (tmp_path / "man" / "chat-serve.1").write_text("another page")
    assert generate.main(["--check"]) == 1
    told = capsys.readouterr().out
    assert told.startswith("README.md is out of date\n")
    assert told.endswith("\nlayers.svg is out of date\n")
    assert {"man/chat-serve.1 is out of date", "man/chat.1 is out of date"} <= set(told.splitlines())
    assert "\n-old\n" in told
    assert "\nold\n" in (tmp_path / "README.md").read_text()
    assert generate.main([]) == 0
    written = (tmp_path / "README.md").read_text()
    assert written.startswith("before\n")
    assert "| 130 | `INTERRUPTED` |" in written
    assert written.endswith("\nbehind\n")
    assert generate.main(["--check"]) == 0
    (tmp_path / "man" / "chat-sing.1").touch()
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().out.endswith("man/chat-sing.1 is about no command: delete it\n")


def test_an_unknown_mark_is_an_error() -> None:
    with pytest.raises(KeyError, match="nothing"):
        generate.renewed("<!-- begin nothing -->\n<!-- end -->")


def test_every_mark_that_begins_ends() -> None:
    for each in generate.pages():
        text = each.read_text()
        assert text.count("<!-- begin ") == text.count("<!-- end -->") == len(generate.MARKED.findall(text)), each


# -- complete: found in the code by other means than the generator's --------------------------------------------------------


@pytest.mark.parametrize("point", POINTS)
def test_every_layer_and_profile(point: str) -> None:
    kind, _, name = point.partition("-")
    section = page("layers.md").partition(f"\n## {'Profiles' if kind == 'profile' else kind}\n")[2].partition("\n## ")[0]
    assert f"| `{name}` |" in section


@pytest.mark.parametrize("kind", KINDS)
def test_every_contract(kind: str) -> None:
    section = page("contracts.md").partition(f"\n## {KINDS[kind].__name__}\n")[2].partition("\n## ")[0]
    for method in getattr(KINDS[kind], "__abstractmethods__", ()):
        assert f"def {method}(" in section or f"`{method}`" in section, method


@pytest.mark.parametrize("base", [*KINDS.values(), plytalk.Attack])
def test_the_example_of_a_contract_needs_nothing_but_what_plytalk_exports(base: type) -> None:
    example = re.search(r"```python\n(.*?)```", generate.prose(base), re.S)
    assert example
    exec(example[1], {name: getattr(plytalk, name) for name in plytalk._HOME} | {"Struct": Struct})


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (
            "Framer",
            "before anything is allocated, and BadFrame for bytes that are not a frame.",
        ),
        ("SessionSecrets", "- Attributes: `send`, `receive`, `states`, `suite`, `transcript`."),
        ("Close", "- Attributes: `text`, `reason`, `sentence`."),
        ("Reader", "`def rest(self, name: str"),
        ("Call", "`sender`, `rest`, `room`"),
    ],
    ids=lambda value: value.split()[0],
)
def test_an_author_finds_what_a_layer_gets_and_gives(section: str, said: str) -> None:
    assert said in page("contracts.md").partition(f"\n## {section}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("name", plytalk._HOME)
def test_every_exported_name(name: str) -> None:
    assert f"| `{name}` |" in page("contracts.md")


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook(hook: str) -> None:
    assert f"\n## {hook}\n" in page("hooks.md")


def test_hooks_are_found() -> None:
    assert {"layers", "profiles", "session_opened", "session_closed"} <= set(HOOKS)


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_with_its_code(error: type[errors.ChatError]) -> None:
    assert re.search(rf"`{error.__name__}` \|.*\| {int(error.exit_code)} \|\n", page("errors.md"))


@pytest.mark.parametrize("code", errors.Exit)
def test_every_exit_code(code: errors.Exit) -> None:
    assert re.search(rf"^\| {int(code)} \| `{code.name}` \| .+ \|$", page("exit-codes.md"), re.M)


@pytest.mark.parametrize("limit", Limits.__struct_fields__)
def test_every_limit(limit: str) -> None:
    assert re.search(rf"^\| `{limit}` \| [\d,.]+ \| .+ \|$", page("limits.md"), re.M)


@pytest.mark.parametrize("prop", Property)
def test_every_property(prop: Property) -> None:
    assert f"\n| {prop} | " in page("layers.md")


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_with_its_options(line: str) -> None:
    section = page("commands.md").partition(f"\n## {line}\n")[2].partition("\n## ")[0]
    for param in COMMANDS[line].params:
        if isinstance(param, click.Option) and not param.hidden:
            assert all(opt in section for opt in [*param.opts, *param.secondary_opts]), param
    assert "Usage: " in section


def test_every_option_of_a_layer() -> None:
    registry = generate.plugins_found()
    options = [option for kind in KINDS for name in registry.names(kind) for option in registry.layer(kind, name).options]
    assert options
    for option in options:
        assert f"--{option.name}" in page("commands.md"), option
        assert f"`--{option.name}`" in page("layers.md"), option


@pytest.mark.parametrize("key", config.KEYS)
def test_every_key_of_the_config_file(key: str) -> None:
    assert f"| `{key}` |" in page("config.md")


def test_the_example_of_a_config_file_is_one() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", page("config.md"), re.S)
    assert config.parse(example.encode(), "the page")["profile"] == "secure-chat"


def test_every_variable_of_the_environment() -> None:
    named = {param.envvar for command in COMMANDS.values() for param in command.params if param.envvar}
    assert {"PLYTALK_CIPHER", "PLYTALK_CONFIG", "PLYTALK_DEBUG"} <= named
    for name in named:
        assert f"| `{name}` |" in page("config.md"), name
