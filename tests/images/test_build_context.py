from pathlib import Path, PurePosixPath

import pytest

from cloudbuild.images.build_context import BuildContext, ignored, rules

OURS = """\
# a comment
*
!common
!requirements

**/__pycache__
**/*.py[cod]
"""


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("README.md", True),
        (".git/config", True),
        ("common/a.py", False),
        ("common/adapters/google/a.py", False),
        ("common/a.pyc", True),
        ("common/adapters/__pycache__/a.cpython-312.pyc", True),
        ("common/__pycache__", True),
        ("requirements/ingest.txt", False),
        ("commonplace/a.py", True),
        ("tests/common/a.py", True),
    ],
)
def test_the_last_rule_that_matches_a_file_or_a_folder_around_it_decides(path: str, out: bool) -> None:
    assert ignored(PurePosixPath(path), rules(OURS)) is out


@pytest.mark.parametrize(
    ("pattern", "path", "out"),
    [
        ("a", "a", True),
        ("a", "b/a", False),
        ("/a", "a", True),
        ("a/", "a/b", True),
        ("*.md", "x.md", True),
        ("*.md", "a/x.md", False),
        ("**/*.md", "x.md", True),
        ("**/*.md", "a/b/x.md", True),
        ("a/**", "a/b/c", True),
        ("a/**/d", "a/b/c/d", True),
        ("a?", "ab", True),
        ("a?", "a/", False),
        ("a.b", "axb", False),
        ("[ab].txt", "a.txt", True),
    ],
)
def test_patterns_mean_what_docker_says(pattern: str, path: str, out: bool) -> None:
    assert ignored(PurePosixPath(path), rules(pattern)) is out


@pytest.fixture
def context(tmp_path: Path) -> BuildContext:
    project = tmp_path / "project"
    for name in ("common/a.py", "common/b/c.lua", "common/b/__pycache__/c.pyc", "requirements/x.txt", "secret.txt"):
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (project / ".dockerignore").write_text(OURS)
    return BuildContext.of(project)


def test_a_folder_is_copied_without_what_is_ignored(context: BuildContext, tmp_path: Path) -> None:
    context.copy("common", tmp_path / "to")
    assert sorted(path.relative_to(tmp_path).as_posix() for path in (tmp_path / "to").rglob("*.*")) == [
        "to/a.py",
        "to/b/c.lua",
    ]


def test_a_file_is_copied_to_the_name_that_it_is_given(context: BuildContext, tmp_path: Path) -> None:
    context.copy("requirements/x.txt", tmp_path / "to.txt")
    assert (tmp_path / "to.txt").read_text() == "requirements/x.txt"


@pytest.mark.parametrize("source", ["secret.txt", "nothing", "common/b/__pycache__"])
def test_what_is_not_in_the_context_cannot_be_copied(context: BuildContext, tmp_path: Path, source: str) -> None:
    with pytest.raises(FileNotFoundError, match=source):
        context.copy(source, tmp_path / "to")
