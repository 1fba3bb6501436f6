"""`chat completion`: the script that makes a shell complete commands, options and the names of layers."""

import click
from click.shell_completion import get_completion_class


@click.command(epilog="\b\nExample:\n  source <(chat completion bash)      in ~/.bashrc, for example")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the shell completion script."""
    from plytalk.cli.main import chat

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(chat, {}, "chat", "_CHAT_COMPLETE").source())
