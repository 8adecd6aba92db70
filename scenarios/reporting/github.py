"""GitHub's annotations: one command a scenario that did not pass.

Escaping is that of GitHub's workflow commands: `%`, CR and LF in the message; in a property the
colon and the comma too. So no name can begin a command of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scenarios.reporting.junit import Case

_MESSAGE_MAX = 4000


def annotate(cases: Iterable[Case]) -> Iterator[str]:
    """Yield the lines to print."""
    for case in cases:
        if case.verdict in {"passed", "not-run"}:
            continue
        level = "error" if case.verdict in {"failed", "broken"} else "warning"
        text = "\n".join([*case.causes, f"again: {case.replay}"])[:_MESSAGE_MAX]
        yield f"::{level} title={_property(f'{case.name}: {case.verdict}')}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
