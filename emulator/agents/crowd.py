"""Many telephones at one place: SIPp registers them all, and refreshes them at the same time."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from emulator.addressing import Station
from emulator.agents.frames import IPV4_ONLY, Tap
from emulator.agents.namespace import NetworkNamespace
from emulator.agents.telephone import SIP_PORT, registered, transported

SCENARIO = Path(__file__).with_name("registrations.xml")
REFRESH_AT = 0.9  # of what is asked for, as baresip does
STORM_PER_S = 1000  # that begin at once


class Crowd:
    """Telephones that register and do nothing else.

    Args:
        namespace: where they stand.
        station: the place on the LAN that they share.
        folder: for their accounts; it alone may read it.
    """

    def __init__(self, namespace: NetworkNamespace, station: Station, folder: Path) -> None:
        self._namespace = namespace
        self._station = station
        self._folder = folder
        self._answers: dict[str, list[tuple[float, str]]] = {}
        self._order = threading.Lock()
        with namespace.entered():
            self._tap = Tap("eth0", IPV4_ONLY)
        threading.Thread(target=self._watch, name=station.name, daemon=True).start()

    def provision(
        self, registrar: str, accounts: Sequence[Mapping[str, str]], expires_s: float
    ) -> None:
        """Give them their accounts, and switch them on.

        Raises:
            OSError: SIPp is not installed.
        """
        program = shutil.which("sipp")
        if program is None:
            raise OSError("sipp is not installed, so there can be no crowd of telephones")
        self._furnish(accounts, expires_s)
        many = str(len(accounts))
        argv = [program, registrar, "-sf", "registrations.xml", "-inf", "accounts.csv", "-t", "u1"]
        argv += ["-i", self._station.address, "-p", str(SIP_PORT), "-m", many, "-l", many]
        argv += ["-r", str(STORM_PER_S), "-nostdin", "-default_behaviors", "none"]
        with self._namespace.entered(), (self._folder / "log").open("ab") as log:
            subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder
            )

    def seen(self) -> dict[str, list[tuple[float, str]]]:
        """Return every good answer to a registration, by extension."""
        with self._order:
            return {extension: list(answers) for extension, answers in self._answers.items()}

    def _furnish(self, accounts: Sequence[Mapping[str, str]], expires_s: float) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = SCENARIO.read_text(encoding="utf-8").replace("@EXPIRES_S@", str(round(expires_s)))
        text = text.replace("@REFRESH_MS@", str(round(expires_s * REFRESH_AT * 1000)))
        (self._folder / "registrations.xml").write_text(text)
        rows = [
            f"{one['extension']};[authentication username={one['name']} password={one['secret']}]"
            for one in accounts
        ]
        file = self._folder / "accounts.csv"
        file.touch(0o600)
        file.write_text("\n".join(["SEQUENTIAL", *rows, ""]))

    def _watch(self) -> None:
        for frame in self._tap.frames():
            if frame.data[:6].hex(":") != self._station.mac:
                continue
            segment = transported(frame.data)
            if segment is None or segment[1] != SIP_PORT or not registered(segment[2]):
                continue
            answer = frame.at_s, frame.data[6:12].hex(":")
            with self._order:
                self._answers.setdefault(extension_of(segment[2]), []).append(answer)


def extension_of(payload: bytes) -> str:
    """Return whose registration a message is about (RFC 3261 section 10.2, the To header)."""
    for line in payload.split(b"\r\n"):
        if line.lower().startswith(b"to:"):
            return line.partition(b"sip:")[2].partition(b"@")[0].decode(errors="replace")
    return ""
