import json
import re
import subprocess
import sys
from pathlib import Path

import programs
import pytest
from click.testing import CliRunner
from fresh import PROJECT, Fresh

from plytalk.cli.plugins import plugins
from plytalk.cli.scaffold import contents, kind_and_name, module_of, write
from plytalk.core.contracts.errors import ChatError, LocalError, Usage
from plytalk.core.contracts.kinds import KINDS

PLAIN = {"handshake": "none", "framer": "typed", "messages": "text", "cipher": "none"}


def new(*arguments: str) -> str:
    """Run `chat plugins new` in this process; gives what it printed. Raises what it raises."""
    result = CliRunner().invoke(plugins, ["new", *arguments], standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.output


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plugin of every kind, as generated."""
    folder = tmp_path_factory.mktemp("made")
    for kind in KINDS:
        new(f"plytalk-{kind}-my-own", "--kind", kind, "--into", str(folder))
    return folder


@pytest.fixture(scope="module")
def installed(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    """A fresh environment with all of them installed."""
    fresh = Fresh(tmp_path_factory.mktemp("fresh"))
    folders = [made / f"plytalk-{kind}-my-own" for kind in KINDS]
    fresh.run("pip", "install", "--quiet", "--no-deps", *folders)
    return fresh


@pytest.mark.parametrize("kind", KINDS)
def test_its_tests_pass_as_generated(made: Path, kind: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=made / f"plytalk-{kind}-my-own", capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def test_their_tests_pass_together_in_one_run_and_in_one_environment(made: Path) -> None:
    folders = [str(made / f"plytalk-{kind}-my-own") for kind in KINDS]
    environment = {**programs.ENVIRONMENT, "PYTHONPATH": ":".join(folders)}
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", *folders]
    done = subprocess.run(command, cwd=made, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def test_all_of_them_are_installed_by_pip_and_listed_without_a_complaint(installed: Fresh) -> None:
    out = installed.run("chat", "plugins", "--check")
    assert "Nothing is wrong." in out
    for kind in KINDS:
        assert any(line.split()[:4] == [kind, "my-own", f"plytalk-{kind}-my-own", "0.1.0"] for line in out.splitlines())


def test_all_of_them_pass_mypy_strict_as_generated(made: Path, tmp_path: Path) -> None:
    folders = [made / f"plytalk-{kind}-my-own" for kind in KINDS]
    modules = [file for folder in folders for file in (*folder.glob("*.py"), *folder.glob("tests/*.py"))]
    for file in modules:
        (tmp_path / file.name).write_bytes(file.read_bytes())
    command = [sys.executable, "-m", "mypy", "--strict", "--python-version=3.11", "--cache-dir", tmp_path / "cache", tmp_path]
    environment = {**programs.ENVIRONMENT, "MYPYPATH": str(PROJECT / "src")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.stdout == f"Success: no issues found in {len(modules)} source files\n", done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["framer", "handshake", "cipher", "messages"])
def test_the_lab_measures_what_it_claims(installed: Fresh, kind: str) -> None:
    out = installed.run("chat", "lab", "--stack", f"{kind} my-own", "--json")
    cells = json.loads(out[out.index("[") :])  # behind what it tells of its progress
    assert len(cells) > 10
    assert [cell["attack"] for cell in cells if cell["predicted"] != cell["measured"]] == []


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "auth"])
def test_two_programs_talk_through_it_over_a_socket(installed: Fresh, kind: str) -> None:
    stack = PLAIN | {"handshake": {"cipher": "aesgcm"}, "cipher": {"handshake": "rsa"}}.get(kind, {}) | {kind: "my-own"}
    options = [word for each, name in stack.items() for word in (f"--{each}", name)]
    environment, command = installed.environment, [str(installed.bin / "chat")]
    with (
        programs.serve(*options, environment=environment, command=command) as server,
        programs.connect(server.port, *options, environment=environment, command=command) as client,
    ):
        client.say("hello")
        client.end_input()
        assert server.hear() == ("-> hello" if kind == "ui" else "Message Received: hello")
        assert (client.status(), server.status()) == (0, 0)


def test_the_generated_feature_brings_a_command_to_a_room(installed: Fresh) -> None:
    ours = {"environment": installed.environment, "command": [str(installed.bin / "chat")]}
    with (
        programs.serve("--feature", "my-own", **ours) as server,
        programs.connect(server.port, "--accept-new", "--name", "alice", **ours) as client,
    ):
        client.say("/my-own")
        assert server.hear() == "* [alice] is here."
        for end in (client, server):
            end.tells("alice waves to everybody in lobby.")
        client.end_input()
        assert (client.status(), server.status()) == (0, 0)


def test_the_generated_authenticator_lets_one_key_in_and_no_other(installed: Fresh) -> None:
    ours = {"environment": installed.environment, "command": [str(installed.bin / "chat")]}
    options = ["--profile", "secure-chat"]

    def meet(fingerprint: str) -> tuple[int, str]:
        with (
            programs.serve(*options, "--rsa-key", str(installed.folder / "server.pem"), **ours) as server,
            programs.connect(server.port, *options, "--auth", "my-own", "--my-own-key", fingerprint, **ours) as client,
        ):
            client.end_input()
            return client.status(), "\n".join(client.told)

    status, told = meet("SHA256:" + "A" * 43)
    assert status == 4
    [shown] = re.findall(r"shows the key (SHA256:\S+),", told)
    assert meet(shown)[0] == 0
    assert meet("")[0] == 2


@pytest.mark.parametrize("kind", KINDS)
def test_the_files_are_those_of_a_distribution(kind: str) -> None:
    files = contents(kind, "my-own")
    module = f"plytalk_{kind}_my_own"
    assert {"pyproject.toml", "README.md", "LICENSE", f"{module}.py", f"tests/test_{module}.py"} <= set(files)
    assert f'\n{kind}-my-own = "{module}"\n' in files["pyproject.toml"]
    assert files["LICENSE"].startswith("MIT License")
    assert not [text for text in files.values() if "$" in text]
    assert len(files[f"{module}.py"].splitlines()) < 70


def test_the_kind_follows_from_the_name() -> None:
    assert kind_and_name("plytalk-ui-very-loud", None) == ("ui", "very-loud")
    assert kind_and_name("plytalk-auth-a1", "auth") == ("auth", "a1")
    assert module_of("ui", "very-loud") == "plytalk_ui_very_loud"


@pytest.mark.parametrize(
    ("name", "kind", "instead"),
    [
        ("mine", "cipher", "plytalk-cipher-mine"),
        ("plytalk-mine", "framer", "plytalk-framer-mine"),
        ("plytalk-cipher-", "cipher", "plytalk-cipher-mine"),
        ("plytalk-cipher-Mine", "cipher", "plytalk-cipher-mine"),
        ("plytalk-cipher-3des", "cipher", "plytalk-cipher-mine"),
        ("plytalk-cipher-my--own", None, "plytalk-cipher-my-own"),
        ("plytalk-cipher-my_own", None, "plytalk-cipher-my-own"),
        ("plytalk-ui-ünï", None, "plytalk-ui-n"),
        ("plytalk-ui-../../etc", None, "plytalk-ui-etc"),
        ("plytalk-ui-" + "a" * 41, None, "plytalk-ui-" + "a" * 40),
        ("plytalk-cipher-a\x1b[2J", None, "plytalk-cipher-a-2j"),
        ("", None, "plytalk-cipher-mine"),
    ],
)
def test_a_bad_name_gets_a_sentence_and_a_better_one(name: str, kind: str | None, instead: str, tmp_path: Path) -> None:
    with pytest.raises(Usage) as error:
        new(name, *(["--kind", kind] if kind else []), "--into", str(tmp_path))
    assert "plytalk-KIND-NAME" in error.value.sentence
    assert error.value.hint == f"Try: chat plugins new {instead}"
    assert error.value.sentence.isprintable()
    assert not list(tmp_path.iterdir())
    kind_and_name(instead, kind)


def test_a_name_and_a_kind_that_contradict_each_other(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="name of a ui, and --kind says cipher"):
        new("plytalk-ui-mine", "--kind", "cipher", "--into", str(tmp_path))


def test_a_name_that_is_taken_is_refused_since_it_could_not_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="There is a cipher called `aesgcm` already, from plytalk"):
        new("plytalk-cipher-aesgcm", "--into", str(tmp_path))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("there", ["folder", "file", "dangling link"])
def test_what_exists_is_never_overwritten(tmp_path: Path, there: str) -> None:
    place = tmp_path / "plytalk-ui-mine"
    if there == "folder":
        place.mkdir()
    elif there == "file":
        place.write_text("mine")
    else:
        place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LocalError, match="exists already") as error:
        new("plytalk-ui-mine", "--into", str(tmp_path))
    assert error.value.exit_code == 1
    assert list(tmp_path.rglob("*")) == [place]


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    out = new("plytalk-ui-mine", "--into", str(tmp_path / "a" / "b"))
    assert (tmp_path / "a" / "b" / "plytalk-ui-mine" / "plytalk_ui_mine.py").exists()
    assert f"pip install -e {tmp_path / 'a' / 'b' / 'plytalk-ui-mine'}" in out


def test_a_place_where_nothing_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ChatError, match="cannot be made: not a directory"):
        write(tmp_path / "file" / "plytalk-ui-mine", contents("ui", "mine"))


def test_the_same_name_always_gives_the_same_files() -> None:
    assert contents("cipher", "mine") == contents("cipher", "mine")


def test_a_full_disk_leaves_no_half_of_a_plugin(tmp_path) -> None:
    full = ("/bin/sh", "-c", 'ulimit -f 0; exec "$0" "$@"', *programs.COMMAND)  # no file may grow: as good as a full disk
    run = programs.chat("plugins", "new", "plytalk-cipher-mine", folder=tmp_path, command=full)
    assert run.stderr == (
        "chat: plytalk-cipher-mine cannot be made: file too large. Choose a folder that you may write in with --into.\n"
    )
    assert run.returncode == 1
    assert list(tmp_path.iterdir()) == []
