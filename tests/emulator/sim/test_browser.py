"""The operator's browser in the simulated lab, with a small program instead of the pages."""

from datetime import UTC, datetime

import httpx
import pytest

from emulator.sim.browser import SimHttp
from emulator.sim.lan import SimLan
from emulator.sim.life import Life
from emulator.sim.served import Served, SimCalendar
from emulator.sim.site import Site
from emulator.sim.world import World

ADDRESS = "198.18.0.20"
TAKEN = "198.18.0.10"


class Bench:
    """A host with a browser and one node with pages."""

    def __init__(self):
        self.world = World()
        served = Served(self.world, datetime(2026, 3, 2, tzinfo=UTC))
        self.site = Site(self.world, served, SimLan(self.world), seed=7)
        host = self.site.lan.station("host", "02:00:00:00:00:fe", ["198.18.0.1"])
        self.node = self.site.lan.station("pbx2", "02:00:00:00:00:02", [ADDRESS, TAKEN])
        self.life = Life("pbx2")
        self.calendar = SimCalendar(self.world, served, self.life)
        self.program = lambda environ: ("200 OK", [], environ["REMOTE_ADDR"].encode())
        http = SimHttp(self.site, (host, Life("host")), self.pages)
        self.browser = httpx.Client(
            transport=http, base_url=f"http://{ADDRESS}", follow_redirects=True
        )

    def pages(self, node):
        def application(environ, start_response):
            status, headers, body = self.program(environ)
            start_response(status, headers)
            return [body]

        return (self.life, application) if node == "pbx2" else None


@pytest.fixture
def bench():
    return Bench()


def test_a_page_is_served_by_who_holds_the_address(bench):
    answer = bench.browser.get("/")
    assert (answer.status_code, answer.text) == (200, "198.18.0.1")
    assert bench.world.now_s > 0, "finding the holder takes its time"


def test_what_is_uploaded_arrives_whole(bench):
    def program(environ):
        data = environ["wsgi.input"].read()
        return "200 OK", [], str(len(data)).encode()

    bench.program = program
    answer = bench.browser.post("/upload", files={"backup": bytes(100_000)})
    assert int(answer.text) > 100_000


def test_the_browser_follows_to_the_address_that_was_taken_over(bench):
    def program(environ):
        if environ["HTTP_HOST"] == ADDRESS:
            return "302 Found", [("Location", f"http://{TAKEN}/moved")], b""
        return "200 OK", [], environ["HTTP_HOST"].encode()

    bench.program = program
    assert bench.browser.get("/").text == TAKEN


def test_cookies_are_kept(bench):
    bench.program = lambda environ: (
        "200 OK",
        [("Set-Cookie", "session=abc; Path=/")],
        environ.get("HTTP_COOKIE", "none").encode(),
    )
    assert [bench.browser.get("/").text for _ in range(2)] == ["none", "session=abc"]


def test_a_page_may_wait_for_another_task_of_its_node(bench):
    bell = bench.calendar.bell()

    def work():
        bench.world.sleep(3)
        bell.ring()

    def program(environ):
        bench.world.start(bench.life, "daemon", work)
        return "200 OK", [], str(bench.calendar.wait(None, bell)).encode()

    bench.program = program
    assert bench.browser.post("/switchover").text == "False"
    assert bench.world.now_s > 3


def test_a_node_that_dies_meanwhile_leaves_the_browser_waiting_until_it_gives_up(bench):
    def program(environ):
        bench.world.sleep(10)

    bench.program = program
    bench.world.later(1, lambda: bench.world.end(bench.life))
    with pytest.raises(httpx.ReadTimeout):
        bench.browser.get("/")
    assert bench.world.now_s > 60


def test_a_page_that_takes_too_long_is_given_up(bench):
    def program(environ):
        bench.world.sleep(100)

    bench.program = program
    with pytest.raises(httpx.ReadTimeout):
        bench.browser.get("/")
    assert 60 < bench.world.now_s < 61


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://198.18.0.99/", "No route to host"),
        (f"http://{ADDRESS}:8080/", "Connection refused"),
        ("http://198.18.0.1/", "Connection refused"),
    ],
)
def test_connections_fail_where_nothing_serves(bench, url, words):
    with pytest.raises(httpx.ConnectError, match=words):
        bench.browser.get(url)


def test_an_error_of_the_pages_is_answered_and_noted(bench):
    def program(environ):
        raise KeyError("x")

    bench.program = program
    assert bench.browser.get("/status").status_code == 500
    (event,) = bench.site.history.rows
    assert (event.node, event.event, event.cause) == ("pbx2", "defect", "KeyError('x')")
