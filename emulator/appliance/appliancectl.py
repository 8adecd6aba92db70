"""The command line of the appliance: passes its arguments and standard input on.

Run as a file by `python3 -S -E`, with built-in modules alone: it is started anew for each
command that comes over SSH, and must not cost more than the interpreter itself. The
environment variable APPLIANCE_CONTROL names another control socket than the usual one.
"""

import _socket  # the C module: `socket` would double the time that this program takes
import os
import sys

CONTROL = "/run/appliance/control.sock"
SOL_SOCKET = _socket.SOL_SOCKET
PIECE = 65536
HELP = "appliancectl [--json] COMMAND …   (appliancectl help lists the commands)"


def ask(path: str, arguments: "list[str]") -> bytes:
    """Send a request with our standard input; the whole answer.

    Raises:
        OSError: the appliance does not run.
    """
    try:
        os.fstat(0)
    except OSError:
        os.open("/dev/null", os.O_RDONLY)  # takes the place of the standard input that is closed
    peer = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    peer.connect(path)
    data = b"".join(os.fsencode(one) + b"\0" for one in arguments)
    descriptor = (0).to_bytes(4, sys.byteorder)
    peer.sendmsg([data], [(SOL_SOCKET, _socket.SCM_RIGHTS, descriptor)])
    answer = b""
    while piece := peer.recv(PIECE):
        answer += piece
    return answer


def show(answer: bytes) -> None:
    """Print an answer for people."""
    import json  # noqa: PLC0415 - not needed for --json, which must be fast

    row = json.loads(answer)
    if row["ok"]:
        for line in table(row["result"], ""):
            sys.stdout.write(line + "\n")
        return
    error = row["error"]
    remedy = f"; {error['remedy']}" if error["remedy"] else ""
    sys.stderr.write(f"appliancectl: {error['message']} ({error['code']}){remedy}\n")


def table(value: object, indent: str) -> "list[str]":
    """Render JSON as aligned, indented lines."""
    if isinstance(value, dict):
        width = max((len(str(key)) for key in value), default=0)
        lines = []
        for key, one in value.items():
            if isinstance(one, (dict, list)) and one:
                lines += [f"{indent}{key}", *table(one, indent + "  ")]
            else:
                lines.append(f"{indent}{key:<{width}}  {text(one)}")
        return lines
    if isinstance(value, list):
        return rows(value, indent)
    return [f"{indent}{text(value)}"]


def rows(values: "list[object]", indent: str) -> "list[str]":
    """Render a list; objects of plain fields become the aligned rows of one table."""
    flat = [one for one in values if isinstance(one, dict) and not nested(one)]
    if len(flat) < len(values):
        return [line for one in values for line in table(one, indent)]
    cells = [[text(one) for one in row.values()] for row in flat]
    widths = [max(map(len, column)) for column in zip(*cells, strict=False)]
    return [
        indent
        + "  ".join(f"{one:<{width}}" for one, width in zip(row, widths, strict=False)).rstrip()
        for row in cells
    ]


def nested(row: "dict[str, object]") -> bool:
    """Whether a field of an object is itself an object."""
    return any(isinstance(one, dict) for one in row.values())


def text(value: object) -> str:
    """Render one value; nothing is `-`, what is not printable is made visible."""
    if value is None or value in ("", [], {}):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(text(one) for one in value)
    return "".join(sign if sign.isprintable() else "�" for sign in str(value))


def main() -> int:
    """Run one command; the exit status."""
    arguments = sys.argv[1:]
    as_json = arguments[:1] == ["--json"]
    if as_json:
        arguments = arguments[1:]
    if not arguments:
        sys.stderr.write(HELP + "\n")
        return 2
    path = os.environ.get("APPLIANCE_CONTROL", CONTROL)
    try:
        answer = ask(path, arguments)
    except OSError as error:
        sys.stderr.write(f"appliancectl: {path}: {error.strerror}; is the appliance running?\n")
        return 1
    if not answer:
        sys.stderr.write("appliancectl: the appliance ended before it answered\n")
        return 1
    if as_json:
        os.write(1, answer[1:])
    else:
        show(answer[1:])
    return answer[0] - ord("0")


if __name__ == "__main__":
    sys.exit(main())
