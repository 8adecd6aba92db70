"""The pytest plugin: scenario files as tests, and the fixture `lab`."""

from __future__ import annotations

import pytest
from drills import SMALL

from scenarios.loading import LIBRARY

FAILING = SMALL.replace(
    "  - wait: 1 s\n", "  - expect: {on: pbx1, event: run.failed, within: 1 min}\n"
)
PLUGIN = ("-p", "scenarios.pytest_plugin")


@pytest.fixture
def call(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    return pytester


def write(pytester: pytest.Pytester, name: str, text: str) -> None:
    text = text.replace("id: small", f"id: {name}")
    (pytester.path / f"{name}.scenario.yaml").write_text(text, encoding="utf-8")


def test_scenario_files_are_tests_that_run_side_by_side(call: pytest.Pytester) -> None:
    write(call, "sound", SMALL)
    write(call, "broken", FAILING)
    write(call, "other", SMALL)

    done = call.runpytest_subprocess(*PLUGIN, "-n", "2", "-rA")

    done.assert_outcomes(passed=2, failed=1)
    done.stdout.fnmatch_lines(["*failed: expectations: run.failed on pbx1 within 1 min: no*"])
    done.stdout.fnmatch_lines(["*again: standby-lab run broken --backend sim --seed 1*"])
    kept = [path.name for path in (call.path / "runs").iterdir()]
    assert kept == ["broken"], "evidence of what passed is not kept"
    assert (call.path / "runs" / "broken" / "latest" / "report.html").is_file()


def test_a_file_that_is_no_scenario_is_named_with_its_line(call: pytest.Pytester) -> None:
    write(call, "mine", SMALL.replace("wait: 1 s", "fly: pbx1"))

    done = call.runpytest_subprocess(*PLUGIN)

    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*mine.scenario.yaml:7*`fly`*"])


def test_the_library_is_collected_with_parameters_and_chosen_by_number(
    call: pytest.Pytester,
) -> None:
    done = call.runpytest_subprocess(*PLUGIN, str(LIBRARY), "--collect-only", "-q", "-k", "F1")

    done.stdout.fnmatch_lines(["*failover.yaml::failover[[]backend=sim,seed=1[]]"])
    done.stdout.no_fnmatch_line("*transfer-cut*")


USES_LAB = """
    import pytest

    def role(lab, name):
        return lab.appliance(name).ctl(["redundancy", "status"])["role"]

    names = []

    def test_one(lab):
        assert (role(lab, "pbx1"), role(lab, "pbx2")) == ("active", "standby")
        names.append(lab.spec.name)

    def test_two(lab):
        names.append(lab.spec.name)
        lab.appliance("pbx1").power_off()

    @pytest.mark.lab(users=3)
    def test_three(lab):
        users = lab.appliance("pbx1").ctl(["users", "list"])["users"]
        assert len(users) == 3 + 1
        names.append(lab.spec.name)

    def test_four(lab):
        assert role(lab, "pbx1") == "active"
        names.append(lab.spec.name)
        print(len(set(names)), "labs")
"""


def test_each_test_has_a_pair_that_was_set_up(call: pytest.Pytester) -> None:
    call.makepyfile(USES_LAB)

    done = call.runpytest_subprocess(*PLUGIN, "-s")

    done.assert_outcomes(passed=4)
    done.stdout.fnmatch_lines(["*4 labs*"])


@pytest.mark.netns
def test_a_lab_in_which_nothing_happened_is_used_again(call: pytest.Pytester) -> None:
    call.makepyfile(USES_LAB)

    done = call.runpytest_subprocess(*PLUGIN, "-s", "--lab-backend", "netns")

    done.assert_outcomes(passed=4)
    done.stdout.fnmatch_lines(["*3 labs*"])
