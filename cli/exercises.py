"""The exercises of the lab book (docs/lab/), and how an answer is checked: by running it.

An answer is a word, or the names of attacks and layers that are installed, the student's own among them. What is right is
measured in the lab, so that an answer nobody thought of passes if it does what the exercise asks.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn, cast

from plytalk.core.contracts.attack import Attack, Outcome
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import ChatError, Usage
from plytalk.core.contracts.properties import Property
from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.matrix import Cell, measure
from plytalk.lab.attacks.scenario import Scenario, scenarios
from plytalk.lab.inspect.trace_file import TraceFile, read
from plytalk.testing import check_cipher
from plytalk.trust.word_list import WORDS

SECRET_LINES = ("The meeting place is the {} by the {}.", "Agreed. Nobody must know.")


@dataclass(frozen=True)
class AnswerVerdict:
    """Whether an answer is right, and why."""

    right: bool
    why: str


@dataclass(frozen=True)
class Exercise:
    """A task in one sentence, what an answer looks like, and the check."""

    title: str
    task: str
    answer: str
    check: Callable[[Registry, str], AnswerVerdict]
    prepare: Callable[[Path], None] | None = None


def outcome(registry: Registry, attack: str, stack: str) -> Outcome:
    """What becomes of an attack on a stack, measured. Raises UnknownLayer, Usage."""
    kind = registry.attack(attack)
    found = [scenario for scenario in scenarios(registry) if scenario.name == stack]
    if not found:
        raise Usage(f"The lab has no stack {stack!r}.", "`chat lab` lists them.")
    measured = cells(found, [kind])
    if not measured:
        raise Usage(f"The stack {stack!r} cannot be attacked here.", f"What is missing: chat lab --stack '{stack}'")
    return measured[-1].measured


def cells(stacks: list[Scenario], attacks: list[type[Attack]]) -> list[Cell]:
    return list(measure(stacks, attacks))


# -- 1: read the plaintext off the wire -----------------------------------------------------------------------------------


def record(path: Path) -> None:
    """A recorded conversation in plaintext, bytes on the wire only, with two words drawn at random."""
    words = random.SystemRandom().sample(WORDS, 2)
    trace = TraceFile(path, stopped=partial(refuse_part, path))
    trace(TraceEvent("session", "", "started", b"", {"role": "client", "peer": "192.0.2.7:5002"}))
    for way, line in zip(("out", "in"), SECRET_LINES, strict=True):
        trace(TraceEvent("transport", way, "bytes", line.format(*words).encode()))
        trace(TraceEvent("framer", way, "", line.format(*words).encode()))
    trace.close()


def refuse_part(path: Path, why: str) -> NoReturn:
    """Raises Usage: half a file is not an exercise."""
    path.unlink(missing_ok=True)
    raise Usage(f"{path} could not be written. {why}", "Name another file.")


def check_wire(registry: Registry, answer: str) -> AnswerVerdict:
    path, _, words = answer.partition(":")
    said = b"".join(event.data for event in read(Path(path)) if event.layer == "transport").decode()
    place, landmark = said.removeprefix("The meeting place is the ").partition(".")[0].split(" by the ")
    if words.lower().split() == [place, landmark]:
        return AnswerVerdict(True, "You listened, and nobody noticed: anyone on the network path can do that.")
    return AnswerVerdict(False, "Those are not the two words. Look at the bytes: chat inspect FILE")


# -- 2, 3, 4: an attack that succeeds here and fails there ----------------------------------------------------------------


def breaks(falls: tuple[str, ...], holds: str, lesson: str) -> Callable[[Registry, str], AnswerVerdict]:
    """An attack is right if it succeeds on these stacks and fails on another."""

    def check(registry: Registry, answer: str) -> AnswerVerdict:
        for stack in falls:
            if (measured := outcome(registry, answer, stack)) is not Outcome.BROKEN:
                return AnswerVerdict(
                    False,
                    f"On {stack} the outcome is {measured}: it has to be broken there. See: chat lab --attack {answer} --why",
                )
        if (measured := outcome(registry, answer, holds)) is not Outcome.HELD:
            return AnswerVerdict(
                False, f"On {holds} the outcome is {measured}: it has to be held there, or the attack shows nothing."
            )
        return AnswerVerdict(True, f"It succeeds on {' and '.join(falls)}, and fails on {holds}. {lesson}")

    return check


# -- 5: why a tag is not enough --------------------------------------------------------------------------------------------


def check_beside_the_tag(registry: Registry, answer: str) -> AnswerVerdict:
    names = [name.strip() for name in answer.split(",") if name.strip()]
    if len(set(names)) < 3:
        return AnswerVerdict(False, "Name at least three attacks, with commas between them.")
    for name in names:
        defences = registry.attack(name).defences
        if outcome(registry, name, "secure-chat") is not Outcome.BROKEN:
            return AnswerVerdict(False, f"`{name}` does not succeed on secure-chat.")
        if not defences & {Property.ORDER, Property.DIRECTION_KEYS, Property.CLEAN_END}:
            return AnswerVerdict(False, f"`{name}` succeeds for another reason than when and where a sealed frame comes.")
    return AnswerVerdict(True, "Each frame was whole and its tag right. What was wrong was when, where and how often it came.")


# -- 6: write a cipher and break it ----------------------------------------------------------------------------------------


def check_own_cipher(registry: Registry, answer: str) -> AnswerVerdict:
    cipher, _, attack = answer.partition(":")
    layer = registry.layer("cipher", cipher)
    if registry.found["cipher", cipher].distribution != f"plytalk-cipher-{cipher}":
        return AnswerVerdict(
            False,
            f"`{cipher}` does not come from plytalk-cipher-{cipher}; make your own: chat plugins new plytalk-cipher-mine",
        )
    try:
        check_cipher(cast(type[Cipher], layer))
    except (AssertionError, ChatError) as error:
        return AnswerVerdict(False, f"The cipher does not keep its contract: {error}")
    measured = outcome(registry, attack, f"cipher {cipher}")
    if measured is not Outcome.BROKEN:
        return AnswerVerdict(
            False,
            f"On your cipher `{attack}` is {measured}. Which attack breaks it? chat lab --stack 'cipher {cipher}'",
        )
    return AnswerVerdict(True, f"The cipher keeps its contract, and `{attack}` breaks it. Now try to fix it.")


# -- 7: pin a key ----------------------------------------------------------------------------------------------------------


def check_pin(registry: Registry, answer: str) -> AnswerVerdict:
    auth = registry.layer("auth", answer)
    if Property.PEER_IDENTITY not in auth.gives:
        return AnswerVerdict(False, f"`{answer}` does not say whose key it is.")
    stacks = [scenario for scenario in scenarios(registry) if answer in [auth.name for auth in scenario.auths]]
    if not stacks:
        return AnswerVerdict(False, f"The lab has no stack with `{answer}`: it has no key or list to give it beforehand.")
    if outcome(registry, "mitm", stacks[0].name) is not Outcome.HELD:
        return AnswerVerdict(False, "The man in the middle still gets through.")
    if outcome(registry, "early-secret", stacks[0].name) is not Outcome.HELD:
        return AnswerVerdict(
            True, "With it the man in the middle is refused, but it has learnt who the client is. Which authenticator is earlier?"
        )
    return AnswerVerdict(True, "With it the man in the middle is refused before the first secret byte leaves.")


# -- 8: what post-quantum buys ---------------------------------------------------------------------------------------------


def check_quantum(registry: Registry, answer: str) -> AnswerVerdict:
    try:
        handshake = registry.layer("handshake", "plytalk1").configured({"suite": answer})
    except Usage as error:
        return AnswerVerdict(False, error.sentence)
    if Property.POST_QUANTUM in handshake.gives:
        return AnswerVerdict(
            True, "An attacker who recorded it has to break X25519 and ML-KEM-768; with the other suites X25519 alone."
        )
    return AnswerVerdict(
        False, "A conversation with this suite, recorded today, can be read by anyone who breaks X25519 one day."
    )


OPEN = "plytalk1 XXhfs_25519+MLKEM768_ChaChaPoly"
HOLDS = f"{OPEN} pinned"
EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        "Read the plaintext off the wire",
        "Find the two words that name the meeting place in a recorded conversation.",
        "FILE:WORD WORD, the recorded file and the two words",
        check_wire,
        record,
    ),
    Exercise(
        "Forge a reply",
        "Find or write an attack that makes a user see what nobody said, and that fails where messages are sealed.",
        "the name of an attack",
        breaks(("demo01",), "secure-chat", "That a message arrives does not prove who sent it."),
    ),
    Exercise(
        "Man in the middle",
        "Find or write an attack that reads an encrypted conversation, and that fails where the key is known beforehand.",
        "the name of an attack",
        breaks(("secure-chat", OPEN), HOLDS, "Encryption does not tell you who is at the other end."),
    ),
    Exercise(
        "Replay an order",
        "Find or write an attack that makes a message count twice, and that fails where messages are counted.",
        "the name of an attack",
        breaks(("demo02",), HOLDS, "A sealed message that is sent again still opens."),
    ),
    Exercise(
        "Why a tag is not enough",
        "Name three attacks that succeed on secure-chat although the tag of every frame is right.",
        "names of attacks, with commas between them",
        check_beside_the_tag,
    ),
    Exercise(
        "Write a cipher and break it",
        "Write your own cipher that keeps the contract, and an attack that succeeds on it.",
        "CIPHER:ATTACK, two names",
        check_own_cipher,
    ),
    Exercise(
        "Pin a key",
        "Find the authenticator that stops the man in the middle of exercise 3.",
        "the name of an authenticator",
        check_pin,
    ),
    Exercise(
        "What post-quantum buys",
        "Choose a suite whose recorded conversations stay secret when X25519 falls.",
        "a Noise protocol name",
        check_quantum,
    ),
)


def exercise(number: int) -> Exercise:
    """The exercise of this number, from 1. Raises Usage."""
    if not 1 <= number <= len(EXERCISES):
        raise Usage(f"There is no exercise {number}.", f"They are numbered from 1 to {len(EXERCISES)}.")
    return EXERCISES[number - 1]
