"""What this computer can host, what it lacks, and the exact command for each lack.

`python3 -m emulator.machine` runs before anything is installed, so this and what it imports
is standard library only.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from emulator.facts import DEFAULT_ENGINE, SQLITE_OF_KAMAILIO, Engine, Facts, gather
from emulator.provision import ProvisionError, install, package_for

PYTHON_MIN = (3, 11)
DOCKER_FREE_MIN_BYTES = 3_000_000_000
BACKENDS = ("docker", "netns", "sim")
BASE_MAKERS = ("mmdebstrap", "debootstrap")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# `image`: making the base image where none can be pulled; `syscalls`: tests that watch the kernel;
# `browser`: tests that look at the pages
# `rootless`: labs of ordinary users who have all ids
PURPOSES = (*BACKENDS, "image", "syscalls", "browser", "rootless")
PROGRAMS = (
    "ip", "nsenter", "unshare", "sshd", "nft",
    "kamailio", SQLITE_OF_KAMAILIO, "rtpengine", "baresip", "sipp",
)  # fmt: skip
EXIT_LACKS = 4
PERMITTING = {  # the settings of `Facts.forbidding`
    "kernel.unprivileged_userns_clone": "1",
    "kernel.apparmor_restrict_unprivileged_userns": "0",
    "user.max_user_namespaces": "15000",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for.

    Attributes:
        name: what it is.
        present: whether it is there.
        needed_for: the purposes that cannot do without it.
        detail: what was found, or why it does not count.
        remedy: the exact command or change that cures the lack; "" when it is present.
        package: the Debian package that cures it, "" when none does.
    """

    name: str
    present: bool
    needed_for: tuple[str, ...]
    detail: str
    remedy: str = ""
    package: str = ""


@dataclass(frozen=True)
class Survey:
    """All findings, and what follows from them."""

    findings: tuple[Finding, ...]

    def lacks(self, purpose: str) -> tuple[Finding, ...]:
        """Return what a purpose misses here."""
        return tuple(one for one in self.findings if purpose in one.needed_for and not one.present)

    def best_backend(self) -> tuple[str, str]:
        """Return the backend that `auto` means here, and why.

        `docker` where an engine answers, else `netns` where allowed, else `sim`.
        """
        passed_over: list[str] = []
        for backend in BACKENDS[:-1]:
            lacks = self.lacks(backend)
            if not lacks:
                reasons = [one.detail for one in self.findings if one.needed_for == (backend,)]
                return backend, "; ".join([*passed_over, reasons[0]])
            passed_over.append(f"no {backend}: {lacks[0].name}: {lacks[0].detail}")
        return BACKENDS[-1], "; ".join(passed_over)

    def packages(self) -> tuple[str, ...]:
        """Return the Debian packages that would cure what is missing."""
        missing = [one.package for one in self.findings if not one.present and one.package]
        return tuple(dict.fromkeys(missing))

    def as_dict(self) -> dict[str, object]:
        """Return what `--format json` shows."""
        backend, why = self.best_backend()
        return {
            "backend": backend,
            "why": why,
            "usable": [purpose for purpose in PURPOSES if not self.lacks(purpose)],
            "findings": [asdict(one) for one in self.findings],
        }


def survey() -> Survey:
    """Look at this computer; takes less than two seconds."""
    return judge(gather(os.environ, Path.cwd()))


def judge(facts: Facts) -> Survey:
    """Derive what the facts mean for each backend."""
    return Survey(
        (
            _python(facts),
            _venv(facts),
            _engine(facts),
            _disk(facts),
            _rights(facts),
            *(_tool(facts, name) for name in PROGRAMS),
            _tool(facts, "newuidmap", "rootless"),
            _tool(facts, "strace", "syscalls"),
            *(_link(facts, kind) for kind in sorted(facts.links)),
            _base_maker(facts),
            _browser(facts),
        )
    )


def _sudo(facts: Facts) -> str:
    return "" if facts.root else "sudo "


def _by_package(facts: Facts, program: str) -> tuple[str, str]:
    """Return remedy and package for a missing program."""
    package = package_for(program)
    if facts.debian:
        return f"{_sudo(facts)}apt-get install -y {package}", package
    return f"install the package that brings {program} (Debian calls it {package})", ""


def _has(name: str, needed_for: tuple[str, ...], detail: str) -> Finding:
    return Finding(name, present=True, needed_for=needed_for, detail=detail)


def _misses(
    name: str, needed_for: tuple[str, ...], detail: str, remedy: str, package: str = ""
) -> Finding:
    return Finding(
        name, present=False, needed_for=needed_for, detail=detail, remedy=remedy, package=package
    )


def _python(facts: Facts) -> Finding:
    name = "Python >= {}.{}".format(*PYTHON_MIN)
    detail = ".".join(str(part) for part in facts.python)
    if facts.python[:2] >= PYTHON_MIN:
        return _has(name, BACKENDS, detail)
    remedy = "put a python3.11 or later on PATH"
    if facts.debian:
        remedy = f"{_sudo(facts)}apt-get install -y python3 python3-venv (Debian 12 or later)"
    return _misses(name, BACKENDS, detail, remedy)


def _venv(facts: Facts) -> Finding:
    if facts.venv:
        return _has("venv", BACKENDS, "can be made")
    return _misses("venv", BACKENDS, "ensurepip is missing", *_by_package(facts, "venv"))


def _engine(facts: Facts) -> Finding:
    engine = facts.engine
    if engine.version:
        detail = f"Docker Engine {engine.version} answers at {engine.address}"
        return _has("Docker Engine", ("docker",), detail)
    details = {"absent": "nothing listens", "denied": "no permission"}
    detail = f"{details.get(engine.failure, engine.failure)} at {engine.address}"
    return _misses("Docker Engine", ("docker",), detail, _engine_remedy(facts, engine))


def _engine_remedy(facts: Facts, engine: Engine) -> str:
    if engine.failure == "denied":
        return 'sudo usermod -aG docker "$USER", then log in again'
    if engine.failure.startswith("unsupported"):
        return "set DOCKER_HOST to unix:///PATH or tcp://HOST:PORT (ssh -L forwards a socket)"
    if engine.failure != "absent" or engine.address != DEFAULT_ENGINE:
        return f"start the engine at {engine.address}, or let DOCKER_HOST name another"
    if "docker" in facts.tools:
        return f"{_sudo(facts)}systemctl start docker"
    if facts.debian:
        return f"{_sudo(facts)}apt-get install -y docker.io"
    return "install Docker Engine and start it"


def _disk(facts: Facts) -> Finding:
    free = facts.free_bytes if facts.engine.free_bytes is None else facts.engine.free_bytes
    name = f"disk >= {DOCKER_FREE_MIN_BYTES / 1e9:.0f} GB"
    detail = f"{free / 1e9:.1f} GB free"
    if free >= DOCKER_FREE_MIN_BYTES:
        return _has(name, ("docker",), detail)
    return _misses(name, ("docker",), detail, "make room; docker system df shows what images take")


def _rights(facts: Facts) -> Finding:
    name = "right to make namespaces"
    if not facts.namespaces:
        whose = "" if facts.root else " by this user"
        return _has(name, ("netns",), f"namespaces can be made{whose}")
    remedy = "start this container with --privileged" if facts.root else _permission(facts)
    if "unshare" not in facts.tools:
        remedy, _ = _by_package(facts, "unshare")
    return _misses(name, ("netns",), facts.namespaces, remedy)


def _permission(facts: Facts) -> str:
    """Return what an ordinary user asks the administrator for."""
    changes = " ".join(f"{name}={PERMITTING[name]}" for name in facts.forbidding)
    if not changes:
        return "run it as root: sudo -s"
    return f"sudo sysctl -w {changes}, or run it as root: sudo -s"


def _tool(facts: Facts, name: str, purpose: str = "netns") -> Finding:
    if name in facts.tools:
        return _has(name, (purpose,), facts.tools[name])
    return _misses(name, (purpose,), "not found", *_by_package(facts, name))


def _link(facts: Facts, kind: str) -> Finding:
    name, failure = f"kernel: {kind}", facts.links[kind]
    if not failure:
        return _has(name, ("netns",), "can be made")
    remedy = f"{_sudo(facts)}modprobe {kind}"
    if "ip" not in facts.tools:
        remedy, _ = _by_package(facts, "ip")
    return _misses(name, ("netns",), failure, remedy)


def _base_maker(facts: Facts) -> Finding:
    name = " or ".join(BASE_MAKERS)
    for maker in BASE_MAKERS:
        if maker in facts.tools:
            return _has(name, ("image",), facts.tools[maker])
    detail = "not found; needed where no registry can be reached"
    return _misses(name, ("image",), detail, *_by_package(facts, BASE_MAKERS[0]))


def _browser(facts: Facts) -> Finding:
    for browser in BROWSERS:
        if browser in facts.tools:
            return _has(BROWSERS[0], ("browser",), facts.tools[browser])
    detail = "not found; needed by the tests that look at pages"
    return _misses(BROWSERS[0], ("browser",), detail, *_by_package(facts, BROWSERS[0]))


def render(found: Survey, *, colour: bool) -> str:
    """Return the table for people."""
    green, red, dim, plain = ("\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[0m") if colour else [""] * 4
    width = max(len(one.name) for one in found.findings)
    lines = []
    for one in found.findings:
        mark = f"{green}has  {plain}" if one.present else f"{red}lacks{plain}"
        purposes = f"{dim}({', '.join(one.needed_for)}){plain}"
        lines.append(f"  {mark}  {one.name:<{width}}  {one.detail}  {purposes}")
        if one.remedy:
            lines.append(f"         {'':<{width}}  -> {one.remedy}")
    backend, why = found.best_backend()
    return "\n".join([*lines, f"  backend: {backend} ({why})"])


def _purposes(text: str) -> tuple[str, ...]:
    purposes = tuple(part for part in text.split(",") if part)
    unknown = [part for part in purposes if part not in PURPOSES]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(PURPOSES)}")
    return purposes


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m emulator.machine", description=__doc__)
    parser.add_argument(
        "--install", action="store_true", help="as root on Debian: install what is missing"
    )
    parser.add_argument(
        "--require",
        type=_purposes,
        default=(),
        metavar="LIST",
        help=f"exit {EXIT_LACKS} unless these can run: {', '.join(PURPOSES)}, with commas",
    )
    parser.add_argument("--format", choices=("table", "json"), default="table")
    return parser.parse_args(argv)


def main(argv: Sequence[str], environment: Mapping[str, str], out: TextIO, err: TextIO) -> int:
    """Show the survey, install what is missing if asked, and check what is required.

    Returns:
        0; 4 when something required is missing, or could not be installed.
    """
    asked = _arguments(argv)
    folder = Path.cwd()
    facts = gather(environment, folder)
    found = judge(facts)
    if asked.format == "table":
        colour = out.isatty() and not environment.get("NO_COLOR")
        out.write(f"this computer:\n{render(found, colour=colour)}\n")
        out.flush()
    if asked.install and found.packages() and facts.root and facts.debian:
        try:
            install(found.packages(), lambda line: _say(err, line))
        except ProvisionError as failure:
            err.write(f"{failure}\n")
            return EXIT_LACKS
        found = judge(gather(environment, folder))
        _say(err, "backend: {} ({})".format(*found.best_backend()))
    if asked.format == "json":
        out.write(json.dumps(found.as_dict(), indent=2) + "\n")
    return _required(found, asked.require, err)


def _say(err: TextIO, line: str) -> None:
    err.write(f"  {line}\n")
    err.flush()


def _required(found: Survey, purposes: Sequence[str], err: TextIO) -> int:
    lacks = [(purpose, one) for purpose in purposes for one in found.lacks(purpose)]
    err.writelines(
        f"required for {purpose}: {one.name}: {one.detail} -> {one.remedy}\n"
        for purpose, one in lacks
    )
    return EXIT_LACKS if lacks else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ, sys.stdout, sys.stderr))
