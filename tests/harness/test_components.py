"""The component plugin: what it skips, what it fails and what it says at the end. Pytest runs pytest here."""

from pathlib import Path

import pytest

from tests.components import COMPONENTS, Component, required_components

pytest_plugins = ("pytester",)

NEEDS_ABSENT = """
    import pytest

    @pytest.mark.component("absent")
    def test_needs_what_is_absent():
        raise AssertionError("ran")

    @pytest.mark.component("present")
    def test_needs_what_is_present():
        pass
"""


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A pytest with the plugin, one component that every machine has and one that no machine has."""
    monkeypatch.setitem(COMPONENTS, "absent", Component("absent", lambda _config: False, "look elsewhere"))
    monkeypatch.setitem(COMPONENTS, "present", Component("present", lambda _config: True, "no need"))
    for name in ("TURNSCRIBE_REQUIRE", "TURNSCRIBE_CORPUS", "TURNSCRIBE_NOT_COVERED"):
        monkeypatch.delenv(name, raising=False)
    pytester.makeini("[pytest]\nmarkers = component(name): needs it\naddopts = --strict-markers -p tests.components")
    return pytester


def test_a_missing_component_skips_its_tests_and_is_named_at_the_end(inner: pytest.Pytester) -> None:
    inner.makepyfile(NEEDS_ABSENT)
    result = inner.runpytest_inprocess()
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(
        ["*not covered in this run*", "absent: 1 test skipped; look elsewhere", "*1 passed, 1 skipped*"]
    )


def test_what_other_processes_skipped_is_named_too(
    inner: pytest.Pytester, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(pytestconfig.rootpath))
    inner.makeconftest(
        """
        from tests.components import COMPONENTS, Component
        COMPONENTS["absent"] = Component("absent", lambda _config: False, "look elsewhere")
        COMPONENTS["present"] = Component("present", lambda _config: True, "no need")
        """
    )
    inner.makepyfile(test_one=NEEDS_ABSENT, test_two=NEEDS_ABSENT)
    result = inner.runpytest_subprocess("-n", "2", "--dist", "loadfile")
    result.assert_outcomes(passed=2, skipped=2)
    result.stdout.fnmatch_lines(["absent: 2 tests skipped; look elsewhere"])


@pytest.mark.parametrize(("required", "outcome"), [("", {"skipped": 1}), ("present", {"errors": 1})])
def test_what_turns_out_to_be_missing_only_when_it_is_started_is_missing_all_the_same(
    inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, required: str, outcome: dict[str, int]
) -> None:
    monkeypatch.setenv("TURNSCRIBE_REQUIRE", required)
    inner.makepyfile(
        """
        import pytest
        from tests.components import turned_out_missing

        @pytest.fixture
        def started(pytestconfig):
            turned_out_missing(pytestconfig, "present", "it does not start")

        def test_it(started): pass
        """
    )
    result = inner.runpytest_inprocess()
    result.assert_outcomes(**outcome)
    result.stdout.fnmatch_lines(
        ["*present is missing (it does not start)*"] if required else ["present: 1 test skipped; no need"]
    )


def test_nothing_is_said_when_nothing_is_missing(inner: pytest.Pytester) -> None:
    inner.makepyfile("def test_needs_nothing(): pass")
    result = inner.runpytest_inprocess()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*not covered*")


@pytest.mark.parametrize("setting", ["all", "present, absent"])
def test_a_required_component_that_is_missing_fails_its_tests(
    inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setenv("TURNSCRIBE_REQUIRE", setting)
    inner.makepyfile(NEEDS_ABSENT)
    result = inner.runpytest_inprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*absent is missing: look elsewhere (TURNSCRIBE_REQUIRE demands it)*"])


def test_another_required_component_changes_nothing(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNSCRIBE_REQUIRE", "present")
    inner.makepyfile(NEEDS_ABSENT)
    inner.runpytest_inprocess().assert_outcomes(passed=1, skipped=1)


def test_a_component_that_nobody_knows_fails(inner: pytest.Pytester) -> None:
    inner.makepyfile("import pytest\n@pytest.mark.component('flux')\ndef test_it(): pass")
    result = inner.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*component(flux) is not one of*corpus*redis*"])


def test_a_mistyped_requirement_stops_the_run(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNSCRIBE_REQUIRE", "rediss")
    result = inner.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*TURNSCRIBE_REQUIRE: rediss; known are all,*"])


def test_all_leaves_out_what_cannot_be_installed() -> None:
    assert required_components("all") == COMPONENTS.keys() - {"corpus"}
    assert required_components("all,corpus") == COMPONENTS.keys()
    assert required_components("all,-emulators,corpus") == COMPONENTS.keys() - {"emulators"}
    with pytest.raises(pytest.UsageError, match="emulator;"):
        required_components("all,-emulator")
    assert required_components("") == set()


@pytest.mark.parametrize("how", ["option", "variable"])
def test_the_corpus_is_given_by_option_or_variable(
    inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: str
) -> None:
    (tmp_path / "a.wav").touch()
    inner.makepyfile(
        "import pytest\n@pytest.mark.component('corpus')\ndef test_it(corpus): assert (corpus / 'a.wav').exists()"
    )
    if how == "variable":
        monkeypatch.setenv("TURNSCRIBE_CORPUS", str(tmp_path))
        result = inner.runpytest_inprocess()
    else:
        result = inner.runpytest_inprocess(f"--corpus={tmp_path}")
    result.assert_outcomes(passed=1)


def test_without_corpus_the_end_says_how_to_pass_it(inner: pytest.Pytester) -> None:
    inner.makepyfile("import pytest\n@pytest.mark.component('corpus')\ndef test_it(corpus): pass")
    result = inner.runpytest_inprocess()
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["corpus: 1 test skipped; pass its folder: --corpus=DIR*"])


def test_a_corpus_that_is_no_folder_stops_the_run(inner: pytest.Pytester, tmp_path: Path) -> None:
    result = inner.runpytest_inprocess(f"--corpus={tmp_path / 'nowhere'}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_the_caller_may_add_what_else_was_not_covered(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNSCRIBE_NOT_COVERED", "Python 3.13: not found here")
    inner.makepyfile("def test_needs_nothing(): pass")
    inner.runpytest_inprocess().stdout.fnmatch_lines(["*not covered in this run*", "Python 3.13: not found here"])
