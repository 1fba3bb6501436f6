"""`chat completion`: the script that makes a shell complete commands, options and the names of layers."""

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from plytalk.core.contracts.errors import Usage
from plytalk.trust import files
from plytalk.trust.folders import base_folder
from plytalk.trust.store_errors import FileExists

SHELLS = ("bash", "zsh", "fish")
MARK = "_CHAT_COMPLETE"
PLACES = {
    "bash": ("XDG_DATA_HOME", ".local/share", "bash-completion/completions/chat"),
    "zsh": ("XDG_DATA_HOME", ".local/share", "zsh/site-functions/_chat"),
    "fish": ("XDG_CONFIG_HOME", ".config", "fish/completions/chat.fish"),
}
EXAMPLES = """\b
Examples:
  chat completion --install             for the shell that you use
  chat completion zsh --install         for another one
  source <(chat completion bash)        in this bash alone
"""
NEXT = {
    "bash": "A new bash loads it where the package bash-completion is installed. Anywhere else, add to ~/.bashrc:  source {path}",
    "zsh": "Add to ~/.zshrc, before the line with compinit:  fpath=({path.parent} $fpath)",
    "fish": "A new fish loads it.",
}


@click.command(epilog=EXAMPLES)
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.option("--install", is_flag=True, help="Write it to where the shell looks for it, and say which file that is.")
def completion(shell: str | None, install: bool) -> None:
    """Print or install the shell completion script.

    It is for your login shell unless you name another one.
    """
    shell = shell or own_shell()
    if install:
        put(destination(shell), script(shell))
        click.echo(NEXT[shell].format(path=destination(shell)))
    else:
        click.echo(script(shell))


def own_shell() -> str:
    """The user's login shell. Raises Usage if completion does not support it."""
    name = Path(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        raise Usage("The variable SHELL names no shell that can be completed.", f"Name one: {', '.join(SHELLS)}.")
    return name


def script(shell: str) -> str:
    from plytalk.cli.main import chat

    kind = get_completion_class(shell)
    assert kind is not None
    return kind(chat, {}, "chat", MARK).source()


def destination(shell: str) -> Path:
    """Where this shell, or what completes in it, looks for the scripts of one user."""
    variable, usual, below = PLACES[shell]
    return base_folder(variable, usual) / below


def put(path: Path, text: str) -> None:
    """Write a script and say so. Raises FileExists for a file that this program has not written, and StoreError."""
    content = f"{text}\n".encode()
    before = files.read_public(path)
    if before is not None and MARK.encode() not in before:
        raise FileExists(f"{path} completes another program called chat.", "Remove it first.")
    if before != content:
        files.write(path, content)
    click.echo(f"{path} is up to date." if before == content else f"Wrote {path}.")
