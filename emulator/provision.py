"""What the project needs from Debian, and how it is installed.

Standard library only: this runs before there is a virtual environment.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

INSTALL_LIMIT_S = 600
POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_TEXT = "#!/bin/sh\n# standby-lab: no service starts while packages are installed\nexit 101\n"


@dataclass(frozen=True)
class Package:
    """A package of Debian (and Ubuntu).

    Attributes:
        name: as apt-get knows it.
        brings: the programs (or `venv`) for which it is needed.
        service: the unit that it would start, now and at every boot; "" for none.
    """

    name: str
    brings: tuple[str, ...]
    service: str = ""


DEBIAN_PACKAGES = (
    Package("python3-venv", ("venv",)),
    Package("iproute2", ("ip",)),
    Package("util-linux", ("nsenter", "unshare", "setpriv")),
    Package("uidmap", ("newuidmap",)),
    Package("openssh-server", ("sshd",), service="ssh"),
    Package("nftables", ("nft",)),
    Package("kamailio", ("kamailio",), service="kamailio"),
    Package("kamailio-sqlite-modules", ("kamailio's SQLite",)),
    Package("rtpengine-daemon", ("rtpengine",), service="rtpengine-daemon"),
    Package("baresip-core", ("baresip",)),
    Package("sip-tester", ("sipp",)),
    Package("mmdebstrap", ("mmdebstrap",)),
    Package("strace", ("strace",)),
    Package("chromium", ("chromium",)),
)


def package_for(program: str) -> str:
    """Return the name of the package that brings a program; KeyError if none is listed."""
    for package in DEBIAN_PACKAGES:
        if program in package.brings:
            return package.name
    raise KeyError(program)


class ProvisionError(Exception):
    """apt-get could not install; the message holds its last lines."""


def install(names: Sequence[str], say: Callable[[str], None], policy: Path = POLICY) -> None:
    """Install packages without starting any of their services.

    Args:
        names: packages, as apt-get knows them.
        say: told what is done, line by line.
        policy: the file that tells Debian's maintainer scripts not to start services.

    Raises:
        ProvisionError: apt-get failed.
    """
    say(f"installing {', '.join(names)} (apt-get)")
    fresh = [one for one in DEBIAN_PACKAGES if one.name in names and one.service]
    with _services_at_rest(policy):
        _apt_get("update", "-qq")
        _apt_get("install", "-y", "-qq", "--no-install-recommends", *names)
    for package in fresh:
        say(f"leaving the service {package.service} of {package.name} disabled")
        _disable(package.service)


@contextmanager
def _services_at_rest(policy: Path) -> Iterator[None]:
    """Keep maintainer scripts from starting services, unless somebody decided on that already.

    A file of ours that a killed run left is taken over, and removed at the end.
    """
    if policy.exists() and policy.read_text(encoding="utf-8") != POLICY_TEXT:
        yield
        return
    try:
        policy.write_text(POLICY_TEXT, encoding="utf-8")
        policy.chmod(0o755)
        yield
    finally:
        policy.unlink(missing_ok=True)


def _apt_get(*arguments: str) -> None:
    try:
        done = subprocess.run(
            ["apt-get", *arguments],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=INSTALL_LIMIT_S,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )
    except subprocess.TimeoutExpired as reason:
        raise ProvisionError(
            f"apt-get {arguments[0]}: no end after {reason.timeout:.0f} s"
        ) from None
    if done.returncode != 0:
        last = "\n".join(f"  {line}" for line in done.stdout.strip().splitlines()[-5:])
        raise ProvisionError(f"apt-get {arguments[0]} ended with {done.returncode}:\n{last}")


def _disable(service: str) -> None:
    """Keep a service from starting at the next boot; where no init system is, there is none."""
    for argv in (
        ["systemctl", "disable", f"{service}.service", f"{service}.socket"],
        ["update-rc.d", service, "disable"],
    ):
        try:
            done = subprocess.run(argv, check=False, capture_output=True, timeout=INSTALL_LIMIT_S)
        except FileNotFoundError:
            continue
        if done.returncode == 0:
            return
