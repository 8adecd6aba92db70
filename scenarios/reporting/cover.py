"""What only the operator knows of a drill: who took part, who may read, what comes next."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError


class BadCover(Exception):  # noqa: N818 - says what is wrong with the file
    """A file with the cover's entries cannot be used (exit code 2)."""


class Cover(BaseModel):
    """Entries of a report that no record can know; what is "" is left to be filled in by hand."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=lambda name: name.replace("_", " ")
    )

    classification: str = ""
    distribution: str = ""
    trigger: str = ""
    recovery_plan: str = ""
    lead: str = ""
    operator: str = ""
    observer: str = ""
    next_date: str = ""


def read_cover(path: Path) -> Cover:
    """Read the entries from a YAML file.

    Raises:
        BadCover: it cannot be read, or holds other keys.
    """
    known = ", ".join(one.alias or name for name, one in Cover.model_fields.items())
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Cover.model_validate(value or {})
    except (OSError, UnicodeDecodeError) as error:
        raise BadCover(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise BadCover(f"{path}: no YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadCover(f"{path}: {place}: {first['msg']}; known here: {known}") from error
