"""The appliance image: built when it is absent or its inputs changed, else left alone."""

from __future__ import annotations

import fcntl
import hashlib
import io
import tarfile
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from emulator import base_image, wheels
from emulator.base_image import ImageError, Recipe
from emulator.docker_engine import DockerEngine, Engine

__all__ = ["ImageBuilder", "ImageError", "Progress", "build", "ensure"]

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = "Dockerfile.appliance"
CODE = ("redundancy", "emulator")
PUBLIC_BASE = "debian:bookworm-slim"
REPOSITORY = "standby-lab/appliance"
BASE_REPOSITORY = "standby-lab/base"
LABEL = "standby-lab.image"
KEPT_IMAGES = 4
LINE_WIDTH = 76
# Where in a cold build each part begins, as measured.
BASE_AT, WHEELS_AT, BUILD_AT = 0.0, 0.35, 0.45


class Progress(Protocol):
    """Told how far a build is."""

    def __call__(self, line: str, fraction: float) -> None:
        """Show one line; the fraction of the whole that is done rises from 0 to 1."""


def ensure(progress: Progress) -> str:
    """Return the tag of an image that is up to date, building it if need be.

    Raises:
        ImageError: it cannot be built here.
    """
    with DockerEngine.connected() as engine:
        return ImageBuilder(engine).ensure(progress)


def build(progress: Progress) -> str:
    """Build the image also when it is up to date, and return its tag.

    Raises:
        ImageError: it cannot be built here.
    """
    with DockerEngine.connected() as engine:
        return ImageBuilder(engine).build(progress)


@dataclass(frozen=True)
class ImageBuilder:
    """Makes the image from one checkout on one engine.

    Attributes:
        engine: the Docker Engine.
        root: the checkout.
        make_base: writes a root file system as a tar file.
        fetch_wheels: fills a folder with the wheels of some requirements.
    """

    engine: Engine
    root: Path = ROOT
    make_base: Callable[[Recipe, Path], None] = base_image.make
    fetch_wheels: Callable[[tuple[str, ...], str, Path], None] = wheels.fetch

    def ensure(self, progress: Progress) -> str:
        """See `ensure` of this module."""
        tag = self.tag()
        if self.engine.has(tag):
            return tag
        with self._alone(progress):
            return tag if self.engine.has(tag) else self._build(progress)

    def build(self, progress: Progress) -> str:
        """See `build` of this module."""
        with self._alone(progress):
            return self._build(progress)

    def tag(self) -> str:
        """Return the image's name, which tells all of its inputs."""
        return f"{REPOSITORY}:{self._inputs(self._sources())}"

    def _inputs(self, sources: Mapping[str, bytes]) -> str:
        """Return a digest of all that the image is made from.

        The Dockerfile, the code of the packages, the requirements and the Python that they
        are resolved for.
        """
        fixed = (wheels.requirements(self.root), wheels.IMAGE_PYTHON)
        digest = hashlib.sha256(repr(fixed).encode())
        for name, content in sources.items():
            digest.update(f"{name}\0{len(content)}\0".encode())
            digest.update(content)
        return digest.hexdigest()[:12]

    def _sources(self) -> dict[str, bytes]:
        """Read the Dockerfile and the code, by their names in the build's context."""
        dockerfile = self.root / DOCKERFILE
        if not dockerfile.exists():
            raise ImageError(
                f"{DOCKERFILE} is not in {self.root}",
                remedy="the image is built from a checkout, installed with pip install --editable",
            )
        code = sorted(file for name in CODE for file in (self.root / name).rglob("*"))
        return {
            str(file.relative_to(self.root)): file.read_bytes()
            for file in (dockerfile, *code)
            if file.is_file() and "__pycache__" not in file.parts
        }

    @contextmanager
    def _alone(self, progress: Progress) -> Iterator[None]:
        """Keep a second build of this checkout waiting until the first has ended."""
        lock = self.root / ".cache" / "image.lock"
        lock.parent.mkdir(exist_ok=True)
        with lock.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                progress("waiting for another build of this checkout", BASE_AT)
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _build(self, progress: Progress) -> str:
        sources = self._sources()
        tag = f"{REPOSITORY}:{self._inputs(sources)}"
        architecture = self.engine.architecture()
        base = self._base(architecture, progress)
        progress("resolving Python packages", WHEELS_AT)
        folder = self.root / ".cache" / "wheels"
        self.fetch_wheels(wheels.requirements(self.root), architecture, folder)
        packages = {
            f".cache/wheels/{file.name}": file.read_bytes()
            for file in sorted(folder.iterdir())
            if file.suffix in (".whl", ".txt")
        }
        progress(f"building {tag} on {base}", BUILD_AT)
        context = pack({**sources, **packages})
        arguments = {"BASE_IMAGE": base}
        with closing(self.engine.build(context, DOCKERFILE, tag, arguments)) as steps:
            for line, done in steps:
                if line.startswith("Step "):
                    short = textwrap.shorten(line, LINE_WIDTH, placeholder=" …")
                    progress(short, BUILD_AT + (1 - BUILD_AT) * done)
        self.engine.retire(REPOSITORY, KEPT_IMAGES)
        progress(f"built {tag}", 1.0)
        return tag

    def _base(self, architecture: str, progress: Progress) -> str:
        """Return a base that the engine has: the public one, else one made of packages."""
        recipe = base_image.read_recipe(architecture)
        own = f"{BASE_REPOSITORY}:{recipe.digest()}"
        for tag in (PUBLIC_BASE, own):
            if self.engine.has(tag):
                return tag
        progress(f"pulling {PUBLIC_BASE}", BASE_AT)
        if self.engine.pull(PUBLIC_BASE):
            return PUBLIC_BASE
        progress("no registry can be reached: making the base of Debian's packages", BASE_AT)
        cache = self.root / ".cache"
        archive = cache / "base.tar"
        try:
            self.make_base(recipe, archive)
            self.engine.load(archive, own, f"{LABEL}=base")
        finally:
            archive.unlink(missing_ok=True)
        return own


def pack(files: Mapping[str, bytes]) -> bytes:
    """Pack a build's context; the same inputs give the same bytes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
