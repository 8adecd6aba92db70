"""JUnit XML as GitLab, GitHub and Jenkins read it.

One test case a scenario, named with its parameters, so that two runs of a scenario stay apart.
What failed is a `failure`; what could not be judged, or broke, is an `error`; what was not run is
`skipped`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

_TEXT_MAX = 20_000  # signs of one case's text, so that a thousand cases stay below 30 MB
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2


@dataclass(frozen=True)
class Case:
    """One scenario's result.

    Attributes:
        scenario, family: its id and its family.
        parameters: what tells it from another run of the same scenario.
        verdict: `passed`, `failed`, `inconclusive`, `broken`, `not-run`.
        took_s: how long it took; 0 where that is unknown.
        causes: lines that say what failed, or why it was not run.
        evidence: the folder of the run, "" where there is none.
        replay: the command that runs it again.
    """

    scenario: str
    family: str
    parameters: Sequence[tuple[str, str]]
    verdict: str
    took_s: float
    causes: Sequence[str]
    evidence: str
    replay: str

    @property
    def name(self) -> str:
        """The name with its parameters."""
        return f"{self.scenario}[{','.join(f'{key}={value}' for key, value in self.parameters)}]"


def write_junit(path: Path, cases: Sequence[Case]) -> None:
    """Write a file; folders above it are made.

    Raises:
        OSError: it cannot be written.
    """
    root = ET.Element("testsuites", _counts(cases) | {"name": "standby-lab"})
    families: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        families[case.family or "own"].append(case)
    for family, members in families.items():
        suite = ET.SubElement(root, "testsuite", {"name": family} | _counts(members))
        for case in members:
            _add(suite, family, case)
    ET.indent(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _counts(cases: Sequence[Case]) -> dict[str, str]:
    verdicts = [case.verdict for case in cases]
    return {
        "tests": str(len(cases)),
        "failures": str(verdicts.count("failed")),
        "errors": str(verdicts.count("inconclusive") + verdicts.count("broken")),
        "skipped": str(verdicts.count("not-run")),
        "time": f"{sum(case.took_s for case in cases):.3f}",
    }


def _add(suite: ET.Element, family: str, case: Case) -> None:
    row = ET.SubElement(
        suite,
        "testcase",
        {
            "classname": f"standby-lab.{family}",
            "name": _clean(case.name),
            "time": f"{case.took_s:.3f}",
        },
    )
    properties = ET.SubElement(row, "properties")
    for key, value in (*case.parameters, ("evidence", case.evidence), ("replay", case.replay)):
        ET.SubElement(properties, "property", {"name": key, "value": _clean(value)})
    if case.verdict == "not-run":
        ET.SubElement(row, "skipped", {"message": _clean("; ".join(case.causes) or "not run")})
    elif case.verdict != "passed":
        kind = "failure" if case.verdict == "failed" else "error"
        first = case.causes[0] if case.causes else case.verdict
        said = ET.SubElement(row, kind, {"type": case.verdict, "message": _clean(first)[:500]})
        said.text = _clean("\n".join([*case.causes, "", f"again: {case.replay}"]))[:_TEXT_MAX]


def _clean(text: str) -> str:
    """Replace what XML cannot hold, escaped or not."""
    return _NO_XML.sub("\ufffd", text)
