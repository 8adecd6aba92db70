"""Python packages for the image, resolved on the host for the image's Python."""

from __future__ import annotations

import email
import hashlib
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from emulator.base_image import ImageError

IMAGE_PYTHON = (3, 11)  # Debian bookworm's
IMAGE_GLIBC_MINOR = 36  # same
OLDEST_GLIBC_MINOR = 17
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
ROUNDS_MAX = 5


def requirements(root: Path) -> tuple[str, ...]:
    """Return the run-time dependencies in pyproject.toml that the image needs."""
    with (root / "pyproject.toml").open("rb") as file:
        settings = tomllib.load(file)
    host_only = settings["tool"]["standby-lab"]["host-only"]
    stated = settings["project"]["dependencies"]
    return tuple(sorted(one for one in stated if Requirement(one).name not in host_only))


def fetch(wanted: Sequence[str], architecture: str, folder: Path) -> None:
    """Fill a folder with the wheels of some requirements, of all they need, and of pip.

    Does nothing when the folder already holds exactly that. The index is the one that
    pip is configured for on this computer.

    Args:
        wanted: requirements, as in pyproject.toml.
        architecture: of the engine, as Debian names it.
        folder: gets the wheels and `requirements.txt`; replaced as a whole.

    Raises:
        ImageError: pip could not download them; the folder stays as it was.
    """
    stamp = folder / "resolved-for"
    key = hashlib.sha256(repr((tuple(wanted), architecture, IMAGE_PYTHON)).encode()).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == key:
        return
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        _download([*wanted, "pip"], architecture, part)
        (part / "requirements.txt").write_text("\n".join([*wanted, ""]), encoding="utf-8")
        (part / stamp.name).write_text(key, encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _download(wanted: Sequence[str], architecture: str, folder: Path) -> None:
    """Download until nothing is missing.

    pip evaluates environment markers for the Python that it runs on, so on another Python
    it may leave out what the image's Python needs; that is asked for by name.
    """
    missing = list(wanted)
    asked: list[str] = []
    for _ in range(ROUNDS_MAX):
        asked += missing
        _pip_download(asked, architecture, folder)
        missing = left_out(folder, architecture)
        if not missing:
            return
    raise ImageError(f"pip leaves out again and again: {', '.join(missing)}")


def left_out(folder: Path, architecture: str) -> list[str]:
    """Return requirements of the wheels in a folder that no wheel there fulfils."""
    wheels = sorted(folder.glob("*.whl"))
    present = {parse_wheel_filename(wheel.name)[0] for wheel in wheels}
    environment = _environment(architecture)
    missing = set()
    for wheel in wheels:
        for requirement in _needs(wheel):
            marker = requirement.marker
            applies = marker is None or marker.evaluate(dict(environment))
            if applies and canonicalize_name(requirement.name) not in present:
                missing.add(f"{requirement.name}{requirement.specifier}")
    return sorted(missing)


def _needs(wheel: Path) -> Iterator[Requirement]:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    for line in metadata.get_all("Requires-Dist", []):
        yield Requirement(line)


def _environment(architecture: str) -> Mapping[str, str]:
    """Return the markers of the image's Python (PEP 508)."""
    version = ".".join(str(part) for part in IMAGE_PYTHON)
    return {
        "extra": "",
        "implementation_name": "cpython",
        "implementation_version": f"{version}.0",
        "os_name": "posix",
        "platform_machine": MACHINES.get(architecture, architecture),
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{version}.0",
        "python_version": version,
        "sys_platform": "linux",
    }


def _pip_download(wanted: Sequence[str], architecture: str, folder: Path) -> None:
    machine = MACHINES.get(architecture, architecture)
    tag = "cp{}{}".format(*IMAGE_PYTHON)
    glibc = range(IMAGE_GLIBC_MINOR, OLDEST_GLIBC_MINOR - 1, -1)
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in glibc]
    argv = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--dest", str(folder), "--only-binary=:all:", "--implementation", "cp"),
        *("--python-version", "{}.{}".format(*IMAGE_PYTHON)),
        *(word for abi in (tag, "abi3", "none") for word in ("--abi", abi)),
        *(
            word
            for name in (*platforms, f"manylinux2014_{machine}")
            for word in ("--platform", name)
        ),
        *wanted,
    ]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        last = "\n".join(f"  {line}" for line in done.stderr.strip().splitlines()[-5:])
        raise ImageError(
            f"pip could not download the image's Python packages:\n{last}",
            remedy="the index that pip is configured for must be reachable from this computer",
        )
