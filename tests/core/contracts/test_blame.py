"""Whose fault it is: the innermost layer in a traceback, and not the one that happened to call it."""

from collections.abc import Callable

import pytest

from plytalk.core.bases.header_framer import HeaderFramer
from plytalk.core.contracts.blame import blame, blame_hook, blame_one, fault_of_attack, returned
from plytalk.core.contracts.checked_calls import check_frame, checked
from plytalk.core.contracts.contract_words import asked
from plytalk.core.contracts.errors import BrokenPlugin, Tampered
from plytalk.core.contracts.origins import origin
from plytalk.core.contracts.source_places import class_location, location_of
from plytalk.core.io.memory_stream import MemoryStream, memory_stream_pair
from plytalk.core.registry import hookspecs
from plytalk.lab.attacks.run import Passive
from plytalk.plugins.transports.memory import Memory
from plytalk.testing import GivenKeys, PlainFrames, TypedFrames


def helper() -> None:
    raise KeyError("a key")


class Calls(PlainFrames):
    """A framer that calls something."""

    name = "calls"
    call: Callable[[], object] = helper

    def encode(self, kind, payload):
        type(self).call()
        return payload


def raised(function: Callable[[], object]) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        function()
    return caught.value


def test_the_innermost_layer_is_to_blame_at_the_line_of_its_own_file() -> None:
    fault = blame(raised(lambda: Calls().encode(b"M", b"")), [TypedFrames, GivenKeys, Calls])
    assert fault
    assert str(fault) == "The framer `calls` raised KeyError."
    line = helper.__code__.co_firstlineno + 1
    assert fault.hint.startswith(f"See {__file__}:{line} of ")
    assert "a key" not in fault.sentence
    assert isinstance(fault.__cause__, KeyError)


def test_a_traceback_without_a_suspect_blames_nobody_unless_there_is_only_one() -> None:
    assert blame(raised(helper), [TypedFrames, GivenKeys]) is None
    assert str(blame_one(raised(helper), TypedFrames, "cannot be made: it raised {}.")) == (
        "The framer `test-typed` cannot be made: it raised KeyError."
    )


def test_who_gave_something_else_than_bytes_is_to_blame_for_what_it_gave() -> None:
    class Seals(GivenKeys):
        name, kind = "seals", "cipher"

        def seal(self, plaintext):
            return None

    fault = blame(raised(lambda: TypedFrames().encode(b"M", None)), [TypedFrames, Seals])  # type: ignore[arg-type]
    assert "returns nothing from `seal`" in str(fault)
    assert "The cipher `seals`" in str(fault)


def test_what_a_method_returns_is_checked_where_a_conversation_is_set_up() -> None:
    class Nothing(PlainFrames):
        name = "nothing"

        def frames(self):
            return None

        def encode(self, kind, payload):
            raise Tampered

    with pytest.raises(BrokenPlugin) as caught:
        checked(Nothing(), "frames", list)
    assert str(caught.value) == "The framer `nothing` returns nothing from `frames`."
    assert "The contract asks for frames(self) -> Iterator[" in caught.value.hint
    with pytest.raises(Tampered):
        checked(Nothing(), "encode", bytes, b"M", b"")
    with pytest.raises(BrokenPlugin, match="raised TypeError"):
        checked(Nothing(), "feed", object)
    assert checked(TypedFrames(), "encode", bytes, b"M", b"x")


@pytest.mark.parametrize("frame", [b"Mx", (b"M",), (b"M", "x"), ("M", b"x"), None])
def test_a_frame_is_a_type_and_a_payload(frame: object) -> None:
    with pytest.raises(BrokenPlugin, match="from `frames`"):
        check_frame(TypedFrames(), frame)
    assert check_frame(TypedFrames(), (None, b"x")) == (None, b"x")


def test_a_traced_layer_is_blamed_itself() -> None:
    class Traced:
        def __init__(self) -> None:
            self._layer = TypedFrames()

    assert str(returned(Traced(), "frames", 3)) == "The framer `test-typed` returns a value of type int from `frames`."


def test_the_contract_is_quoted_as_it_is_written_and_short() -> None:
    assert asked("cipher", "seal") == "seal(self, plaintext: bytes) -> bytes"
    assert asked("framer", "unfinished") == "unfinished, a property"
    assert asked("cipher", "no_such_thing") == ""


def test_places_and_origins() -> None:
    assert location_of(Calls, "encode") == f"{__file__}:{Calls.encode.__code__.co_firstlineno}"
    assert location_of(Calls).startswith(f"{__file__}:")
    assert origin("plytalk.plugins.framers.typed").startswith("plytalk ")
    assert origin("no.such.module") == "no.such.module"


def test_a_hook_is_at_fault_where_its_own_file_raised_last() -> None:
    def helper() -> None:
        raise ZeroDivisionError

    def measures() -> None:
        helper()

    try:
        measures()
    except ZeroDivisionError as error:
        blamed = blame_hook(error, "measures", [measures], hookspecs.measures)
    assert str(blamed) == f"The hook `measures` of {__name__} raised ZeroDivisionError."
    assert f"See {__file__}:{helper.__code__.co_firstlineno + 1} of " in blamed.hint
    assert "The contract asks for measures() -> Sequence[Measure]." in blamed.hint
    assert isinstance(blamed.__cause__, ZeroDivisionError)


def test_a_hook_that_is_in_no_traceback_is_that_of_a_plugin() -> None:
    assert str(blame_hook(ValueError(), "reread", [], hookspecs.reread)) == "The hook `reread` of a plugin raised ValueError."


def test_code_that_is_inherited_is_blamed_at_the_class_that_has_the_fault() -> None:
    class Headless(HeaderFramer):
        name = "headless"

    fault = blame(raised(lambda: Headless().encode(b"M", b"")), [Headless])
    assert fault
    assert fault.hint.startswith(f"See {class_location(Headless)} of ")
    assert class_location(Headless).startswith(f"{__file__}:")
    assert location_of(Headless, "encode") == class_location(Headless)


def test_a_layer_that_another_layer_called_is_blamed_for_what_it_raised() -> None:
    class Calling(GivenKeys):
        name = "calling"

        def ask(self) -> None:
            Calls().encode(b"M", b"")

    assert str(blame_one(raised(Calling().ask), Calling)) == "The framer `calls` raised KeyError."


def test_an_attack_that_raises_is_named_with_the_line() -> None:
    class Clumsy(Passive):
        name = "clumsy"

        def succeeded(self, evidence):
            return helper()

    line = helper.__code__.co_firstlineno + 1
    fault = fault_of_attack(raised(lambda: Clumsy(0).succeeded(None)), Clumsy(0))
    assert fault.startswith(f"The attack `clumsy` raised KeyError. See {__file__}:{line} of ")


def test_the_method_that_was_called_is_quoted_where_the_layer_raised_in_one_of_its_helpers() -> None:
    class Counts(GivenKeys):
        name, kind = "counts", "cipher"

        def seal(self, plaintext):
            return self._count()

        def _count(self):
            raise KeyError

    fault = blame_one(raised(lambda: Counts().seal(b"")), Counts)
    line = Counts._count.__code__.co_firstlineno + 1
    assert fault.hint.startswith(f"See {__file__}:{line} of ")
    assert fault.hint.endswith("The contract asks for seal(self, plaintext: bytes) -> bytes.")
    assert blame_one(raised(lambda: Calls().encode(b"M", b"")), Calls).hint.endswith(f"for {asked('framer', 'encode')}.")


def test_what_a_layer_may_offer_besides_is_quoted_too() -> None:
    assert asked("feature", "release") == "release(self) -> None"
    assert asked("cipher", "ready").startswith("ready(self, role: Role, secret: Callable[")
    assert asked("cipher", "steps") == ""


def test_a_stream_is_its_transports() -> None:
    class Bursts(MemoryStream):
        def finish(self) -> None:
            raise KeyError

    stream, _ = memory_stream_pair()
    stream.__class__ = Bursts
    assert str(blame(raised(stream.finish), [TypedFrames, Memory])) == "The transport `memory` raised KeyError."
    assert blame(raised(stream.finish), [TypedFrames, GivenKeys]) is None
