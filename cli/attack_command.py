"""`chat attack`: an attacker between two real programs."""

import asyncio
from functools import partial
from pathlib import Path

import click

from plytalk.api.choice import Choice
from plytalk.cli.attack_steps import StepPrompt
from plytalk.cli.parameters import AddressType, PortType, RuleType
from plytalk.cli.stacks import LayerName, StackCommand, layer_options
from plytalk.cli.trace_option import trace_option, tracing
from plytalk.core.contracts.attack import Attack
from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.optional import RewritesText, prepare
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.sanitise import clean
from plytalk.core.io.address import Address
from plytalk.core.io.standard_streams import tell
from plytalk.core.io.temporary_folder import TemporaryFolder
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks import clock
from plytalk.lab.attacks.interceptor import HandshakeSteps
from plytalk.lab.attacks.proxy import Proxy
from plytalk.lab.attacks.run import measure_handshake
from plytalk.lab.attacks.scenario import ATTACKER, IN_MEMORY, Scenario

EXAMPLES = """\b
Examples:
  chat attack --listen 9000 --target 127.0.0.1:8000 --with mitm --profile secure-chat
  chat attack --listen 9000 --target 127.0.0.1 --with drop --seed 7
  chat attack --listen 9000 --target 127.0.0.1 --with mitm --rewrite noon=midnight
  chat attack --listen 9000 --target 127.0.0.1 --with mitm --trace mitm.trace
  chat attack --listen 9000 --target 127.0.0.1 --with eavesdrop --step        hold each frame
  then, in place of the server:  chat connect 127.0.0.1:9000
"""


@click.command(cls=StackCommand, epilog=EXAMPLES)
@click.option("--listen", type=PortType(0), metavar="PORT", required=True, help="Port of 127.0.0.1 for the client.")
@click.option("--target", type=AddressType(), metavar="HOST[:PORT]", required=True, help="The server to forward to.")
@click.option("--with", "wanted", type=LayerName("attack"), required=True, help="The attack: `chat plugins` lists them.")
@click.option(
    "--rewrite",
    "rules",
    type=RuleType(),
    multiple=True,
    metavar="OLD=NEW",
    help="Replace words in what the attack reads (repeatable): --with mitm --rewrite noon=midnight.",
)
@click.option("--step", is_flag=True, help="Hold each message: show it, and edit, drop, repeat or let it pass.")
@click.option("--seed", type=int, default=0, metavar="N", help="Seed of the attack's random choices (default 0).")
@click.option("--once", is_flag=True, help="End after one conversation.")
@trace_option
@layer_options
def attack(
    choice: Choice,
    listen: int,
    target: Address,
    wanted: str,
    rules: tuple[tuple[str, str], ...],
    step: bool,
    seed: int,
    once: bool,
    trace: Path | None,
) -> int:
    """Attack a conversation between two programs.

    Choose the layers that the two programs use, so that their frames and handshakes are understood. Attack only what is yours.
    """
    kind = choice.registry.attack(wanted)
    if rules and not issubclass(kind, RewritesText):
        raise Usage(f"The attack `{wanted}` rewrites nothing.", "Leave out --rewrite, or choose --with mitm.")

    def make(number: int) -> Attack:
        made = kind(seed + number)
        if rules and isinstance(made, RewritesText):
            made.rewrite(dict(rules))
        return made

    with TemporaryFolder() as folder, tracing(trace) as tracer:
        scenario = Scenario("attack", choice.classes, options=choice.options)
        own = scenario.stack(ATTACKER, folder)
        if not kind.applies(own):
            raise Usage(f"The attack `{wanted}` finds nothing to attack in {own.line}.")
        proxy = Proxy(
            own,
            make,
            handshake_steps(choice, folder),
            partial(report, wanted),
            tracer,
            StepPrompt().decide if step else None,
        )
        asyncio.run(run(proxy, own, ("127.0.0.1", listen), (target.host, target.port or choice.port), once))
    return 0


def report(name: str, line: str) -> None:
    """Print what an attack did, which may contain what a peer said."""
    tell(f"attack {name}: {clean(line)}")


async def run(proxy: Proxy, own: Stack, listen: tuple[str, int], target: tuple[str, int], once: bool) -> None:
    await prepare(own.handshake, Role.RESPONDER, lambda prompt: "")
    await proxy.run(listen, target, once)


def handshake_steps(choice: Choice, folder: Path) -> HandshakeSteps:
    """The frames that each side of this stack sends before it may talk, as seen in memory. Raises ChatError."""
    classes = {**choice.classes, "transport": [choice.registry.layer("transport", IN_MEMORY)]}
    scenario = Scenario("measured", classes, options=choice.options)

    async def measured() -> HandshakeSteps:
        stacks = {role: scenario.stack(role.value, folder) for role in Role}
        for role, stack in stacks.items():
            await prepare(stack.handshake, role, lambda prompt: "")
        return await measure_handshake(stacks, stacks[Role.INITIATOR])

    return clock.run(measured())
