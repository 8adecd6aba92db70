"""Runs a program as an ordinary user: ordinary_user.py NAME STATE PROGRAM [ARGUMENT …]

In a mount namespace of its own, this computer looks as such a user would find it: the program's
own folders can be read, wherever they lie, and the accounts know the user; with the name "-" they
do not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

UID = 4000
ROOT = Path(__file__).parents[1]
NEEDED = (ROOT, Path(sys.base_prefix))


def mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *arguments], check=True)


def barrier(path: Path) -> Path | None:
    """Return the first folder on the way that only its owner may pass."""
    return next((one for one in reversed(path.parents) if not one.stat().st_mode & 0o001), None)


def open_the_way(paths: tuple[Path, ...], aside: Path) -> None:
    """Put empty folders that all may pass in place of those that hide what is needed."""
    hidden = {path: found for path in paths if (found := barrier(path)) is not None}
    for number, path in enumerate(hidden):
        (aside / str(number)).mkdir()
        mount("--rbind", path, aside / str(number))
    for one in set(hidden.values()):
        mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", one)
    for number, path in enumerate(hidden):
        path.mkdir(parents=True)
        mount("--rbind", aside / str(number), path)


def know(name: str, aside: Path) -> None:
    """Enter a user into the accounts, with a range of ids (subuid(5))."""
    user = f"{name}:x:{UID}:{UID}::/:/bin/sh\n"
    tables = {
        "passwd": user,
        "subuid": f"{name}:200000:65536\n",
        "subgid": f"{name}:200000:65536\n",
    }
    for table, line in tables.items():
        original = Path("/etc", table)
        original.touch()
        (aside / table).write_text(original.read_text() + line)
        (aside / table).chmod(0o644)
        mount("--bind", aside / table, original)


def main() -> None:
    name, state, *argv = sys.argv[1:]
    aside = Path(tempfile.mkdtemp(dir=state))
    open_the_way(NEEDED, aside)
    if name != "-":
        know(name, aside)
    environment = {"PATH": os.environ["PATH"], "HOME": state, "XDG_STATE_HOME": state}
    ids = ["--reuid", str(UID), "--regid", str(UID), "--clear-groups"]
    os.chdir(state)
    os.execvpe("setpriv", ["setpriv", *ids, *argv], environment)  # noqa: S606 - no shell reads these


if __name__ == "__main__":
    main()
