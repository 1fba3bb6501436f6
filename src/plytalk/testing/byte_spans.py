"""What a layer says about the bytes of its messages: each byte once, and each part with a name."""

from plytalk.core.contracts.layer import FrameKind
from plytalk.core.contracts.spans import DescribesBytes, Passed
from plytalk.testing.verdict import demand


def check_spans(layer: object, data: bytes, kind: FrameKind = b"") -> None:
    """Hold the description of a message that this layer made to its bytes, if it describes any. Raises AssertionError."""
    if not isinstance(layer, DescribesBytes):
        return
    name = getattr(layer, "name", type(layer).__name__)
    try:
        spans = [span for span in layer.fields(Passed(data, kind)) if span.size]
    except Exception as error:
        demand(False, f"`fields` of `{name}` raised {type(error).__name__} for a message that the layer itself had made.")
        return
    at = 0
    for span in spans:
        demand(span.name != "", f"`fields` of `{name}` gives {span.size} bytes no name.")
        demand(
            span.start == at, f"`fields` of `{name}` jumps from byte {at} to byte {span.start}: each byte belongs to one span."
        )
        at = span.end
    demand(at == len(data), f"`fields` of `{name}` describes {at} of {len(data)} bytes.")
