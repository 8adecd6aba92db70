"""A SIP user agent: baresip in a station's namespace, spoken to by its control connection.

baresip takes JSON in netstrings at a TCP port (its module `ctrl_tcp`), here at the loopback
address of a namespace that it has for itself.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulator.agents.namespace import NetworkNamespace
from emulator.clock import RealStopwatch

CONTROL = ("127.0.0.1", 4444)
MODULES = "/usr/lib/baresip/modules"
START_LIMIT_S = 10.0
LOOK_S = 0.02
CONFIGURATION = """\
poll_method epoll
sip_listen {address}:5060
sip_trans_def {transport}
call_local_timeout 60
call_max_calls 2
rtp_timeout {silence_s}
audio_source aufile,{tone}
audio_player aubridge,ear
audio_alert aubridge,bell
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_txmode thread
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module_tmp account.so
module_app menu.so
module ctrl_tcp.so
ctrl_tcp_listen {control}
"""
SILENCE_S = 5  # a person who hears nothing for so long hangs up
Happened = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class Account:
    """What a user agent registers with.

    Attributes:
        registrar: the appliance's address.
        extension: its own number.
        name, secret: of its digest.
        transport: `udp` or `tcp`.
        registers_every_s: the expiry that it asks for.
    """

    registrar: str
    extension: str
    name: str
    secret: str = field(repr=False)
    transport: str = "udp"
    registers_every_s: float = 60.0

    @property
    def line(self) -> str:
        """As baresip's file of accounts has it."""
        return (
            f"<sip:{self.extension}@{self.registrar};transport={self.transport}>"
            f";auth_user={self.name};auth_pass={self.secret}"
            f";regint={round(self.registers_every_s)};answermode=auto;audio_codecs=pcma/8000/1"
        )


class UserAgent:
    """Runs baresip.

    Args:
        namespace: where it stands.
        address: its own.
        folder: for its configuration.
        tone: the sound file that it speaks with.
        happened: told of every event, on a thread of its own.
    """

    def __init__(
        self,
        namespace: NetworkNamespace,
        address: str,
        folder: Path,
        tone: Path,
        happened: Happened,
    ) -> None:
        self._namespace = namespace
        self._address = address
        self._folder = folder
        self._tone = tone
        self._happened = happened
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._writing = threading.Lock()

    def start(self, account: Account) -> None:
        """Start it, and let it register.

        It gets its account once somebody listens: baresip tells a failed registration once,
        and a refusal comes at once where nothing listens at the registrar.

        Raises:
            OSError: it is not installed, or does not come up.
        """
        program = shutil.which("baresip")
        if program is None:
            raise OSError("baresip is not installed, so there can be no telephones")
        self._furnish(account.transport)
        with self._namespace.entered(), (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, "-4", "-f", str(self._folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._control = self._connect(self._process)
        threading.Thread(target=self._listen, args=(self._control,), daemon=True).start()
        self.register(account)

    def register(self, account: Account) -> None:
        """Forget the account, if it has it, and register with it anew.

        Raises:
            OSError: it is gone.
        """
        self._order("uadel", f"sip:{account.extension}@{account.registrar}")
        self._order("uanew", account.line)

    def dial(self, extension: str) -> None:
        """Call somebody.

        Raises:
            OSError: it is gone.
        """
        self._order("dial", extension)

    def hang_up(self) -> None:
        """End the call.

        Raises:
            OSError: it is gone.
        """
        self._order("hangup")

    def stop(self) -> None:
        """Pull its plug; it takes leave of nobody."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process, self._control = None, None

    def _order(self, command: str, parameters: str = "") -> None:
        """Give a command of baresip's menu."""
        if self._control is None:
            raise OSError("the telephone is off")
        text = json.dumps({"command": command, "params": parameters}).encode()
        with self._writing:
            self._control.sendall(b"%d:%b," % (len(text), text))

    def _furnish(self, transport: str) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        configuration = CONFIGURATION.format(
            address=self._address,
            transport=transport,
            silence_s=SILENCE_S,
            tone=self._tone,
            modules=MODULES,
            control=":".join(map(str, CONTROL)),
        )
        for name, text in {"config": configuration, "accounts": "", "contacts": ""}.items():
            (self._folder / name).write_text(text)

    def _connect(self, process: subprocess.Popen[bytes]) -> socket.socket:
        stopwatch = RealStopwatch()
        limit_s = stopwatch.now_s() + START_LIMIT_S
        while process.poll() is None and stopwatch.now_s() < limit_s:
            with self._namespace.entered():
                control = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                control.connect(CONTROL)
            except OSError:
                control.close()
                stopwatch.sleep(LOOK_S)
            else:
                return control
        words = (self._folder / "log").read_text(errors="replace").splitlines()[-1:]
        raise OSError(f"baresip does not come up: {' '.join(words) or 'it said nothing'}")

    def _listen(self, control: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it was stopped
            for text in netstrings(control):
                message = json.loads(text)
                if message.get("event"):
                    self._happened(message)


def netstrings(source: socket.socket) -> Iterator[bytes]:
    """Yield the netstrings of a connection until it ends."""
    data = b""
    while piece := source.recv(65536):
        data += piece
        while (colon := data.find(b":")) > 0:
            end = colon + 1 + int(data[:colon])
            if len(data) <= end:
                break
            yield data[colon + 1 : end]
            data = data[end + 1 :]
