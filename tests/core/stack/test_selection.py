"""The chosen layers as one value: what follows from what, what is refused, what is warned of."""

from collections.abc import Mapping

import pytest

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import BrokenPlugin, HandshakeFailed, ImpossibleStack, UnknownLayer
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.kinds import KINDS
from plytalk.core.contracts.layer import Layer, Option
from plytalk.core.contracts.peers import Identity, Peer, Role, SessionSecrets
from plytalk.core.contracts.properties import MEANINGS, PROTECTIONS, Profile, Property
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack, choose, choose_named, given_by, line_of, refuse_impossible, warning_of
from plytalk.testing import PlainFrames, RecordingUi, TypedFrames, stack_of
from plytalk.testing.parts import Unsealed

SECURE_CHAT = "typed rsa aesgcm text"
DEMO01 = "raw none none trimmed"
DEMO02 = "length rsa aesgcm trimmed"


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry()


def chosen(registry: Registry, **given: str) -> dict[str, str]:
    layers = choose({kind: [name] for kind, name in given.items()}, registry.profile("secure-chat").layers, registry.layer)
    return {kind: layer.name for kind, (layer,) in layers.items()}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, SECURE_CHAT),
        ({"transport": "unix"}, SECURE_CHAT),
        ({"ui": "jsonl"}, SECURE_CHAT),
        ({"cipher": "aesgcm"}, SECURE_CHAT),
        ({"handshake": "rsa"}, SECURE_CHAT),
        ({"cipher": "aesgcm", "handshake": "rsa"}, SECURE_CHAT),
        ({"framer": "typed"}, SECURE_CHAT),
        ({"cipher": "none"}, DEMO01),
        ({"handshake": "none"}, DEMO01),
        ({"framer": "raw"}, DEMO01),
        ({"framer": "length"}, DEMO02),
        ({"framer": "length", "cipher": "aesgcm"}, DEMO02),
        ({"framer": "length", "handshake": "rsa"}, DEMO02),
        ({"cipher": "chacha20poly1305"}, "typed rsa chacha20poly1305 text"),
        ({"framer": "length", "cipher": "chacha20poly1305"}, "length rsa chacha20poly1305 trimmed"),
        ({"framer": "typed", "cipher": "none"}, "typed none none text"),
        ({"messages": "text"}, SECURE_CHAT),
        ({"messages": "trimmed"}, "typed rsa aesgcm trimmed"),
        ({"cipher": "none", "messages": "text"}, "raw none none text"),
    ],
)
def test_what_is_not_given_follows_from_what_is(registry: Registry, given: dict[str, str], expected: str) -> None:
    names = chosen(registry, **given)
    assert " ".join(names[kind] for kind in ("framer", "handshake", "cipher", "messages")) == expected
    assert names["transport"] == given.get("transport", "tcp")
    assert names["ui"] == given.get("ui", "console")


def test_a_layer_that_prefers_nothing_joins_the_default(registry: Registry) -> None:
    class Lonely(Unsealed):
        """Prefers nothing."""

        name = "lonely"

    class Picky(Unsealed):
        """Prefers little."""

        name = "picky"
        prefers = {"messages": "trimmed"}

    def find(kind: str, name: str) -> type[Layer]:
        return {"lonely": Lonely, "picky": Picky}.get(name) or registry.layer(kind, name)

    default = registry.profile("secure-chat").layers
    for name, expected in (("lonely", "typed rsa text"), ("picky", "typed rsa trimmed")):
        layers = choose({"cipher": [name]}, default, find)
        assert " ".join(layers[kind][0].name for kind in ("framer", "handshake", "messages")) == expected


def test_the_default_counts_as_it_is_and_not_by_what_its_layers_prefer(registry: Registry) -> None:
    default = {**registry.profile("secure-chat").layers, "messages": "trimmed"}
    assert {kind: layers[0].name for kind, layers in choose({}, default, registry.layer).items()}["messages"] == "trimmed"


def test_authenticators_are_all_kept(registry: Registry) -> None:
    layers = choose(
        {"auth": ["one", "two"]},
        registry.profile("secure-chat").layers,
        lambda kind, name: type("A", (Open,), {"name": name}) if kind == "auth" else registry.layer(kind, name),
    )
    assert [layer.name for layer in layers["auth"]] == ["one", "two"]


def test_an_unknown_name_is_refused(registry: Registry) -> None:
    with pytest.raises(UnknownLayer, match="`rsaa`"):
        chosen(registry, handshake="rsaa")


# -- refused --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"cipher": "aesgcm", "handshake": "none"},
            "The cipher `aesgcm` needs keys, which the handshake `none` cannot give: the two sides share no secret.",
        ),
        (
            {"framer": "raw", "handshake": "rsa"},
            "The handshake `rsa` needs boundaries, which the framer `raw` cannot give: "
            "messages may run together or be cut in two.",
        ),
        ({"framer": "raw", "cipher": "aesgcm", "handshake": "rsa"}, "needs boundaries, which the framer `raw` cannot give"),
    ],
)
def test_a_stack_that_cannot_work_is_refused_in_words(registry: Registry, given: dict[str, str], words: str) -> None:
    layers = choose_named(given, registry.layer)
    with pytest.raises(ImpossibleStack, match=words):
        refuse_impossible(layers)
    with pytest.raises(ImpossibleStack, match=words):
        Stack.build(layers)


class Open(Authenticator):
    """Lets in every peer that shows a key."""

    name = "open"
    needs = {Property.PEER_KEY}
    judges = {Role.INITIATOR}

    async def check(self, peer: Peer) -> None:
        pass


class Shown(Handshake):
    """The server shows a key."""

    name = "shown"
    gives = {Property.KEYS, Property.PEER_KEY}
    shows = {Role.RESPONDER}

    async def initiate(self, io) -> SessionSecrets:
        await io.ask(Identity("test", b"key"))
        return SessionSecrets.none()

    async def respond(self, io) -> SessionSecrets:
        return SessionSecrets.none()


def test_nobody_can_judge_a_key_that_is_not_shown() -> None:
    with pytest.raises(ImpossibleStack, match="The auth `open` needs peer key, which the handshake `test-keys` cannot give"):
        stack_of(Open)


def test_an_authenticator_works_only_where_there_is_a_key_to_judge() -> None:
    stack = stack_of(Open, Shown)
    stack.refuse(Role.INITIATOR)
    with pytest.raises(ImpossibleStack, match="--auth open cannot work on the server"):
        stack.refuse(Role.RESPONDER)


def test_there_is_room_for_one_pre_shared_key() -> None:
    def bringing(name: str) -> type[Authenticator]:
        return type("Brings", (Open,), {"name": name, "agrees": "code", "__doc__": "Brings a key."})

    stack_of(Shown, bringing("one")).refuse(Role.INITIATOR)
    with pytest.raises(ImpossibleStack, match="--auth one and --auth two each bring a pre-shared key"):
        stack_of(Shown, bringing("one"), bringing("two")).refuse(Role.INITIATOR)


def test_a_pre_shared_key_is_judged_without_a_key_that_is_shown_but_only_at_an_end_that_judges() -> None:
    def judging(name: str, agrees: str, *judges: Role) -> type[Authenticator]:
        return type("Judging", (Open,), {"name": name, "agrees": agrees, "judges": set(judges), "__doc__": "Judges."})

    for auth in (judging("secret", "code", *Role), judging("server", "code", Role.RESPONDER)):
        stack_of(Shown, auth).refuse(Role.RESPONDER)
    for auth in (judging("key", "", *Role), judging("client", "code", Role.INITIATOR)):
        stack_of(Shown, auth).refuse(Role.INITIATOR)
        with pytest.raises(ImpossibleStack, match=f"--auth {auth.name} cannot work on the server: the handshake `shown` shows"):
            stack_of(Shown, auth).refuse(Role.RESPONDER)


def test_what_only_a_layer_itself_gives_it_does_not_get_from_the_others() -> None:
    class Selfish(Unsealed):
        """Gives what it needs."""

        name = "selfish"
        needs = {Property.ORDER}
        gives = {Property.ORDER}

    with pytest.raises(ImpossibleStack, match="`selfish` needs order"):
        stack_of(Selfish)


def test_a_layer_that_cannot_be_made_is_named_and_its_words_stay_out() -> None:
    class Broken(RecordingUi):
        """Breaks."""

        name = "broken"

        def __init__(self) -> None:
            raise ValueError("the key is 0123456789abcdef")

    with pytest.raises(BrokenPlugin, match=r"The ui `broken` cannot be made: it raised ValueError\.") as failure:
        stack_of(Broken)
    assert "0123" not in failure.value.sentence


def test_a_layer_s_own_refusal_is_passed_on() -> None:
    class Refuses(Unsealed):
        """Refuses its keys."""

        name = "refuses"

        def __init__(self, secrets: SessionSecrets, role: Role) -> None:
            raise HandshakeFailed("not these")

    with pytest.raises(HandshakeFailed, match="not these"):
        stack_of(Refuses).cipher(SessionSecrets.none(), Role.INITIATOR)


# -- warned of ------------------------------------------------------------------------------------------------------------


def giving(*given: Property) -> Mapping[str, list[type[Layer]]]:
    return {"cipher": [type("Giving", (Unsealed,), {"gives": set(given)})]}


S, INTEGRITY, PEER = Property.SECRECY, Property.INTEGRITY, Property.PEER_IDENTITY


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((), "Anyone on the network path can read every word."),
        ((INTEGRITY, PEER), "Anyone on the network path can read every word."),
        ((S,), "An attacker can change or invent messages unnoticed."),
        ((S, PEER), "An attacker can change or invent messages unnoticed."),
        ((S, INTEGRITY), "A man in the middle can pose as the other side to each of you, and read and rewrite everything."),
        ((S, INTEGRITY, PEER), None),
        (tuple(Property), None),
    ],
)
def test_a_weak_stack_is_warned_of_by_what_an_attacker_can_do(given: tuple[Property, ...], words: str | None) -> None:
    assert warning_of(giving(*given)) == words


@pytest.mark.parametrize("profile", ["demo01", "demo02", "secure-chat"])
def test_the_existing_chats_are_all_warned_of(registry: Registry, profile: str) -> None:
    stack = Stack.build(choose_named(registry.profile(profile).layers, registry.layer))
    assert stack.warning() is not None


def test_every_protection_has_words() -> None:
    assert set(PROTECTIONS) <= set(MEANINGS) == set(Property)
    for meaning in MEANINGS.values():
        assert meaning.have
        assert meaning.lack
        assert set(meaning.change) <= set(KINDS)


# -- shown ----------------------------------------------------------------------------------------------------------------


def test_a_stack_in_one_line_runs_from_the_wire_to_the_screen() -> None:
    stack = stack_of(Open, Shown, TypedFrames)
    assert stack.line == "test-nowhere | test-typed | shown | open | test-unsealed | test-words | test-recording"
    assert line_of(stack.classes) == stack.line
    assert stack.short_line == "test-typed | shown | open | test-unsealed | test-words"
    assert stack.names == {
        "transport": "test-nowhere",
        "framer": "test-typed",
        "handshake": "shown",
        "cipher": "test-unsealed",
        "messages": "test-words",
        "auth": "open",
        "ui": "test-recording",
    }
    assert stack.gives == given_by(stack.classes) == {Property.BOUNDARIES, Property.KEYS, Property.PEER_KEY}


def test_layers_get_their_own_options_and_no_others() -> None:
    class Counts(Unsealed):
        """Counts."""

        name = "counts"
        options = (Option("count-to", "How far.", int),)

        def __init__(self, secrets: SessionSecrets, role: Role, count_to: int = 3) -> None:
            self.count_to = count_to

    def made(**options: int) -> Cipher:
        return stack_of(Counts, **options).cipher(SessionSecrets.none(), Role.INITIATOR)

    assert made().count_to == 3  # type: ignore[attr-defined]
    assert made(count_to=7, somebody_elses=1).count_to == 7  # type: ignore[attr-defined]


def test_framers_ciphers_and_messages_are_made_anew_for_each_conversation() -> None:
    stack = stack_of(PlainFrames)
    assert stack.framer() is not stack.framer()
    assert stack.messages() is not stack.messages()
    assert stack.messages().boundaries is True
    assert stack.handshake is stack.handshake


def test_a_peer_with_another_stack_is_recognised_by_its_first_bytes(registry: Registry) -> None:
    known = [
        Profile("shouts", "Shouts", 1, {"framer": "test-plain"}, rb"HELLO"),
        Profile("silent", "Says nothing first", 1, {"framer": "test-plain"}),
        Profile("same", "What runs here", 1, {"framer": "test-typed"}, rb"HE"),
    ]
    stack = Stack.build(stack_of(TypedFrames).classes, known=known)
    mismatch = stack.mismatch(b"HELLO there")
    assert mismatch is not None
    assert "framer test-typed here, framer test-plain on the other side" in mismatch.sentence
    assert "--profile shouts" in mismatch.sentence
    assert stack.mismatch(b"HE") is None
    assert stack.mismatch(b"") is None
