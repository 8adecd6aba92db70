"""A module configuration that nobody could have saved: an import may bring one."""

import json
import re

import pytest
from failover import Failover

DIALOG = "/admin/modules/redundanz"
TABS = ("/allgemein", "/einstellungen", "/standby-einstellungen", "/standby-import")
SWITCHOVER = "/admin/advanced/redundancy"


@pytest.fixture
def failover():
    made = Failover()
    made.configure()
    yield made
    made.lab.down()


def pages(failover, node):
    client = node.browser()
    login = client.get("/login")
    token = re.search(r'name="csrf_token" value="([^"]+)"', login.text)[1]
    fields = {"login": failover.credentials.login, "password": failover.credentials.password}
    client.post("/login", data={**fields, "csrf_token": token})
    return client


@pytest.mark.covers("R21", "R47")
@pytest.mark.parametrize(
    "values",
    [
        {"licence_key": "nonsense", "start_date": "yesterday"},
        {"surprise": [1, 2]},
        {"licence_key": "AAAAA-AAAAA-AAAAA-11111", "start_date": "0001-01-01",
         "start_time": "00:00", "send_mails": False},
        {"licence_key": "AAAAA-AAAAA-AAAAA-11111", "start_date": "2030-01-01",
         "start_time": "00:00", "send_mails": False, "stale_after_h": 1e300},
    ],
    ids=["wrong", "foreign", "first-year", "for-ever"],
)  # fmt: skip
def test_a_malformed_configuration_counts_as_none_and_can_be_mended(failover, values):
    pbx1 = failover.pbx1
    pbx1.ctl(["module", "put", "redundanz"], json.dumps(values).encode())
    client = pages(failover, pbx1)
    for tab in (*(f"{DIALOG}{one}" for one in TABS), SWITCHOVER, f"{SWITCHOVER}/rollback"):
        assert client.get(tab).status_code == 200, tab
    assert "unbrauchbar" in client.get(f"{DIALOG}/allgemein").text
    assert "unbrauchbar" in client.get(SWITCHOVER).text
    status = pbx1.ctl(["redundancy", "status"])
    assert (status["role"], bool(status["configuration_fault"])) == ("unconfigured", True)
    failover.lab.pause(60)
    failover.lab.timekeeper.settle()

    failover.configure()
    status = pbx1.ctl(["redundancy", "status"])
    assert (status["role"], status["configuration_fault"]) == ("active", "")
    failover.initialise()
    failover.await_event("pbx1", "run.succeeded")
    assert failover.seen("pbx1", "defect") == failover.seen("pbx1", "trouble") == 0


def test_the_log_names_the_wrong_fields_once_and_not_what_they_hold(failover):
    values = {"licence_key": "not-to-be-shown", "standby_password": "5ecret"}
    failover.pbx1.ctl(["module", "put", "redundanz"], json.dumps(values).encode())
    failover.pbx1.power_off()
    failover.pbx1.boot()
    failover.lab.pause(3)
    failover.await_event("pbx1", "configuration.malformed")
    log = failover.pbx1.ctl(["redundancy", "log"])["records"]
    told = [one for one in log if one["event"] == "configuration.malformed"]
    assert "licence_key" in told[-1]["detail"]["faults"]
    assert "5ecret" not in str(log)
    assert "not-to-be-shown" not in str(log)
