"""What a typed sentence is: fields in a fixed order, each with its way of writing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from typing import ClassVar, Self, TypeVar

from protocols.beidou.values import Kind

T = TypeVar("T", bound="type[Layout]")


class Layout:
    """A sentence whose fields stand in a fixed order; `kinds` says how each is written."""

    __slots__ = ()
    talkers: ClassVar[tuple[str, ...]]
    id: ClassVar[str]
    kinds: ClassVar[tuple[Kind, ...]]

    @classmethod
    def from_fields(cls, fields: tuple[bytes, ...]) -> Self:
        """Read the fields; raises ValueError."""
        padded = (*fields, *[b""] * (len(cls.kinds) - len(fields)))
        return cls(*(kind.parse(field) for kind, field in zip(cls.kinds, padded, strict=False)))

    def to_fields(self) -> tuple[bytes, ...]:
        """Write the fields in our own rendering (cards with seven digits)."""
        values = astuple(self)  # type: ignore[call-overload]
        return tuple(kind.format(value) for kind, value in zip(self.kinds, values, strict=True))


class ContentLayout(Layout):
    """A layout whose last field is raw content and may hold commas."""

    __slots__ = ()

    @classmethod
    def from_fields(cls, fields: tuple[bytes, ...]) -> Self:
        """Join what commas in the content split; one field too many before it is refused."""
        last = len(cls.kinds) - 1
        if len(fields) <= last:
            raise ValueError("a field is missing")
        if len(fields) > last + 1 and not fields[last]:
            raise ValueError("one field too many")
        joined = (*fields[:last], b",".join(fields[last:]))
        return super().from_fields(joined)


def sentence(talkers: str, sentence_id: str, *kinds: Kind) -> Callable[[T], T]:
    """Say under which talkers (the first is the one it is written with), id and field kinds a type stands."""

    def describe(cls: T) -> T:
        cls.talkers, cls.id, cls.kinds = tuple(talkers.split()), sentence_id, kinds
        return cls

    return describe
