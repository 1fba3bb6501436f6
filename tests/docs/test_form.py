"""How tables, signatures and docstrings look as Markdown."""

import form

from plytalk.core.contracts import limits
from plytalk.core.contracts.properties import Property


def test_a_table() -> None:
    assert form.table(("a", "b"), [("1", "2|3")]) == "| a | b |\n| --- | --- |\n| 1 | 2\\|3 |"


def test_amounts() -> None:
    assert [form.amount(value) for value in (1048576, 5.0, 0.5)] == ["1,048,576", "5", "0.5"]


def test_properties_are_listed_in_their_own_order() -> None:
    assert form.listed({Property.SECRECY, Property.BOUNDARIES}) == "boundaries, secrecy"


def test_the_first_paragraph_in_one_line() -> None:
    assert form.oneline("One\n    two.\n\n    Three.") == "One two."
    assert form.oneline(None) == ""


def test_a_signature_without_the_noise_of_annotations() -> None:
    async def receive(kind: bytes, limit: "int" = 3) -> bytes: ...

    assert form.signature(receive) == "async def receive(kind: bytes, limit: int = 3) -> bytes"


def test_docstrings_below_attributes() -> None:
    assert form.told_in(limits, "Limits")["first_byte"].startswith("How long a peer may send nothing")


def test_a_class_in_a_docstring_is_code() -> None:
    class Documented:
        """Prose.

        class Mine:
            name = "mine"

            def seal(self): ...

        Prose again,
        in two lines.
        """

    assert form.prose(Documented) == (
        'Prose.\n\n```python\nclass Mine:\n    name = "mine"\n\n    def seal(self): ...\n```\n\nProse again,\nin two lines.'
    )


def test_code_that_ends_a_docstring() -> None:
    class Documented:
        """Prose.

        class Last: ...
        """

    assert form.prose(Documented) == "Prose.\n\n```python\nclass Last: ...\n```"
