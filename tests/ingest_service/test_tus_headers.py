import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.problems import Problem
from ingest_service.http.tus_headers import SAID, refuse_other_types, upload_metadata
from tests.ingest_service.tus import metadata

KEYS = st.sampled_from(sorted(SAID | {"filename", "filetype"}))


@given(st.dictionaries(KEYS, st.text()))
def test_metadata_is_read_as_it_was_written(said: dict[str, str]) -> None:
    assert upload_metadata(metadata(said)) == said


@pytest.mark.parametrize("header", ["", " ", ",", "filename", "filename ,filetype"])
def test_values_may_be_missing(header: str) -> None:
    assert set(upload_metadata(header).values()) <= {""}


@given(st.text(st.characters(codec="ascii"), max_size=60))
def test_whatever_else_comes_is_a_problem_that_names_the_header(header: str) -> None:
    refused = None
    try:
        said = upload_metadata(header)
    except Problem as problem:
        refused, said = problem, {}
    assert refused is None or (refused.status, refused.detail[:15]) == (400, "Upload-Metadata")
    assert said.keys() <= SAID | {"filename", "filetype", "name", "type", "relativePath"}


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("filename YQ==,filename Yg==", "filename more than once"),
        ("filename /w==", "UTF-8 for the key filename"),
        ("filename Y", "base64"),
        ("filename YQ==  ", ""),
        ("colour cmVk", "unknown key colour"),
    ],
)
def test_what_is_wrong_is_named(header: str, named: str) -> None:
    if not named:
        assert upload_metadata(header) == {"filename": "a"}
        return
    with pytest.raises(Problem, match=named):
        upload_metadata(header)


def test_the_type_of_a_part_may_have_parameters() -> None:
    refuse_other_types("Application/Offset+Octet-Stream; charset=binary")
