"""The whole rollback by a browser: every button of the page, on both boxes (R57)."""

import re

import pytest
from failover import Failover

PAGE = "/admin/advanced/redundancy/rollback"
ACTIVE = "198.18.0.10"


@pytest.fixture
def failover():
    made = Failover()
    made.configure()
    made.initialise()
    made.await_event("pbx1", "run.succeeded")
    made.pbx1.power_off()
    made.switch_over()
    made.lab.timekeeper.settle()
    yield made
    made.lab.down()


def browse(failover, node, address=None):
    """Log in at the page of the rollback; a browser and the page."""
    client = node.browser(address)
    login = client.get("/login")
    fields = {
        "login": failover.credentials.login,
        "password": failover.credentials.password,
        "next": PAGE,
    }
    page = client.post("/login", data={**fields, "csrf_token": token(login)})
    return client, page


def token(page):
    return re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]


def press(failover, client, page):
    """Press the one button of the due step."""
    step = re.search(r'name="step" value="([^"]+)"', page.text)[1]
    answer = client.post(PAGE, data={"csrf_token": token(page), "step": step})
    assert answer.status_code == 200, answer.text
    failover.lab.timekeeper.settle()
    return answer


def restore(client, file, backup):
    """Upload a backup, look at it, confirm."""
    home = "/admin/backups/restore"
    form = {"csrf_token": token(client.get(home))}
    page = client.post(f"{home}/upload", data=form, files={"backup": (file, backup)})
    key = re.search(r'name="upload" value="([^"]+)"', page.text)[1]
    form |= {"upload": key, "keep_licences": "1", "confirmed": "1"}
    assert client.post(home, data=form).status_code == 200


def test_the_page_leads_through_all_seven_steps(failover):
    pbx1, pbx2 = failover.pbx1, failover.pbx2
    client, page = browse(failover, pbx2, ACTIVE)
    page = press(failover, client, page)  # (a)
    file = re.search(r'href="/admin/backups/([^"]+)"', page.text)[1]
    backup = client.get(f"/admin/backups/{file}").content
    page = press(failover, client, page)  # (b): answered from the address that goes
    assert f"url=http://{pbx2.address}{PAGE}" in page.text
    client, page = browse(failover, pbx2)
    page = press(failover, client, page)  # (c)
    assert failover.lab.describe()[1].health == "off"

    pbx1.boot()
    client, _ = browse(failover, pbx1)
    restore(client, file, backup)
    client, page = browse(failover, pbx1)  # the sessions are the restored content's
    for _ in range(3):  # (d), (e), (f)
        page = press(failover, client, page)
    assert pbx1.ctl(["redundancy", "status"])["role"] == "active"

    pbx2.boot()
    made = pbx1.ctl(["backup", "create", "--operation", "again"])
    data = pbx1.read(f"backups/{made['file']}")
    pbx2.ctl(["redundancy", "initialise", "--size", str(len(data))], data)
    _, page = browse(failover, pbx2)  # (g)
    assert "wieder geschützt" in page.text
    assert 'name="step"' not in page.text
    assert "wieder geschützt" not in client.get(PAGE).text
    pbx1.ctl(["redundancy", "run"])
    failover.lab.timekeeper.settle()
    assert "wieder geschützt" in client.get(PAGE).text
    assert pbx1.ctl(["redundancy", "rollback"])["protected"]
