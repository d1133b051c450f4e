import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudbuild.images.dockerfile import DockerfileError, parse

TWO_STAGES = """\
# A comment
ARG IMAGE=python:3.12-slim

FROM ${IMAGE} AS builder
WORKDIR /srv/x
RUN --mount=type=cache,target=/root/.cache/pip \\
    python -m pip install \\
    # between two lines
        --target packages

FROM ${IMAGE}
COPY --from=builder /srv/x /srv/x
ENV A=1 B="two words" C=${A}
CMD ["python", "-m", "x"]
"""


def test_stages_hold_what_stands_below_their_from() -> None:
    found = parse(TWO_STAGES)
    assert found.arguments == {"IMAGE": "python:3.12-slim"}
    assert [(stage.base, stage.name, stage.line) for stage in found.stages] == [
        ("${IMAGE}", "builder", 4),
        ("${IMAGE}", "", 11),
    ]
    assert [each.keyword for each in found.final.instructions] == ["COPY", "ENV", "CMD"]


def test_continued_lines_are_one_and_comments_between_them_are_none() -> None:
    (run,) = parse(TWO_STAGES).stages[0].all("RUN")
    assert run.value == "python -m pip install --target packages"
    assert (run.line, run.flags) == (6, {"mount": "type=cache,target=/root/.cache/pip"})


def test_a_command_in_exec_form_is_its_words() -> None:
    assert parse(TWO_STAGES).final.last("CMD").command() == ["python", "-m", "x"]


def test_pairs_may_be_quoted_and_may_refer_to_what_is_known() -> None:
    assert parse(TWO_STAGES).final.last("ENV").pairs({"A": "9"}) == {"A": "1", "B": "two words", "C": "9"}


def test_the_last_instruction_of_a_kind_counts() -> None:
    stage = parse('FROM x\nCMD ["a"]\nCMD ["b"]\n').final
    assert stage.last("CMD").command() == ["b"]
    with pytest.raises(DockerfileError, match="has no HEALTHCHECK"):
        stage.last("HEALTHCHECK")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no FROM"),
        ("RUN ls\nFROM x\n", "above the first FROM"),
        ("FROM x y\n", "IMAGE AS NAME"),
        ("FROM x\nADD a b\n", "ADD is not known"),
        ("FROM x\nONBUILD RUN ls\n", "ONBUILD is not known"),
        ("FROM --platform=linux/arm64 x\n", "--platform"),
        ("FROM x\nCOPY --chown=1 a b\n", "--chown"),
        ("FROM x\nCOPY --from=a --from=b a b\n", "stands twice"),
        ("FROM x\nRUN --network\n", "not known"),
        ("FROM x\nRUN cat <<EOF\n", "not known"),
        ("FROM x\nRUN\n", "not known"),
        ("FROM x\nRUN ls \\\n", "ends in the middle"),
        ("# syntax=docker/dockerfile:1\nFROM x\n", "directives"),
        ("# escape=`\nFROM x\n", "directives"),
    ],
)
def test_what_is_not_known_is_refused(text: str, why: str) -> None:
    with pytest.raises(DockerfileError, match=why):
        parse(text)


@pytest.mark.parametrize("value", ["python -m x", '"python"', "[]", "[1]", "{}", '["a"'])
def test_a_command_with_a_shell_around_it_is_refused(value: str) -> None:
    for text in (f"FROM x\nCMD {value}\n", f"FROM x\nHEALTHCHECK CMD {value}\n", "FROM x\nHEALTHCHECK NONE\n"):
        last = parse(text).final.instructions[-1]
        with pytest.raises(DockerfileError):
            last.command()


@pytest.mark.parametrize("value", ["A", "A=1 B", "A='x y'", 'A="x', "=1", 'A="x"y'])
def test_pairs_that_are_none_are_refused(value: str) -> None:
    with pytest.raises(DockerfileError, match="NAME=value"):
        parse(f"FROM x\nENV {value}\n").final.last("ENV").pairs({})


@pytest.mark.parametrize("value", ["${B}", "$B", "${A:-x}", "${A#x}"])
def test_a_variable_of_which_nothing_is_known_is_no_empty_one(value: str) -> None:
    with pytest.raises(DockerfileError, match="nothing is known"):
        parse(f"FROM x\nENV N={value}\n").final.last("ENV").pairs({"A": "1"})


@given(st.lists(st.text(min_size=1), min_size=1))
def test_any_words_survive_the_exec_form(words: list[str]) -> None:
    text = json.dumps(words)
    if "<<" in text:  # refused for here-documents, which begin so
        return
    assert parse(f"FROM x\nCMD {text}\n").final.last("CMD").command() == words
