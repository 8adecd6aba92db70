"""YAML that knows its lines.

Every scalar stays the text that was written (`on`, `no` and `02:30` are not turned into
booleans and numbers); the models say what a text means. A duplicate key is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]
MOST_PARTS, DEEPEST = 10_000, 30  # an alias can stand for more than a computer can hold


class YamlError(Exception):
    """The text is not YAML, or repeats a key."""

    def __init__(self, message: str, line: int, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.remedy = remedy


@dataclass(frozen=True)
class Marked:
    """A document and the line on which each of its parts begins."""

    value: Any
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, location: Sequence[str | int]) -> int:
        """Return the line of a location, or of the nearest part around it.

        Steps of the location that the document does not have (pydantic names the
        member of a union) are passed over.
        """
        here: Path = ()
        for step in location:
            if (*here, step) in self.lines:
                here = (*here, step)
        return self.lines.get(here, 1)


def parse(text: str) -> Marked:
    """Read one YAML document.

    Raises:
        YamlError: with the line.
    """
    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = ", ".join(one for one in (error.context, error.problem) if one)
        raise YamlError(said or "not YAML", mark.line + 1 if mark else 1, _cure(said)) from error
    except RecursionError as error:
        raise YamlError(f"nested deeper than {DEEPEST} levels", 1) from error
    except yaml.reader.ReaderError as error:
        raise YamlError(f"not text: {error.reason}", 1) from error
    if root is None:
        raise YamlError("the file is empty", 1, "standby-lab scenarios lists examples")
    lines: dict[Path, int] = {}
    return Marked(_build(root, (), lines), lines)


def _cure(said: str) -> str:
    """Return what to do about what PyYAML says, "" where nothing special is known."""
    if "'\\t'" in said:
        return "indent with spaces, not with tabs"
    if "another document" in said:
        return "one file holds one scenario: remove the line `---`"
    if "mapping values are not allowed" in said:
        return "put a text that holds `: ` between quotation marks"
    return ""


def _build(node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    lines[path] = line = node.start_mark.line + 1
    if len(path) > DEEPEST:
        raise YamlError(f"nested deeper than {DEEPEST} levels", line)
    if len(lines) > MOST_PARTS:
        raise YamlError(f"more than {MOST_PARTS} parts", line, "do without aliases (`*name`)")
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [_build(child, (*path, index), lines) for index, child in enumerate(node.value)]
    result: dict[str, Any] = {}
    for key_node, child in node.value:
        key = str(key_node.value)
        if key in result:
            line = key_node.start_mark.line + 1
            raise YamlError(f"`{key}` stands here twice", line, "keep one of them")
        result[key] = _build(child, (*path, key), lines)
        lines[(*path, key)] = key_node.start_mark.line + 1
    return result
