"""What every part of the scenario language is made of."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from scenarios.units import Span

Node = Literal["pbx1", "pbx2"]
_NAME, _NUMBER = r"^[a-z][a-z0-9-]{0,30}$", r"^(R|D|T|O|V|I|F|B|C|M)\d+$"
Name = Annotated[str, Field(pattern=_NAME)]
Requirement = Annotated[str, Field(pattern=_NUMBER)]
FORMS = {  # of texts, in words
    _NAME: "is no name: small letters, digits and hyphens, a letter first, at most 31",
    _NUMBER: "is no number of a requirement or a situation, as R24, D9 or T1 are",
}
Answer = Literal["yes", "no"]  # YAML that knows its lines turns no word into a truth value


class Strict(BaseModel):
    """A part of a scenario; keys are written with spaces, unknown ones are errors."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=lambda name: name.rstrip("_").replace("_", " "),
        populate_by_name=True,
    )


class Fault(Strict):
    """What all faults with an end can say of themselves.

    Attributes:
        as_: the name by which `heal` and expectations know it.
        for_: how long it lasts.
    """

    as_: Name | None = None
    for_: Span | None = None


def verb(value: Any) -> str | None:
    """Name the member of a union: the one key that was written."""
    if isinstance(value, dict):
        return str(next(iter(value))) if len(value) == 1 else None
    fields: dict[str, FieldInfo] = type(value).model_fields
    return next(iter(fields.values())).alias
