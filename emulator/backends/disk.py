"""The files of a node in namespaces, in folders of the host."""

from __future__ import annotations

from pathlib import Path

from emulator.backends import LargeFile, NodePlan
from emulator.backends.rootless import is_alone


def furnish(home: Path, hostname: str) -> None:
    """Make a node's folders, and what a node has of its own in `/etc`."""
    for part in ("state", "home"):
        (home / part).mkdir(parents=True, mode=0o700)
    for path, text in _etc(hostname, home / "home").items():
        _place(home / "etc" / path, text.encode(), 0o600 if path == "shadow" else 0o644)
    _share(Path("/etc"), home / "etc", Path("/run/etc"))


def fill(state: Path, node: NodePlan) -> None:
    """Place what a node has before its first boot."""
    for path, content in node.files.items():
        _place(state / path, content, 0o600)
    for path, large in node.large_files.items():
        _pour(state / path, large)


def blank(state: Path) -> bool:
    """Say whether nothing was placed yet, or everything was taken away."""
    return not any(state.iterdir())


def _etc(name: str, home: Path) -> dict[str, str]:
    """Return the files that a node has in /etc of its own; all else there is the host's.

    Nothing that is done on a node may reach the host: root's home is the node's. Where there is
    one id only, all accounts are root's, and no group `tty` can own a terminal.
    """
    accounts = [line.split(":") for line in Path("/etc/passwd").read_text().splitlines()]
    for fields in accounts:
        if fields[0] == "root":
            fields[5] = str(home)
        if is_alone():
            fields[2:4] = "0", "0"
    return {
        "passwd": "".join(f"{':'.join(fields)}\n" for fields in accounts),
        "group": "root:x:0:\n" if is_alone() else Path("/etc/group").read_text(),
        "shadow": "",
        "hostname": f"{name}\n",
        "hosts": f"127.0.0.1 localhost {name}\n",
        "resolv.conf": "",
        # A login shell makes its PATH anew; on a real box `appliancectl` is in it.
        "profile.d/appliance.sh": "PATH=/run/appliance/bin:$PATH\n",
    }


def _share(source: Path, target: Path, seen_at: Path) -> None:
    """Link to everything in a folder that is not in another, where a node sees that folder."""
    for one in source.iterdir():
        own = target / one.name
        if own.is_dir():
            _share(one, own, seen_at / one.name)
        elif not own.exists():
            own.symlink_to(one.readlink() if one.is_symlink() else seen_at / one.name)


def _place(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode)
    path.write_bytes(content)


def _pour(path: Path, large: LargeFile) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(0o600)
    with path.open("wb") as file:
        for piece in large.pieces():
            file.write(piece)
