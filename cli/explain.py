"""`chat explain`: what a stack protects, and what it does not."""

import json

import click

from plytalk.api.choice import Choice
from plytalk.cli.main import paint
from plytalk.cli.stacks import StackCommand, layer_options
from plytalk.cli.text_rows import hanging
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import PluginError, Usage
from plytalk.core.contracts.kinds import KINDS
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.optional import HasModel
from plytalk.core.contracts.properties import MEANINGS, Property
from plytalk.core.stack.assessment import Assessment, Row, assess
from plytalk.core.stack.selection import Stack, covered_by, given_by, line_of, refuse_impossible
from plytalk.lab.attacks.scenario import nearest, scenarios

EXAMPLES = """\b
Examples:
  chat explain                                     the stack that runs when nothing is chosen
  chat explain --profile demo01                    an existing chat
  chat explain --handshake rsa --cipher aesgcm     your own choice
  chat explain --cipher none --json                for programs
  chat explain --verifpal > plytalk1.vp            a model for `verifpal verify`
"""
WIDTH, INDENT = 110, 26
NOTHING = "Nothing: anyone on the network path can read and change it."


@click.command(cls=StackCommand, epilog=EXAMPLES)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--verifpal", is_flag=True, help="Print a model of the handshake for Verifpal, which looks for attacks on it.")
@layer_options
def explain(choice: Choice, as_json: bool, verifpal: bool) -> None:
    """Say what a stack protects, what it does not, and what to change."""
    refuse_impossible(choice.classes)
    if verifpal:
        print(model_of(choice), end="")
        return
    choice.registry.load_all()
    page = assess(choice.classes, lambda prop, kind: givers(choice, prop, kind), Doubts(choice))
    print(_as_json(choice, page) if as_json else _as_text(choice, page))


def model_of(choice: Choice) -> str:
    """The handshake as a model for Verifpal. An authenticator makes the other side's long-lived key known. Raises Usage."""
    stack = Stack.build(choice.classes, choice.options)
    if not isinstance(stack.handshake, HasModel):
        raise Usage(
            f"The handshake `{stack.handshake.name}` has no model for Verifpal.",
            "Its author can give it one: the method `verifpal_model` of HasModel.",
        )
    known = {role.other for auth in stack.auths if not auth.agrees for role in auth.judges} & {*stack.handshake.shows}
    return stack.handshake.verifpal_model(known, agrees=any(auth.agrees for auth in stack.auths))


class Doubts:
    """Why what a plugin claims is not repeated as a fact: the conformance kit refutes the plugin, or the lab does not attack it
    with a whole stack of its distribution."""

    def __init__(self, choice: Choice) -> None:
        self._registry, self._classes = choice.registry, choice.classes
        self._refuted: dict[type[Layer], str] = {}

    def __call__(self, layer: type[Layer], prop: Property) -> str:
        found = self._registry.found[layer.kind, layer.name]
        if self._registry.brings_profiles(found.distribution):
            return ""
        who = f"The {layer.kind} `{layer.name}` of {found.distribution} claims this"
        if layer.kind not in MEANINGS[prop].change:
            return f"{who}, which no {layer.kind} can give."
        if layer not in self._refuted:
            self._refuted[layer] = refutation(layer)
        if self._refuted[layer]:
            return f"{who}, and the conformance kit refutes it: {self._refuted[layer]}"
        attacked = nearest(scenarios(self._registry), layer, self._classes)
        if attacked is None:
            return f"{who}, and the lab attacks no stack with it."
        return f'{who}. To see whether it holds: chat lab --stack "{attacked.name.removeprefix("--")}".'


def refutation(layer: type[Layer]) -> str:
    """What the conformance kit says against a layer; empty for nothing, and for what it cannot make by itself."""
    from plytalk.testing import check_cipher

    if not issubclass(layer, Cipher) or layer.options or Property.STATES in layer.needs:
        return ""
    try:
        check_cipher(layer)
    except AssertionError as error:
        return str(error)
    return ""


def givers(choice: Choice, prop: Property, kind: str) -> list[str]:
    """The installed layers of a kind that give a property; broken ones give nothing."""
    names = []
    for name in choice.registry.names(kind):
        try:
            if prop in choice.registry.layer(kind, name).gives:
                names.append(name)
        except PluginError:
            continue
    return names


def _as_json(choice: Choice, page: Assessment) -> str:
    return json.dumps(
        {
            "stack": {kind: [layer.name for layer in layers] for kind, layers in choice.classes.items() if layers},
            "profile": choice.named.name if choice.named else None,
            "gives": sorted(given_by(choice.classes) - {row.property for row in page.claims}),
            "protects": [{"property": row.property, "means": row.sentence, "layers": row.layers} for row in page.protects],
            "claims": [{"property": row.property, "layers": row.layers, "doubt": row.doubt} for row in page.claims],
            "lacks": [{"property": row.property, "attacker": row.sentence, "change": row.layers} for row in page.lacks],
            "cautions": page.cautions,
        },
        indent=2,
    )


def _as_text(choice: Choice, page: Assessment) -> str:
    name = f"   (the chat {choice.named.name})" if choice.named else ""
    lines = [*(paint(line, "1", 1) for line in _wrap("", f"{line_of(choice.classes)}{name}")), ""]
    for kind in KINDS:
        for layer in choice.classes.get(kind, []):
            lines += _wrap(f"  {kind:<10} {layer.name:<17} ", layer.summary())
    lines += ["", paint("What it protects", "1", 1)]
    nothing = "Nothing by itself: the transport protects the way, as said below." if covered_by(choice.classes) else NOTHING
    lines += [line for row in page.protects for line in _row("+", "32", row)] or _wrap("  ", nothing)
    if page.claims:
        lines += ["", *(paint(line, "1", 1) for line in _wrap("", "What a plugin claims, not verified by plytalk"))]
        lines += [line for row in page.claims for line in _wrap(f"  ? {row.property:<21} ", row.doubt)]
    lines += ["", *(paint(line, "1", 1) for line in _wrap("", "What it does not protect, and what an attacker can do"))]
    lines += [line for row in page.lacks for line in _row("-", "31", row)] or ["  Nothing known."]
    if page.cautions:
        lines += ["", paint("Notes", "1", 1), *(line for caution in page.cautions for line in _wrap("  ! ", caution))]
    return "\n".join(lines)


def _row(sign: str, colour: str, row: Row) -> list[str]:
    layers = f"  ({', '.join(row.layers)})" if row.given else ""
    lines = _wrap(f"  {sign} {row.property:<21} ", f"{row.sentence[0].upper()}{row.sentence[1:]}.{layers}")
    if layers and lines[-1].endswith(layers):
        lines[-1] = lines[-1].removesuffix(layers) + paint(layers, "2", 1)
    if not row.given:
        lines += _wrap(" " * INDENT, "Change: " + (" or ".join(row.layers) or "no installed layer gives it."))
    return [paint(lines[0], colour, 1), *lines[1:]]


def _wrap(head: str, text: str) -> list[str]:
    return hanging(head, text, WIDTH)
