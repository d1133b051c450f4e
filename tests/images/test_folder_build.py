import sys
from pathlib import Path

import pytest

from cloudbuild.images.base_python import BasePython
from cloudbuild.images.build_context import BuildContext
from cloudbuild.images.dockerfile import DockerfileError, parse
from cloudbuild.images.folder_build import BuildFailed, Image, build

TEXT = """\
ARG PYTHON_IMAGE=python:3.12-slim
FROM ${PYTHON_IMAGE} AS builder
ARG FILE=a.txt
WORKDIR /srv/turnscribe
COPY sources/${FILE} got.txt
RUN --mount=type=cache,target=/root/.cache/pip cat got.txt > /srv/turnscribe/made.txt && echo "$FILE" >> made.txt

FROM ${PYTHON_IMAGE}
COPY --from=builder /srv/turnscribe/made.txt /srv/turnscribe/made/
WORKDIR /srv/turnscribe/made
ARG PYTHON_IMAGE
ARG REVISION=""
LABEL base="${PYTHON_IMAGE}" revision="${REVISION}"
ENV WHERE=/srv/turnscribe/made:/elsewhere REVISION=${REVISION}
USER 65532:65533
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=1s CMD ["true"]
CMD ["python", "/srv/turnscribe/made/x.py"]
"""
BASE = BasePython(Path(sys.prefix), "3.12.1", "here", None)


@pytest.fixture
def context(tmp_path: Path) -> BuildContext:
    sources = tmp_path / "project" / "sources"
    sources.mkdir(parents=True)
    (sources / "a.txt").write_text("a\n")
    (sources / "b.txt").write_text("b\n")
    (tmp_path / "project" / ".dockerignore").write_text("")
    return BuildContext.of(tmp_path / "project")


def built(context: BuildContext, tmp_path: Path, text: str = TEXT, **arguments: str) -> Image:
    return build(parse(text), context, BASE, tmp_path / "image", arguments)


def test_a_file_that_a_stage_made_comes_into_the_image(context: BuildContext, tmp_path: Path) -> None:
    text = TEXT.replace("made.txt /srv/turnscribe/made/", "made.txt /srv/turnscribe/made/made.txt")
    image = built(context, tmp_path, text)
    assert (image.folder / "made" / "made.txt").read_text() == "a\na.txt\n"
    assert not (image.folder / "got.txt").exists()


def test_a_folder_that_a_stage_made_comes_into_the_image(context: BuildContext, tmp_path: Path) -> None:
    text = TEXT.replace("/srv/turnscribe/made.txt /srv/turnscribe/made/", "/srv/turnscribe /srv/turnscribe/made")
    image = built(context, tmp_path, text, FILE="b.txt")
    assert (image.folder / "made" / "made.txt").read_text() == "b\nb.txt\n"


def test_paths_of_the_image_are_those_of_the_folder(context: BuildContext, tmp_path: Path) -> None:
    text = TEXT.replace("/made.txt /srv/turnscribe/made/", " /srv/turnscribe/made")
    image = built(context, tmp_path, text, REVISION="0f3a9c1e", PYTHON_IMAGE="python:3.12-slim@sha256:00")
    assert image.environ == {"WHERE": f"{image.folder}/made:/elsewhere", "REVISION": "0f3a9c1e"}
    assert image.workdir == image.folder / "made"
    assert image.command == ("python", f"{image.folder}/made/x.py")
    assert (image.uid, image.gid, image.health) == (65532, 65533, ("true",))
    assert image.labels == {"base": "python:3.12-slim@sha256:00", "revision": "0f3a9c1e"}


@pytest.mark.parametrize(
    ("line", "error", "why"),
    [
        ("RUN false", BuildFailed, "ended with 1"),
        ("RUN echo gone wrong; exit 3", BuildFailed, "(?s)ended with 3.*gone wrong"),
        ("RUN --mount=type=secret,id=x ls", DockerfileError, "no mount but of a cache"),
        ("COPY sources /etc", DockerfileError, "/etc lies outside"),
        ("COPY sources ../..", DockerfileError, "lies outside"),
        ("WORKDIR /", DockerfileError, "/ lies outside"),
        ("COPY sources/*.txt all", DockerfileError, "one file or folder"),
        ("COPY sources/a.txt sources/b.txt all", DockerfileError, "one file or folder"),
        ("COPY --from=other /srv/turnscribe all", DockerfileError, "no stage 'other'"),
        ("COPY sources/c.txt c.txt", FileNotFoundError, "sources/c.txt"),
    ],
)
def test_what_cannot_be_done_ends_the_build(
    context: BuildContext, tmp_path: Path, line: str, error: type[Exception], why: str
) -> None:
    text = f"FROM x AS builder\nWORKDIR /srv/turnscribe\n{line}\nFROM x\n"
    with pytest.raises(error, match=why):
        built(context, tmp_path, text)


def test_nothing_is_run_in_the_final_stage(context: BuildContext, tmp_path: Path) -> None:
    with pytest.raises(DockerfileError, match="line 3: RUN: changes the base image"):
        built(context, tmp_path, "FROM x\nWORKDIR /srv/turnscribe\nRUN apt-get install gcc\n")
