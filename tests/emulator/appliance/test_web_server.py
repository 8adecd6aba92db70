"""The pages' server against clients that mean no good; on loopback, with real sockets."""

from __future__ import annotations

import re
import socket

import httpx
import pytest

from emulator.appliance.linux import web_server

DEADLINE_S = 20.0


@pytest.fixture
def server(bench):
    pages = bench.boot("pbx1").appliance.web
    served = web_server.serve(pages, pages.largest_body, "127.0.0.1", 0)
    yield served
    served.asyncore.close_all(served._map)


def connect(server, source="127.0.0.1") -> socket.socket:
    return socket.create_connection(
        ("127.0.0.1", server.effective_port), DEADLINE_S, source_address=(source, 0)
    )


def first_line(client: socket.socket) -> str:
    return client.recv(1000).decode().partition("\r\n")[0]


def header(path: str, size: int, cookie: str = "") -> bytes:
    lines = (f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {size}", f"Cookie: {cookie}")
    return "\r\n".join((*lines, "", "")).encode()


def test_stranger_fills_no_disk(server):
    with connect(server) as client:
        client.sendall(header("/login", 100_000_000, "session=guessed"))
        assert first_line(client) == "HTTP/1.1 413 Request Entity Too Large"


def test_stranger_fills_no_disk_in_pieces_either(server):
    lines = b"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with connect(server) as client:
        client.sendall(lines + b"200000\r\n" + b"x" * 0x200000)
        assert first_line(client) == "HTTP/1.1 413 Request Entity Too Large"


def test_administrator_uploads_what_is_large(server, settings):
    base = f"http://127.0.0.1:{server.effective_port}"
    with httpx.Client(base_url=base, timeout=DEADLINE_S) as browser:
        found = re.search(r'csrf_token" value="([0-9a-f]+)"', browser.get("/login").text)
        assert found
        fields = {"csrf_token": found.group(1), "login": "0001"}
        browser.post("/login", data={**fields, "password": settings.credentials.password})
        answer = browser.post("/admin/backups", files={"upload": b"x" * 3_000_000})
    assert answer.status_code == httpx.codes.FORBIDDEN  # read in whole; it has no token


def test_one_client_does_not_take_all_connections(server):
    held = [connect(server) for _ in range(web_server.CONNECTIONS_MAX + 50)]
    try:
        with connect(server, "127.0.0.2") as other:
            other.sendall(b"GET /login HTTP/1.1\r\nHost: x\r\n\r\n")
            assert first_line(other) == "HTTP/1.1 200 OK"
    finally:
        for one in held:
            one.close()
