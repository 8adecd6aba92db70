"""The base of the appliance image, made of Debian's packages where no registry can be reached.

The packages come from where this computer gets its own: only the entries of the Debian archive
count, each moved to the release of the image.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from emulator.facts import tools
from emulator.lab import LabError
from emulator.provision import package_for

RELEASE = "bookworm"
RELEASES = (
    "buster", "bullseye", "bookworm", "trixie", "forky", "sid",
    "oldoldstable", "oldstable", "stable", "testing", "unstable",
)  # fmt: skip
POCKETS = ("", "-updates", "-security")
# What makes the host's sources valid belongs to them.
APT_OPTIONS = (
    "Acquire::Check-Valid-Until", "Acquire::Check-Date",
    "Acquire::http::Proxy", "Acquire::https::Proxy",
)  # fmt: skip
MAKE_LIMIT_S = 900


class ImageError(LabError):
    """The appliance image cannot be made."""


@dataclass(frozen=True)
class Source:
    """One place to get packages of the Debian archive from."""

    uri: str
    suite: str

    def line(self) -> str:
        """Return it in the form of sources.list."""
        return f"deb {self.uri} {self.suite} main"


@dataclass(frozen=True)
class Recipe:
    """What a base is made from.

    Attributes:
        sources: none: the default of the program that makes the base.
        options: apt options that go with the sources.
        architecture: as Debian names it.
    """

    sources: tuple[Source, ...]
    options: tuple[tuple[str, str], ...]
    architecture: str

    def digest(self) -> str:
        """Return a name for exactly this recipe."""
        return hashlib.sha256(repr((RELEASE, self)).encode()).hexdigest()[:12]


def read_recipe(architecture: str, folder: Path = Path("/etc/apt")) -> Recipe:
    """Read this computer's sources and the apt options that belong to them."""
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    stanzas: list[Mapping[str, str]] = []
    for file in files:
        if file.suffix == ".list" and file.is_file():
            stanzas += one_line_entries(file.read_text(encoding="utf-8", errors="replace"))
        elif file.suffix == ".sources" and file.is_file():
            stanzas += stanza_entries(file.read_text(encoding="utf-8", errors="replace"))
    return Recipe(debian_sources(stanzas), _apt_options(), architecture)


def one_line_entries(text: str) -> list[Mapping[str, str]]:
    """Parse the form of sources.list (sources.list(5), "one-line-style")."""
    entries: list[Mapping[str, str]] = []
    pattern = r"(deb)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*(.*)"
    for raw in text.splitlines():
        match = re.fullmatch(pattern, raw.partition("#")[0].strip())
        if match is None:
            continue
        kind, options, uris, suites, components = match.groups()
        signed_by = re.search(r"signed-by=(\S+)", options or "", re.IGNORECASE)
        entries.append(
            {
                "types": kind,
                "uris": uris,
                "suites": suites,
                "components": components,
                "signed-by": signed_by[1] if signed_by else "",
            }
        )
    return entries


def stanza_entries(text: str) -> list[Mapping[str, str]]:
    """Parse the form of *.sources (sources.list(5), "deb822-style")."""
    entries: list[Mapping[str, str]] = []
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1] in (" ", "\t"):
                fields[name] = f"{fields.get(name, '')} {line.strip()}".strip()
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields and fields.get("enabled", "yes").lower() not in ("no", "false", "0"):
            entries.append(fields)
    return entries


def debian_sources(entries: Iterable[Mapping[str, str]]) -> tuple[Source, ...]:
    """Pick the entries of the Debian archive, moved to the release of the image.

    Third parties often name Debian's suites too; they are told by their own signing key or
    by components that Debian does not have.
    """
    found: dict[Source, None] = {}
    for entry in entries:
        signed_by = entry.get("signed-by", "")
        if "deb" not in entry.get("types", "").split():
            continue
        if "main" not in entry.get("components", "").split():
            continue
        if signed_by and "debian-archive" not in signed_by:
            continue
        for suite in entry.get("suites", "").split():
            name, _, pocket = suite.strip("/").partition("-")
            pocket = f"-{pocket}" if pocket else ""
            if name not in RELEASES or pocket not in POCKETS:
                continue
            for uri in entry.get("uris", "").split():
                found.update(dict.fromkeys(_sources(uri, RELEASE + pocket)))
    return tuple(found)


def _sources(uri: str, suite: str) -> list[Source]:
    """Return the sources behind a URI: itself, or the first of a list of mirrors."""
    if not uri.startswith("mirror+file:"):
        return [Source(uri, suite)]
    try:
        mirrors = Path(urlsplit(uri).path).read_text(encoding="utf-8").split()
    except OSError:
        return []
    return [Source(mirrors[0], suite)] if mirrors else []


def _apt_options() -> tuple[tuple[str, str], ...]:
    try:
        dump = subprocess.run(
            ["apt-config", "dump", *APT_OPTIONS], check=True, capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ()
    pairs = re.findall(r'^(\S+) "(.+)";$', dump.stdout, re.MULTILINE)
    return tuple((name, value) for name, value in pairs if name in APT_OPTIONS)


def make(recipe: Recipe, target: Path) -> None:
    """Make the base as a tar file of a root file system.

    Raises:
        ImageError: there is no program for it, or it failed; nothing is left at `target`.
    """
    found = tools(os.environ)
    makers = [
        maker
        for name, maker in (("mmdebstrap", _mmdebstrap), ("debootstrap", _debootstrap))
        if name in found
    ]
    if not makers:
        raise ImageError(
            "no base image: no registry can be reached, and mmdebstrap is not installed",
            remedy=f"sudo apt-get install -y {package_for('mmdebstrap')}",
        )
    try:
        makers[0](recipe, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _mmdebstrap(recipe: Recipe, target: Path) -> None:
    options = [f'--aptopt={name} "{value}"' for name, value in recipe.options]
    _run(
        [
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            f"--architectures={recipe.architecture}",
            *options,
            *(f"--dpkgopt=path-exclude=/usr/share/{place}/*" for place in ("doc", "man", "locale")),
            RELEASE,
            str(target),
            *(["-"] if recipe.sources else []),
        ],
        "\n".join(source.line() for source in recipe.sources),
    )


def _debootstrap(recipe: Recipe, target: Path) -> None:
    archive = [source.uri for source in recipe.sources if source.suite == RELEASE][:1]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        architecture = f"--arch={recipe.architecture}"
        _run(["debootstrap", "--variant=minbase", architecture, RELEASE, str(root), *archive])
        if recipe.sources:
            lines = "".join(f"{source.line()}\n" for source in recipe.sources)
            (root / "etc/apt/sources.list").write_text(lines, encoding="utf-8")
        settings = "".join(f'{name} "{value}";\n' for name, value in recipe.options)
        (root / "etc/apt/apt.conf.d/99host").write_text(settings, encoding="utf-8")
        shutil.rmtree(root / "var/cache/apt/archives")
        with tarfile.open(target, "w") as tar:
            tar.add(root, arcname=".")


def _run(argv: Sequence[str], text: str = "") -> None:
    try:
        done = subprocess.run(
            argv,
            check=False,
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=MAKE_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        raise ImageError(f"{argv[0]} did not end within {MAKE_LIMIT_S} s") from None
    if done.returncode != 0:
        last = "\n".join(f"  {line}" for line in done.stdout.strip().splitlines()[-8:])
        raise ImageError(
            f"{argv[0]} could not make the base image (exit {done.returncode}):\n{last}",
            remedy="check that apt-get update works here, or docker pull debian:bookworm-slim",
        )
