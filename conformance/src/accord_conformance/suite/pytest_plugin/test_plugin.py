"""What a project sees that uses the plugin; its tests are in the folder ``samples``."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from accord_conformance.helpers import rule, untestable

from .project import Project, project


@pytest.fixture
def basics(backend_name_and_variant: str) -> Project:
    """The run of ``sample_basics.py``."""
    return project(backend_name_and_variant, "basics")


@pytest.fixture
def fixtures(backend_name_and_variant: str) -> Project:
    """The run of ``sample_fixtures.py``."""
    return project(backend_name_and_variant, "fixtures")


@pytest.fixture
def trouble(backend_name_and_variant: str) -> Project:
    """The run of ``sample_trouble.py``."""
    return project(backend_name_and_variant, "trouble")


@rule("PLUGIN-1")
def test_marked_tests(basics: Project) -> None:
    """Marked tests run, with their parameters, and fail with what they raise."""
    basics.assert_passed("test_marked", "test_parametrized")
    assert len(basics.of("test_parametrized")) == 2
    basics.assert_failed("test_failing", "assert 41 == 42")


@rule("PLUGIN-2")
def test_fixtures_of_all_scopes(fixtures: Project) -> None:
    """Fixtures of higher scopes are set up once, share the tests' loop, and survive a skip."""
    fixtures.assert_passed("test_scopes", "test_scopes_again", "test_scopes_after_skip")
    assert fixtures.one("test_skipped_with_fixtures").outcome == "skipped"
    assert fixtures.status == 0, fixtures.output


@rule("PLUGIN-3")
def test_one_task(fixtures: Project) -> None:
    """Function fixtures and the test are one task; scopes and groups of fixtures cover what is below."""
    fixtures.assert_passed("test_one_task", "test_task_of_higher_group", "test_group_is_still_open")


@rule("PLUGIN-4")
def test_background_failure(trouble: Project) -> None:
    """The error of a fixture's task fails the running test, and a higher fixture is set up again."""
    trouble.assert_failed("test_background_failure", "LookupError: in the background")
    trouble.assert_failed("test_module_background_failure", "LookupError: in the module's background")
    trouble.assert_passed("test_module_set_up_again")


@rule("PLUGIN-5")
def test_cancelled_scopes(trouble: Project) -> None:
    """A cancelled scope of a fixture fails the test that it cuts short, and no other."""
    trouble.assert_passed("test_scope_cancelled_at_the_end", "test_after_cancelled_scopes")
    trouble.assert_failed("test_scope_cancelled_in_the_middle", "'scope' was cancelled")
    assert trouble.one("test_scope_cancelled_in_the_middle").phases["teardown"] == "passed"


@rule("PLUGIN-6")
def test_variables_of_async_fixtures(fixtures: Project) -> None:
    """The test sees what its fixtures have set, the fixture what the test has."""
    fixtures.assert_passed("test_variable_of_fixture", "test_scopes", "test_variable_of_other_test")


@rule("PLUGIN-7")
def test_variables_of_other_tests(fixtures: Project) -> None:
    """What one test sets is not seen by the next, also if both use a fixture of a higher scope."""
    fixtures.assert_passed("test_variable_of_other_test", "test_variable_of_module_again")


@rule("PLUGIN-8")
def test_variables_of_sync_fixtures(fixtures: Project) -> None:
    """What a synchronous fixture sets is seen on an older loop, and not longer than it is set."""
    fixtures.assert_passed("test_variable_of_sync_fixture", "test_variable_of_sync_fixture_after")


@rule("PLUGIN-9")
def test_leaks(trouble: Project) -> None:
    """Scopes, groups and tasks that a test leaves behind are reported by name, and trouble no later test."""
    for name in ("test_open_scope", "test_open_group"):
        trouble.assert_failed(name, name, "has ended with a cancel scope or a task group still open")
        assert trouble.one(name).phases["teardown"] == "passed"
    trouble.assert_failed(
        "test_background_task", "test_background_task", "left tasks running", "sleep_forever", when="teardown"
    )
    trouble.assert_passed("test_after_leaks")


@rule("PLUGIN-10")
def test_backend_and_options(basics: Project) -> None:
    """Fixtures tell the backend's name and the options, to which the marker adds."""
    basics.assert_passed("test_marked", "test_options")


@rule("PLUGIN-11")
def test_modes(backend_name_and_variant: str) -> None:
    """Mode auto runs what has no marker, and leaves alone what has another plugin's; mode strict leaves both alone."""
    auto = project(backend_name_and_variant, "auto", mode="auto")
    auto.assert_passed("test_auto", "test_sync")
    auto.assert_failed("test_of_another_plugin", "not natively supported")
    strict = project(backend_name_and_variant, "auto")
    strict.assert_failed("test_of_another_plugin", "not natively supported")
    assert strict.one("test_auto").outcome == strict.one("test_sync").outcome == "failed"


@rule("PLUGIN-12")
def test_synchronous_tests(basics: Project) -> None:
    """Synchronous tests get values of async fixtures if they say so, and an explanation if not."""
    basics.assert_passed("test_sync_with_async_fixture", "test_sync_through_backend")
    basics.assert_failed(
        "test_sync_unmarked", "async fixture 'number' is used by the sync test 'test_sync_unmarked'", when="setup"
    )


@rule("PLUGIN-13")
def test_hypothesis(basics: Project) -> None:
    """Each example is run in the loop."""
    if find_spec("hypothesis") is None:
        untestable("hypothesis is not installed")
    basics.assert_passed("test_hypothesis", "test_hypothesis_ran")


@rule("PLUGIN-14")
def test_interrupt(backend_name_and_variant: str) -> None:
    """Ctrl-C has test and fixture clean up, in this order, and then ends the session."""
    interrupted = project(backend_name_and_variant, "interrupt")
    assert interrupted.status == 2, interrupted.output
    assert "KeyboardInterrupt" in interrupted.output
    first, second = interrupted.output.find("test cleaned up"), interrupted.output.find("fixture cleaned up")
    assert 0 < first < second, interrupted.output
    assert "test went on" not in interrupted.output
    assert "next test ran" not in interrupted.output


@rule("PLUGIN-15")
def test_fixtures_by_request(basics: Project) -> None:
    """An async fixture can be asked for by name where no loop runs, and nowhere else."""
    basics.assert_failed("test_fixture_asked_for_inside", "the async fixture 'number' can't be set up")
    basics.assert_passed("test_fixture_asked_for_by_a_fixture")


@rule("PLUGIN-16")
def test_callbacks(backend_name_and_variant: str) -> None:
    """A callback's error fails the running test, and no later one."""
    callbacks = project(backend_name_and_variant, "callbacks")
    callbacks.assert_failed("test_callback", "LookupError: in a callback")
    callbacks.assert_passed("test_after_callback")


@rule("PLUGIN-17")
def test_outcomes_in_child_tasks(trouble: Project) -> None:
    """Outcomes come out of groups of groups; a skip beside an error is part of the failure."""
    for name in ("test_skip_in_child", "test_unittest_skip_in_child"):
        assert trouble.one(name).phases["call"] == "skipped"
        assert not trouble.one(name).wasxfail
    trouble.assert_failed("test_fail_in_child", "Failed: from a child")
    assert trouble.one("test_xfail_in_child").wasxfail
    trouble.assert_failed("test_two_outcomes", "from one child", "from another child")


@rule("PLUGIN-18")
def test_classes(basics: Project) -> None:
    """The fixture's self is the test's, during set-up and clean-up."""
    basics.assert_passed("test_self")


@rule("PLUGIN-19")
def test_late_markers_and_names(basics: Project) -> None:
    """Tests that a hook has marked run with all their parameters, and a parameter may be called func."""
    basics.assert_passed("test_marked_late", "test_marked_late_with_parameters", "test_parameter_called_func")
    assert len(basics.of("test_marked_late_with_parameters")) == 2


@rule("PLUGIN-20")
def test_two_failures(trouble: Project) -> None:
    """The error of the test and that of the clean-up are both there."""
    trouble.assert_failed("test_both_fail", "ValueError: in the test")
    trouble.assert_failed("test_both_fail", "OSError: when it was undone", when="teardown")


@rule("PLUGIN-21")
def test_lonely_errors(trouble: Project) -> None:
    """One error in a group is shown as it is, and is still a group for xfail."""
    trouble.assert_failed("test_lonely_error", "ValueError: alone with 41")
    text = trouble.one("test_lonely_error").text
    assert "Traceback" not in text
    assert "accord/" not in text.replace("accord_conformance/", "")
    assert trouble.one("test_xfail_of_a_group").wasxfail
    assert trouble.one("test_xfail_of_a_group").outcome == "skipped"


@rule("PLUGIN-22")
def test_ports(basics: Project) -> None:
    """Ports are numbers, and no two are the same."""
    basics.assert_passed("test_ports")


@rule("PLUGIN-23")
def test_explored(backend_name_and_variant: str) -> None:
    """Each run has another schedule; a race fails with the steps that lead to it, a skip is a skip."""
    found = project(backend_name_and_variant, "explored")
    refusals = "'schedule'", "needs accord's own event loop", "does not follow it"
    if any(refusal in found.of("test_sound")[0].text for refusal in refusals):
        untestable("this backend or variant has no schedules")
    found.assert_passed("test_sound", "test_number_of_runs")
    found.assert_failed(
        "test_race", "ScheduleError: test_race fails in schedule", "AssertionError: one is lost", "replay("
    )
    assert found.one("test_skip").phases["call"] == "skipped"
    found.assert_failed("test_async_fixture", "can't use the async fixture 'number'")


@rule("PLUGIN-24")
def test_leak_check(backend_name_and_variant: str) -> None:
    """What is left behind is named; loops, idle worker threads and fixtures are no leaks."""
    found = project(backend_name_and_variant, "leaks")
    found.assert_passed("test_clean", "test_clean_beside_a_server")
    for name in ("test_descriptor", "test_sync_descriptor"):
        found.assert_failed(name, "2 file descriptors left behind", "pipe", when="teardown")
    found.assert_failed("test_thread", "1 thread left behind", "forgotten", when="teardown")
