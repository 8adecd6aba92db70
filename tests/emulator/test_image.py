"""The appliance image: its inputs, its base, its wheels, and the image itself."""

from __future__ import annotations

import io
import subprocess
import tarfile
import zipfile
from pathlib import Path

import docker
import pytest

from emulator import base_image, wheels
from emulator.base_image import Recipe, Source
from emulator.docker_engine import DockerEngine
from emulator.image import (
    BASE_REPOSITORY,
    LABEL,
    PUBLIC_BASE,
    REPOSITORY,
    ImageBuilder,
    ImageError,
    ensure,
    pack,
)

STANZAS = """\
# a comment
Types: deb deb-src
URIs: http://mirror.test/debian
Suites: trixie trixie-updates trixie-backports
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.test/debian-security
Suites: trixie-security
Components: main
Enabled: yes

Types: deb
URIs: http://vendor.test/debian
Suites: trixie
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .

Types: deb
URIs: http://disabled.test/debian
Suites: trixie
Components: main
Enabled: no
"""
ONE_LINERS = """\
deb http://mirror.test/debian bookworm main contrib # the archive
deb [arch=amd64 signed-by=/usr/share/keyrings/vendor.gpg] http://vendor.test/apt bookworm main
deb [ signed-by=/k/debian-archive-keyring.gpg ] http://s.test/d bookworm-security main
deb http://vendor.test/linux/debian bookworm stable
deb http://ubuntu.test/ubuntu noble main
deb-src http://mirror.test/debian bookworm main
# deb http://old.test/debian bookworm main
"""


def test_only_the_debian_archive_counts_and_moves_to_the_image_release() -> None:
    assert base_image.debian_sources(base_image.stanza_entries(STANZAS)) == (
        Source("http://mirror.test/debian", "bookworm"),
        Source("http://mirror.test/debian", "bookworm-updates"),
        Source("http://mirror.test/debian-security", "bookworm-security"),
    )


def test_one_line_sources_are_read_likewise() -> None:
    assert base_image.debian_sources(base_image.one_line_entries(ONE_LINERS)) == (
        Source("http://mirror.test/debian", "bookworm"),
        Source("http://s.test/d", "bookworm-security"),
    )


def test_a_list_of_mirrors_stands_for_its_first(tmp_path: Path) -> None:
    mirrors = tmp_path / "debian.list"
    mirrors.write_text("http://first.test/debian\nhttp://second.test/debian\n")
    entry = {
        "types": "deb",
        "uris": f"mirror+file:{mirrors}",
        "suites": "stable",
        "components": "main",
    }
    assert base_image.debian_sources([entry]) == (Source("http://first.test/debian", "bookworm"),)
    mirrors.unlink()
    assert base_image.debian_sources([entry]) == ()


def test_disabled_files_are_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    (folder / "debian.sources").write_text(STANZAS)
    (folder / "more.list.disabled").write_text(ONE_LINERS)
    recipe = base_image.read_recipe("amd64", tmp_path)
    assert {source.uri for source in recipe.sources} == {
        "http://mirror.test/debian",
        "http://mirror.test/debian-security",
    }


def test_a_failed_base_leaves_nothing_and_shows_the_last_lines(tmp_path: Path, monkeypatch) -> None:
    maker = tmp_path / "mmdebstrap"
    maker.write_text('#!/bin/sh\necho half > "$TARGET"\necho "E: no network" >&2\nexit 25\n')
    maker.chmod(0o755)
    target = tmp_path / "base.tar"
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("TARGET", str(target))
    with pytest.raises(ImageError, match=r"exit 25\):\n  E: no network") as failure:
        base_image.make(Recipe((), (), "amd64"), target)
    assert "apt-get update" in failure.value.remedy
    assert not target.exists()


def wheel(folder: Path, name: str, *needs: str) -> None:
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        lines = [
            "Metadata-Version: 2.1",
            f"Name: {name}",
            *(f"Requires-Dist: {one}" for one in needs),
        ]
        archive.writestr(f"{name}-1.0.dist-info/METADATA", "\n".join(lines))


def test_what_only_the_image_python_needs_is_found_missing(tmp_path: Path) -> None:
    wheel(
        tmp_path,
        "anyio",
        'typing_extensions>=4.5; python_version < "3.13"',
        'exceptiongroup; python_version < "3.11"',
        'trio; extra == "trio"',
        'colorama; sys_platform == "win32"',
        "Sniffio.Two",
    )
    wheel(tmp_path, "sniffio_two")
    assert wheels.left_out(tmp_path, "amd64") == ["typing_extensions>=4.5"]
    wheel(tmp_path, "typing_extensions")
    assert wheels.left_out(tmp_path, "amd64") == []


def test_the_image_leaves_out_what_the_host_alone_needs(checkout: Path) -> None:
    assert wheels.requirements(checkout) == ("paramiko>=3.4", "scapy")


class FakeEngine:
    """An engine that remembers its images."""

    def __init__(self, *tags: str, registry: bool = False, failure: str = "") -> None:
        self.tags = set(tags)
        self.registry = registry
        self.failure = failure
        self.contexts: list[dict[str, bytes]] = []
        self.bases: list[str] = []
        self.retired: list[tuple[str, int]] = []

    def architecture(self) -> str:
        return "amd64"

    def has(self, tag: str) -> bool:
        return tag in self.tags

    def pull(self, tag: str) -> bool:
        if self.registry:
            self.tags.add(tag)
        return self.registry

    def load(self, archive: Path, tag: str, label: str) -> None:
        assert archive.read_bytes() == b"root file system"
        assert label == f"{LABEL}=base"
        self.tags.add(tag)

    def build(self, context, dockerfile, tag, arguments):
        with tarfile.open(fileobj=io.BytesIO(context)) as tar:
            files = {member.name: tar.extractfile(member).read() for member in tar}
        assert dockerfile in files
        self.contexts.append(files)
        self.bases.append(arguments["BASE_IMAGE"])
        yield "Step 1/2 : FROM", 0.0
        if self.failure:
            raise ImageError(self.failure)
        yield "Step 2/2 : COPY", 0.5
        self.tags.add(tag)

    def retire(self, repository: str, keep: int) -> None:
        self.retired.append((repository, keep))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    for name in ("redundancy", "emulator"):
        (root / name / "__pycache__").mkdir(parents=True)
        (root / name / "__init__.py").write_text("")
        (root / name / "__pycache__" / "x.pyc").write_bytes(b"\0")
    (root / "Dockerfile.appliance").write_text("FROM scratch\n")
    (root / "pyproject.toml").write_text(
        '[project]\ndependencies = ["scapy", "paramiko>=3.4", "rich>=13"]\n'
        '[tool.standby-lab]\nhost-only = ["rich"]\n'
    )
    return root


def builder(engine: FakeEngine, root: Path) -> ImageBuilder:
    def make_base(recipe: Recipe, target: Path) -> None:
        target.write_bytes(b"root file system")

    def fetch_wheels(wanted: tuple[str, ...], architecture: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "requirements.txt").write_text("\n".join(wanted))
        (folder / "pip-1.whl").write_bytes(b"pip")
        (folder / "resolved-for").write_text("key")

    return ImageBuilder(engine, root, make_base, fetch_wheels)


class Shown:
    def __init__(self) -> None:
        self.lines: list[tuple[str, float]] = []

    def __call__(self, line: str, fraction: float) -> None:
        self.lines.append((line, fraction))


def test_an_absent_image_is_built_once_and_then_left_alone(checkout: Path) -> None:
    engine = FakeEngine(registry=True)
    first = builder(engine, checkout).ensure(Shown())
    assert builder(engine, checkout).ensure(Shown()) == first
    assert (len(engine.contexts), engine.bases) == (1, [PUBLIC_BASE])


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("emulator/__init__.py", "changed = True\n"),
        ("redundancy/pages.html", "<html>"),
        ("Dockerfile.appliance", "FROM scratch\nRUN true\n"),
        (
            "pyproject.toml",
            '[project]\ndependencies = ["scapy>=2"]\n[tool.standby-lab]\nhost-only = []\n',
        ),
    ],
)
def test_a_changed_input_makes_the_image_stale(checkout: Path, file: str, text: str) -> None:
    engine = FakeEngine(registry=True)
    first = builder(engine, checkout).ensure(Shown())
    (checkout / file).write_text(text)
    assert builder(engine, checkout).ensure(Shown()) != first
    assert len(engine.contexts) == 2


def test_what_is_no_input_leaves_the_image_fresh(checkout: Path) -> None:
    first = builder(FakeEngine(), checkout).tag()
    (checkout / "README.md").write_text("changed")
    (checkout / "emulator" / "__pycache__" / "y.pyc").write_bytes(b"\1")
    assert builder(FakeEngine(), checkout).tag() == first


def test_a_build_that_is_asked_for_happens_also_when_the_image_is_fresh(checkout: Path) -> None:
    engine = FakeEngine(registry=True)
    builder(engine, checkout).ensure(Shown())
    builder(engine, checkout).build(Shown())
    assert len(engine.contexts) == 2


def test_the_context_holds_code_and_wheels_and_nothing_else(checkout: Path) -> None:
    engine = FakeEngine(registry=True)
    builder(engine, checkout).ensure(Shown())
    assert sorted(engine.contexts[0]) == [
        ".cache/wheels/pip-1.whl",
        ".cache/wheels/requirements.txt",
        "Dockerfile.appliance",
        "emulator/__init__.py",
        "redundancy/__init__.py",
    ]


def test_without_a_registry_the_base_is_made_once_of_packages(checkout: Path) -> None:
    engine = FakeEngine()
    builder(engine, checkout).ensure(Shown())
    builder(engine, checkout).build(Shown())
    assert len(set(engine.bases)) == 1
    assert engine.bases[0].startswith(f"{BASE_REPOSITORY}:")
    assert not (checkout / ".cache" / "base.tar").exists()


def test_a_failed_build_is_not_taken_for_an_image(checkout: Path) -> None:
    engine = FakeEngine(registry=True, failure="apt-get ended with 100")
    with pytest.raises(ImageError, match="apt-get ended with 100"):
        builder(engine, checkout).ensure(Shown())
    assert not engine.has(builder(engine, checkout).tag())


def test_progress_never_falls_and_ends_at_one(checkout: Path) -> None:
    shown = Shown()
    builder(FakeEngine(), checkout).ensure(shown)
    fractions = [fraction for _, fraction in shown.lines]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_outside_of_a_checkout_the_error_says_what_to_do(checkout: Path) -> None:
    (checkout / "Dockerfile.appliance").unlink()
    with pytest.raises(ImageError, match=r"Dockerfile\.appliance is not in") as failure:
        builder(FakeEngine(), checkout).ensure(Shown())
    assert "checkout" in failure.value.remedy


def run_in(image: str, *argv: str) -> str:
    done = subprocess.run(
        ["docker", "run", "--rm", "--network", "none", image, *argv],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.docker
def test_the_image_holds_what_the_appliance_needs_and_no_host_key(appliance_image: str) -> None:
    script = (
        "python3 -c 'import flask, paramiko, scapy, greenlet, pydantic, waitress, aiosmtpd'"
        " && python3 -c 'import redundancy, emulator; print(emulator.__file__)'"
        " && test -x /usr/local/bin/appliancectl && /usr/sbin/sshd -V 2>&1 | grep -c OpenSSH"
        " && ip -V > /dev/null && nft --version > /dev/null && ls -A /etc/ssh"
    )
    shown = run_in(appliance_image, "sh", "-c", script)
    assert "/opt/standby-lab/emulator/__init__.py" in shown
    assert "sshd_config" in shown
    assert "ssh_host" not in shown


@pytest.mark.docker
def test_all_programs_of_the_nodes_can_be_imported_in_the_image(appliance_image: str) -> None:
    script = (
        "import importlib, pkgutil, emulator.appliance, emulator.agents\n"
        "for package in (emulator.appliance, emulator.agents):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if not module.name.endswith('__main__'):\n"
        "            print(importlib.import_module(module.name).__name__)\n"
    )
    names = run_in(appliance_image, "python3", "-c", script).split()
    assert "emulator.appliance.appliance" in names


@pytest.mark.docker
def test_the_engine_knows_the_image_by_its_tag_and_label(appliance_image: str) -> None:
    with DockerEngine.connected() as engine:
        assert engine.has(appliance_image)
        assert not engine.has(f"{REPOSITORY}:000000000000")
    assert docker.from_env().images.get(appliance_image).labels[LABEL] == "appliance"


def left_behind(label: str) -> list[object]:
    client = docker.from_env()
    marked = {"label": label}
    return [*client.images.list(filters=marked), *client.containers.list(all=True, filters=marked)]


@pytest.mark.docker
def test_a_failing_build_shows_its_last_lines_and_leaves_nothing(appliance_image: str) -> None:
    label = "standby-lab.test=failing"
    recipe = f"FROM {appliance_image}\nLABEL {label}\nRUN echo it broke && exit 7\n".encode()
    with (
        DockerEngine.connected() as engine,
        pytest.raises(ImageError, match="it broke"),
    ):
        list(engine.build(pack({"Dockerfile": recipe}), "Dockerfile", "standby-lab/test:1", {}))
    assert not left_behind(label)


@pytest.mark.docker
def test_an_interrupted_build_stops_and_leaves_nothing(appliance_image: str) -> None:
    label = "standby-lab.test=interrupted"
    recipe = f"FROM {appliance_image}\nLABEL {label}\nRUN echo begun && sleep 60\n".encode()
    context = pack({"Dockerfile": recipe})
    with DockerEngine.connected() as engine:
        steps = engine.build(context, "Dockerfile", "standby-lab/test:2", {})
        assert any(line == "begun" for line, _ in steps)
        steps.close()
    assert not left_behind(label)


@pytest.mark.docker
def test_only_the_newest_images_are_kept_and_none_in_use(appliance_image: str) -> None:
    client = docker.from_env()
    image = client.images.get(appliance_image)
    with DockerEngine.connected() as engine:
        image.tag("standby-lab/test", "1")
        engine.retire("standby-lab/test", keep=1)
        assert engine.has("standby-lab/test:1")
        engine.retire("standby-lab/test", keep=0)
        assert not engine.has("standby-lab/test:1")
        assert engine.has(appliance_image)


def test_without_an_engine_the_error_names_the_next_command(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(ImageError, match="no Docker Engine answers") as failure:
        ensure(Shown())
    assert "standby-lab doctor" in failure.value.remedy
