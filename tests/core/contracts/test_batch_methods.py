"""The batch forms of layers: each replaces a method that its kind of layer has."""

from plytalk.core.contracts.batch_methods import BATCH_FORMS
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.transport import Stream


def test_each_batch_form_replaces_a_method_of_a_contract() -> None:
    methods = {name for contract in (Cipher, Framer, Messages, Stream) for name in vars(contract)}
    assert set(BATCH_FORMS.values()) <= methods
