"""Handshake patterns: Noise sections 7, 9, 10.2 and 18.1; hfs section 5.

A pattern is the specification's own text. What is before `...` was known in advance; every arrow after it is one message, `->`
from the initiator, `<-` from the responder:

    KK:
      -> s
      <- s
      ...
      -> e, es, ss
      <- e, ee, se

The tables below hold that text with one pattern a line; `parse` takes either form.
"""

import re
from functools import cached_property, lru_cache

from msgspec import Struct
from msgspec.structs import replace

from plytalk.core.contracts.errors import Usage

ONE_WAY = """
    N:     <- s                ...  -> e, es
    K:     -> s         <- s   ...  -> e, es, ss
    X:     <- s                ...  -> e, es, s, ss
"""  # section 7.4

FUNDAMENTAL = """
    NN:                             -> e             <- e, ee
    KN:    -> s                ...  -> e             <- e, ee, se
    NK:    <- s                ...  -> e, es         <- e, ee
    KK:    -> s         <- s   ...  -> e, es, ss     <- e, ee, se
    NX:                             -> e             <- e, ee, s, es
    KX:    -> s                ...  -> e             <- e, ee, se, s, es
    XN:                             -> e             <- e, ee              -> s, se
    IN:                             -> e, s          <- e, ee, se
    XK:    <- s                ...  -> e, es         <- e, ee              -> s, se
    IK:    <- s                ...  -> e, es, s, ss  <- e, ee, se
    XX:                             -> e             <- e, ee, s, es       -> s, se
    IX:                             -> e, s          <- e, ee, se, s, es
"""  # section 7.5

DEFERRED = """
    NK1:   <- s                ...  -> e             <- e, ee, es
    NX1:                            -> e             <- e, ee, s           -> es
    X1N:                            -> e             <- e, ee              -> s       <- se
    X1K:   <- s                ...  -> e, es         <- e, ee              -> s       <- se
    XK1:   <- s                ...  -> e             <- e, ee, es          -> s, se
    X1K1:  <- s                ...  -> e             <- e, ee, es          -> s       <- se
    X1X:                            -> e             <- e, ee, s, es       -> s       <- se
    XX1:                            -> e             <- e, ee, s           -> es, s, se
    X1X1:                           -> e             <- e, ee, s           -> es, s   <- se
    K1N:   -> s                ...  -> e             <- e, ee              -> se
    K1K:   -> s         <- s   ...  -> e, es         <- e, ee              -> se
    KK1:   -> s         <- s   ...  -> e             <- e, ee, se, es
    K1K1:  -> s         <- s   ...  -> e             <- e, ee, es          -> se
    K1X:   -> s                ...  -> e             <- e, ee, s, es       -> se
    KX1:   -> s                ...  -> e             <- e, ee, se, s       -> es
    K1X1:  -> s                ...  -> e             <- e, ee, s           -> se, es
    I1N:                            -> e, s          <- e, ee              -> se
    I1K:   <- s                ...  -> e, es, s      <- e, ee              -> se
    IK1:   <- s                ...  -> e, s          <- e, ee, se, es
    I1K1:  <- s                ...  -> e, s          <- e, ee, es          -> se
    I1X:                            -> e, s          <- e, ee, s, es       -> se
    IX1:                            -> e, s          <- e, ee, se, s       -> es
    I1X1:                           -> e, s          <- e, ee, s           -> se, es
"""  # section 18.1

KEYS = {"e", "s"}
DH_TOKENS = {"ee", "es", "se", "ss"}
TOKENS = KEYS | DH_TOKENS | {"psk", "e1", "ekem1"}

Tokens = tuple[str, ...]


class Pattern(Struct, frozen=True, dict=True):
    """One handshake pattern in canonical form: the initiator sends the first message, then they take turns (7.2)."""

    name: str
    initiator_pre: Tokens
    responder_pre: Tokens
    messages: tuple[Tokens, ...]

    @cached_property
    def psks(self) -> int:
        """How many pre-shared keys the handshake takes."""
        return sum(message.count("psk") for message in self.messages)

    @property
    def kem(self) -> bool:
        """Whether the handshake needs a KEM (the `hfs` modifier)."""
        return "e1" in self.sent(initiator=True) + self.sent(initiator=False)

    @property
    def one_way(self) -> bool:
        """Whether only the initiator may ever send (7.4)."""
        return len(self.messages) == 1

    def sent(self, initiator: bool) -> Tokens:
        """Every token of one side's messages, in order."""
        return sum(self.messages[0 if initiator else 1 :: 2], ())

    def needs(self, initiator: bool) -> frozenset[str]:
        """The keys one side must bring: of `s`, `e` (its own key pairs) and `rs`, `re` (the peer's public keys)."""
        return self._needs[0 if initiator else 1]

    @cached_property
    def _needs(self) -> tuple[frozenset[str], frozenset[str]]:
        first, second = self.initiator_pre, self.responder_pre
        statics = [("s",) if "s" in self.sent(initiator) else () for initiator in (True, False)]
        return (
            frozenset([*first, *statics[0], *("r" + token for token in second)]),
            frozenset([*second, *statics[1], *("r" + token for token in first)]),
        )

    def __str__(self) -> str:
        """The specification's text."""
        known = [f"  -> {', '.join(self.initiator_pre)}"] if self.initiator_pre else []
        known += [f"  <- {', '.join(self.responder_pre)}"] if self.responder_pre else []
        arrows = [f"  {('->', '<-')[i % 2]} {', '.join(tokens)}" for i, tokens in enumerate(self.messages)]
        return "\n".join([f"{self.name}:", *known, *(["  ..."] if known else []), *arrows])


def parse(text: str) -> Pattern:
    """One pattern from the specification's text, in canonical form.

    Raises Usage where the text is none: no name, an unknown token, or two messages running from the same side.
    """
    name, colon, body = text.strip().partition(":")
    *before, body = body.split("...")
    pre, lines = _arrows("".join(before)), _arrows(body)
    in_turn = all(arrow == ("->", "<-")[i % 2] for i, (arrow, _) in enumerate(lines))
    unknown = {token for _, tokens in lines for token in tokens} - TOKENS | {
        token for _, tokens in pre for token in tokens
    } - KEYS
    if not (colon and lines and in_turn and len(before) < 2) or unknown:
        raise Usage(f"This is not a handshake pattern: {text.strip()!r}.")
    keys = dict(pre)
    return Pattern(name, keys.get("->", ()), keys.get("<-", ()), tuple(tokens for _, tokens in lines))


def _arrows(text: str) -> list[tuple[str, Tokens]]:
    _, *parts = re.split(r"(->|<-)", text)
    return [(arrow, tuple(tokens.replace(",", " ").split())) for arrow, tokens in zip(parts[::2], parts[1::2], strict=True)]


PATTERNS = {
    line.partition(":")[0].strip(): line for text in (ONE_WAY, FUNDAMENTAL, DEFERRED) for line in text.strip().splitlines()
}
"""The text of each pattern by its name: read when it is asked for, since a conversation needs one of them."""


@lru_cache(maxsize=256)
def named(name: str) -> Pattern:
    """The pattern of a name with modifiers, as `XX`, `NNpsk0+psk2`, `XXhfs+psk3` or `XXfallback`.

    Raises Usage for an unknown pattern or modifier, a modifier that does not fit its pattern, or modifiers out of
    order: section 8.1 asks for alphabetical order where another order would mean the same.
    """
    match = re.fullmatch(r"([A-Z][A-Z0-9]*)([a-z][a-z0-9]*(?:\+[a-z][a-z0-9]*)*)?", name)
    if not match or match[1] not in PATTERNS:
        raise Usage(f"There is no handshake pattern {name!r}.", f"Known are {', '.join(PATTERNS)}.")
    result = parse(PATTERNS[match[1]])
    modifiers = match[2].split("+") if match[2] else []
    if modifiers != sorted(set(modifiers)):
        raise Usage(f"The modifiers of {name!r} must be in alphabetical order, each only once.")
    for modifier in modifiers:
        if modifier == "fallback":
            result = _fallback(result)
        elif modifier == "hfs":
            result = _hfs(result)
        elif re.fullmatch("psk[0-9]", modifier):
            result = _psk(result, int(modifier[3:]))
        else:
            raise Usage(f"There is no pattern modifier {modifier!r}.", "Known are fallback, hfs and psk0, psk1, ...")
    return replace(result, name=name)


def _psk(pattern: Pattern, place: int) -> Pattern:
    """9.3: psk0 is before the first message's tokens, psk1 behind them, psk2 behind the second message's ..."""
    messages = list(pattern.messages)
    if place > len(messages):
        raise Usage(f"psk{place} does not fit {pattern.name}, which has {len(messages)} messages.")
    if place == 0:
        messages[0] = ("psk", *messages[0])
    else:
        messages[place - 1] = (*messages[place - 1], "psk")
    return replace(pattern, messages=tuple(messages))


def _fallback(pattern: Pattern) -> Pattern:
    """10.2: the first message becomes a pre-message, and its receiver the initiator of what is left.

    The specification prints the result in Bob-initiated form. 7.2 makes it canonical: reverse arrows and DH tokens.
    """
    first, *rest = pattern.messages
    if not rest or first not in (("e",), ("s",), ("e", "s")):
        raise Usage(f"fallback does not fit {pattern.name}: its first message cannot be a pre-message.")
    messages = tuple(tuple(token[::-1] if token in DH_TOKENS else token for token in message) for message in rest)
    return Pattern(pattern.name, pattern.responder_pre, pattern.initiator_pre + first, messages)


def _hfs(pattern: Pattern) -> Pattern:
    """hfs section 5: `e1` behind the first `e`, or behind the DH of that message; `ekem1` behind the first `ee`.

    The rule is followed where the table of examples disagrees with it: KKhfs is `-> e, es, e1, ss`.
    """
    first, *rest = pattern.messages
    if "ee" in first or not any("ee" in message for message in rest):
        raise Usage(f"hfs does not fit {pattern.name}: no `ee` answers its first message.")
    anchor = next((token for token in first if token in DH_TOKENS), "e")
    messages = [_insert(first, anchor, "e1"), *(_insert(message, "ee", "ekem1") for message in rest)]
    return replace(pattern, messages=tuple(messages))


def _insert(tokens: Tokens, anchor: str, token: str) -> Tokens:
    return tuple(each for old in tokens for each in ((old, token) if old == anchor else (old,)))
