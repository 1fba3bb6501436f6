"""Figures that plugins give about themselves, and Prometheus' text format 0.0.4 for them.

https://prometheus.io/docs/instrumenting/exposition_formats/ describes the format.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from plytalk.core.contracts.sanitise import clean

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True)
class Measure:
    """One figure, as it is now. Raises ValueError for names that Prometheus does not take.

    `name` begins with `plytalk_` and ends with its unit (`_bytes`, `_seconds`), or with `_total` where it only ever grows, which
    is the kind `counter`. Several of one name differ in their labels, and have the same `help` and `kind`. What a peer can choose
    (its name, its address) must not be a label: each value would create a new time series.
    """

    name: str
    help: str
    value: float
    kind: Literal["counter", "gauge"] = "gauge"
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or not all(map(_LABEL.fullmatch, self.labels)):
            raise ValueError(f"no name for a measure or its labels: {self.name!r} {sorted(self.labels)}")
        if self.name.endswith("_total") is not (self.kind == "counter"):
            raise ValueError(f"the name of a counter, and of nothing else, ends with _total: {self.name!r}")


def exposition(measures: Iterable[Measure]) -> str:
    """Return the figures as text. Of two that conflict (a name with two kinds, or twice with the same labels) the first
    counts.
    """
    families: dict[str, tuple[Measure, dict[str, float]]] = {}
    for measure in measures:
        first, samples = families.setdefault(measure.name, (measure, {}))
        if first.kind == measure.kind:
            labels = ",".join(_label(name, value) for name, value in sorted(measure.labels.items()))
            samples.setdefault(f"{{{labels}}}" if labels else "", measure.value)
    lines = []
    for name, (first, samples) in families.items():
        lines += [f"# HELP {name} {_escaped(first.help)}", f"# TYPE {name} {first.kind}"]
        lines += [f"{name}{labels} {_number(value)}" for labels, value in samples.items()]
    return "".join(line + "\n" for line in lines)


def _escaped(text: str) -> str:
    return clean(text).replace("\\", "\\\\")


def _label(name: str, value: str) -> str:
    quoted = _escaped(value).replace('"', '\\"')
    return f'{name}="{quoted}"'


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(value)
