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

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


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
        raise YamlError(error.problem or "not YAML", mark.line + 1 if mark else 1) from error
    except RecursionError as error:
        raise YamlError(f"nested deeper than {DEEPEST} levels", 1) from error
    except yaml.reader.ReaderError as error:
        raise YamlError(f"not text: {error.reason}", 1) from error
    if root is None:
        raise YamlError("the file is empty", 1)
    lines: dict[Path, int] = {}
    return Marked(_build(root, (), lines), lines)


def _build(node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    lines[path] = line = node.start_mark.line + 1
    if len(path) > DEEPEST:
        raise YamlError(f"nested deeper than {DEEPEST} levels", line)
    if len(lines) > MOST_PARTS:
        raise YamlError(f"more than {MOST_PARTS} parts", line)
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [_build(child, (*path, index), lines) for index, child in enumerate(node.value)]
    result: dict[str, Any] = {}
    for key_node, child in node.value:
        key = str(key_node.value)
        if key in result:
            raise YamlError(f"`{key}` stands here twice", key_node.start_mark.line + 1)
        result[key] = _build(child, (*path, key), lines)
        lines[(*path, key)] = key_node.start_mark.line + 1
    return result
