"""The assessment of a stack: what it protects, what it does not, what an attacker can do, which layer to change."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.properties import MEANINGS, PROTECTIONS, Property
from plytalk.core.stack.selection import covered_by, given_by

# Without these, the first promise of the other is worth less: said beside it.
DEPENDS = {
    Property.SECRECY: Property.PEER_IDENTITY,
    Property.INTEGRITY: Property.PEER_IDENTITY,
}
EXCEPT = "a web server in front of the other side, or anyone with its certificate's private key"
Givers = Callable[[Property, str], Sequence[str]]
FindDoubt = Callable[[type[Layer], Property], str]


@dataclass(frozen=True)
class Row:
    """One protection: whether the stack gives it, the sentence for its user, and the layers that give it or could.

    `doubt` says why a claim is not repeated as a fact; empty for what is not in doubt.
    """

    property: Property
    given: bool
    sentence: str
    layers: tuple[str, ...]
    doubt: str = ""


@dataclass(frozen=True)
class Assessment:
    """All rows, worst first, and the cautions that single layers ask to be said."""

    rows: tuple[Row, ...]
    cautions: tuple[str, ...]

    @property
    def protects(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.given and not row.doubt)

    @property
    def claims(self) -> tuple[Row, ...]:
        """What layers say that nobody here has proven."""
        return tuple(row for row in self.rows if row.doubt)

    @property
    def lacks(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if not row.given)


def assess(chosen: Mapping[str, Sequence[type[Layer]]], givers: Givers, doubts: FindDoubt = lambda layer, prop: "") -> Assessment:
    """The assessment of these layers. `givers(property, kind)` names the installed layers of a kind that give a property.

    `doubts(layer, property)` says why a layer's claim is not to be repeated; empty for a claim that is.
    """
    given, covered = given_by(chosen), covered_by(chosen)
    everyone = [layer for layers in chosen.values() for layer in layers]
    rows = []
    for prop in PROTECTIONS:
        meaning, doubt = MEANINGS[prop], ""
        if prop in given:
            claiming = [doubts(layer, prop) for layer in everyone if prop in layer.gives]
            doubt = claiming[0] if all(claiming) else ""
            sentence = meaning.have
            if prop in DEPENDS and DEPENDS[prop] not in given:
                sentence += ", unless an attacker posed as the other side from the start"
            layers = tuple(f"{layer.kind} {layer.name}" for layer in everyone if prop in layer.gives)
        else:
            sentence = meaning.lack
            if prop in covered:
                sentence += f"; the transport prevents this, except by {EXCEPT}"
            layers = tuple(f"--{kind} {name}" for kind in meaning.change for name in givers(prop, kind))
        rows.append(Row(prop, prop in given, sentence, layers, doubt))
    cautions = tuple(f"{layer.kind} {layer.name}: {layer.caution}" for layer in everyone if layer.caution)
    return Assessment(tuple(rows), cautions)
