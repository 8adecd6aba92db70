"""What cannot run here is skipped aloud, and fails in CI."""

from __future__ import annotations

import pytest
from marker_policy import MarkerPolicy

from emulator.base_image import ImageError
from emulator.machine import Finding, Survey

NO_ENGINE = Survey(
    (
        Finding(
            "Docker Engine",
            present=False,
            needed_for=("docker",),
            detail="nothing listens",
            remedy="systemctl start docker",
        ),
    )
)
NO_BROWSER = Survey(
    (
        Finding(
            "chromium",
            present=False,
            needed_for=("browser",),
            detail="not found",
            remedy="apt-get install -y chromium",
        ),
    )
)
ALL_WELL = Survey(())


@pytest.fixture(autouse=True)
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # none matters here; all are slow
    pytester.makeini("[pytest]\nmarkers = docker\n  netns\n  browser\n")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.docker
        def test_with_an_engine(): pass

        def test_without(): pass

        @pytest.mark.browser
        def test_in_a_browser(): pass
        """
    )


class Images:
    def __init__(self, failure: str = "") -> None:
        self.failure = failure
        self.asked = 0

    def ensure(self, progress) -> str:
        self.asked += 1
        progress("building", 0.5)
        if self.failure:
            raise ImageError(self.failure, remedy="install it")
        return "appliance:tag"


def test_tests_run_and_the_image_is_made_once_where_nothing_lacks(pytester) -> None:
    images = Images()
    policy = MarkerPolicy(ALL_WELL, ci=True, ensure_image=images.ensure)
    pytester.inline_run(plugins=[policy]).assertoutcome(passed=3)
    assert (images.asked, policy.image) == (1, "appliance:tag")


def test_a_test_that_cannot_run_is_skipped_with_the_remedy(pytester) -> None:
    images = Images()
    policy = MarkerPolicy(NO_ENGINE, ci=False, ensure_image=images.ensure)
    result = pytester.inline_run("-ra", plugins=[policy])
    result.assertoutcome(passed=2, skipped=1)
    reason = result.getreports("pytest_runtest_logreport")
    assert any("nothing listens -> systemctl start docker" in str(one.longrepr) for one in reason)
    assert images.asked == 0


def test_a_test_that_cannot_run_fails_in_ci(pytester) -> None:
    policy = MarkerPolicy(NO_ENGINE, ci=True, ensure_image=Images().ensure)
    pytester.inline_run(plugins=[policy]).assertoutcome(passed=2, failed=1)


def test_the_header_says_what_will_not_run(pytester) -> None:
    policy = MarkerPolicy(NO_ENGINE, ci=False, ensure_image=Images().ensure)
    (line,) = policy.pytest_report_header()
    assert line.startswith("tests marked docker will be SKIPPED: Docker Engine: nothing listens")


def test_an_image_that_cannot_be_built_fails_in_ci(pytester) -> None:
    images = Images("no mmdebstrap")
    policy = MarkerPolicy(ALL_WELL, ci=True, ensure_image=images.ensure)
    pytester.inline_run(plugins=[policy]).assertoutcome(passed=2, failed=1)
    assert policy.obstacle("docker") == "no mmdebstrap -> install it"


def test_the_image_is_left_alone_when_no_docker_test_is_selected(pytester) -> None:
    images = Images()
    policy = MarkerPolicy(ALL_WELL, ci=True, ensure_image=images.ensure)
    pytester.inline_run("-k", "without", plugins=[policy]).assertoutcome(passed=1)
    assert images.asked == 0


def test_without_a_browser_its_tests_are_skipped_and_fail_in_ci(pytester) -> None:
    for ci, outcome in ((False, "skipped"), (True, "failed")):
        policy = MarkerPolicy(NO_BROWSER, ci=ci, ensure_image=Images().ensure)
        pytester.inline_run(plugins=[policy]).assertoutcome(passed=2, **{outcome: 1})
