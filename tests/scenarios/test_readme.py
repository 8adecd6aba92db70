"""The README's commands run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
LIMIT_S = 90


def commands(block: str) -> list[tuple[str, int]]:
    """Return the lines of a block with the exit status that their comment promises."""
    found = []
    for line in block.splitlines():
        command, _, comment = line.partition("#")
        promised = re.search(r"exit (\d)", comment)
        found.append((command.strip(), int(promised[1]) if promised else 0))
    return found


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    state = {"XDG_STATE_HOME": str(folder), "STANDBY_LAB_UP_BACKEND": "netns", "PATH": path}
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, **state},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.mark.netns
def test_the_lab_at_your_desk_works_line_by_line(tmp_path: Path) -> None:
    (block,) = (one for one in BLOCKS if one.startswith("standby-lab up"))
    lines = commands(block)
    try:
        for command, promised in lines:
            done = run(command, tmp_path)
            assert done.returncode == promised, f"{command}\n{done.stdout}{done.stderr}"
    finally:
        run(lines[-1][0], tmp_path)


@pytest.mark.parametrize("shown", ["standby-lab coverage", "standby-lab campaign"])
def test_what_needs_no_rights_works_line_by_line(shown: str, tmp_path: Path) -> None:
    (block,) = (one for one in BLOCKS if shown in one)
    for command, promised in commands(block):
        done = run(command, tmp_path)
        assert done.returncode == promised, f"{command}\n{done.stdout}{done.stderr}"


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    (block,) = (one for one in BLOCKS if one.startswith("make drill"))
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for command, _ in commands(block):
        assert command.removeprefix("make ") in targets


def test_every_make_target_that_the_readme_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`", README)) <= targets
