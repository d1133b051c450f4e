import sys
from pathlib import Path

import pytest

from cloudbuild.images.imports import Import, missing, reached

FILES = {
    "common/__init__.py": "",
    "common/web.py": "import flask\nfrom common.health import Drain\n",
    "common/health.py": "import json\n",
    "common/unreached.py": "import nowhere\n",
    "x_service/__init__.py": "",
    "x_service/bootstrap.py": """\
from typing import TYPE_CHECKING

from common import web
from google.cloud import storage

if TYPE_CHECKING:
    import only_for_types
else:
    import only_at_run_time

class Engine:
    def load(self):
        import heavy.part
        from common.late import late
""",
    "common/late.py": "try:\n    import perhaps\nexcept ImportError:\n    pass\n",
}


@pytest.fixture
def code(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_what_is_imported_is_found_through_the_projects_own_modules(code: Path) -> None:
    found = reached(code, ["x_service.bootstrap", "x_service.__main__"])
    outside = {each.name: each for each in found if each.name.partition(".")[0] not in {"typing", "json"}}
    assert outside == {
        name: Import(name, by, always)
        for name, by, always in (
            ("flask", "common.web", True),
            ("google.cloud.storage", "x_service.bootstrap", True),
            ("only_at_run_time", "x_service.bootstrap", True),
            ("heavy.part", "x_service.bootstrap", False),
            ("perhaps", "common.late", True),
        )
    }


@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("json", False),
        ("json.decoder", False),
        ("json.loads", False),
        ("nowhere", True),
        ("nowhere.at.all", True),
        ("space", False),
        ("space.module", False),
        ("space.gone", True),
    ],
)
def test_a_name_is_missing_where_no_module_holds_it(tmp_path: Path, name: str, absent: bool) -> None:
    (tmp_path / "space").mkdir()  # a package without __init__, as google.cloud is
    (tmp_path / "space" / "module.py").touch()
    one = Import(name, "common.web", always=True)
    assert missing([one], [sys.executable], {"PYTHONPATH": str(tmp_path)}) == ([one] if absent else [])
