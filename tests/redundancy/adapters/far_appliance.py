"""A tiny appliance behind a real sshd: the contract's program as far as the channel sees it.

`behave` commands exist only here; they let a test ask for a way of answering.
"""

SCRIPT = r"""
import hashlib, json, os, select, signal, sys

def answer(**fields):
    print(json.dumps({"contract": 2, **fields}), flush=True)

def hang():
    # says nothing until nobody listens any more
    listener = select.poll()
    listener.register(1, 0)
    listener.poll()

def main(argv):
    command, rest = argv[1], argv[2:]
    if command == "echo":
        answer(ok=True, result={"argv": rest})
    elif command == "digest":
        data = sys.stdin.buffer.read()
        answer(ok=True, result={"size": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    elif command == "leave":
        sys.stdin.buffer.read()
        open(rest[0], "wb").close()
        answer(ok=False, error={"code": "connection-lost", "message": "the payload broke off"})
        return 1
    elif command == "refuse":
        answer(ok=False, error={"code": rest[0], "message": "no", "remedy": "do this"})
        return 1
    elif command == "refuse-early":
        sys.stdin.buffer.read(1000)
        answer(ok=False, error={"code": "busy", "message": "an import is under way"})
        return 1
    elif command == "silent":
        return 3
    elif command == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif command == "die-early":
        sys.stdin.buffer.read(1000)
        os.kill(os.getpid(), signal.SIGKILL)
    elif command == "garbage":
        print("<html>")
    elif command == "chatty":
        sys.stderr.write("noise\n" * 1_000_000)
        answer(ok=True, result={"long": "x" * 4_000_000})
    elif command == "future":
        print(json.dumps({"contract": 3, "ok": True, "result": {}}))
    elif command == "hang":
        sys.stdin.buffer.read()
        if rest:
            open(rest[0], "wb").close()
        hang()
    elif command == "read-part":
        sys.stdin.buffer.read(int(rest[0]))
        open(rest[1], "wb").close()
        hang()
    elif command == "hang-early":
        hang()
    return 0

sys.exit(main(sys.argv[1:]))
"""
