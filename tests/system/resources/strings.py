"""Hostile texts: what a terminal would obey, what reorders or forges a line, and what a program might take for markup."""

import random
from collections.abc import Iterator

AMOUNT = 2000
ESC, BEL, ST, C1_ST = "\x1b", "\x07", "\x1b\\", "\x9c"
CSI_FINALS = [chr(code) for code in range(0x40, 0x7F)]
STRINGS = ("P", "X", "]", "^", "_")  # DCS, SOS, OSC, PM, APC
C1_STRINGS = ("\x90", "\x98", "\x9d", "\x9e", "\x9f")
ORDERS = (
    "0;pwned",
    "2;pwned",
    "8;;http://evil.invalid/",
    "52;c;cHduZWQ=",
    "4;0;rgb:f/0/0",
    "1337;File=:AAAA",
    '$q"p',
    "+q544e",
    "tmux;x",
)
BREAKS = ("\r", "\n", "\0", "\r\n", "\u2028", "\u2029", "\x85", "\v", "\f", "\b", "\x1c", "\x1e")
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
HIDDEN = "\u200b\u2060\ufeff\u00ad\u180e\U000e0041\ufff9\ue000\ud800\x7f\x9b\x84\x8d"
MARKUP = (
    "[link=http://evil.invalid]x[/link]", "[bold]x[/]", "<script>alert(1)</script>", "<b>x", "</script>", "{0.__class__}", "%s%n",
    "${HOME}", "`id`", "&lt;", "[red]", "\\x1b[31m", "\\e]0;x\\a", "<ansired>x</ansired>",
)  # fmt: skip
FORGED = ("Message Received: ", "Type Message: ", "chat: ", "alice> ", "[12:00] ")


def hostile(amount: int = AMOUNT, seed: int = 1) -> list[str]:
    """This many different texts, the same ones for the same seed; each kind is among them."""
    draw = random.Random(seed)
    found: dict[str, None] = {}
    kinds = [csi, escape, string, unterminated, broken, bidi, markup, cut, piled]
    while len(found) < amount:
        for kind in kinds:
            found.setdefault(kind(draw))
    return list(found)[:amount]


def halves(text: str) -> Iterator[str]:
    """A text as two, so that an escape begins in one message and ends in the next."""
    interceptor = max(1, len(text) // 2)
    yield text[:interceptor]
    yield text[interceptor:] or "rest"


def csi(draw: random.Random) -> str:
    parameters = ";".join(str(draw.choice((0, 1, 2, 5, 6, 25, 31, 47, 999, 1049, 2004))) for _ in range(draw.randrange(3)))
    return word(draw) + draw.choice((ESC + "[", "\x9b")) + draw.choice(("", "?", ">", "!")) + parameters + draw.choice(CSI_FINALS)


def escape(draw: random.Random) -> str:
    return word(draw) + ESC + draw.choice("cDEHMNOZ78=>#()*+%") + draw.choice("08B@G")


def string(draw: random.Random) -> str:
    introducer = draw.choice((ESC + draw.choice(STRINGS), draw.choice(C1_STRINGS)))
    return word(draw) + introducer + draw.choice(ORDERS) + draw.choice((BEL, ST, C1_ST)) + word(draw)


def unterminated(draw: random.Random) -> str:
    return draw.choice((ESC, ESC + "[", ESC + "[3", "\x9b", ESC + draw.choice(STRINGS), draw.choice(C1_STRINGS))) + word(draw)


def broken(draw: random.Random) -> str:
    return word(draw) + draw.choice(BREAKS) + draw.choice(FORGED) + word(draw)


def bidi(draw: random.Random) -> str:
    return word(draw) + draw.choice(BIDI + HIDDEN) + word(draw) + draw.choice(BIDI)


def markup(draw: random.Random) -> str:
    return word(draw) + draw.choice(MARKUP) + word(draw)


def cut(draw: random.Random) -> str:
    return draw.choice((csi, string, escape))(draw)[: draw.randrange(4, 12)]


def piled(draw: random.Random) -> str:
    return word(draw) + "\u0301" * draw.randrange(5, 40) + "\x0e\x0f" + word(draw)


def word(draw: random.Random) -> str:
    return "".join(draw.choice("abcdefghij") for _ in range(draw.randrange(1, 6)))
