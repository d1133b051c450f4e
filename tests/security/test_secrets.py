"""Nothing secret is in the project's files or in its history; and a secret that was there would be found.

The planted ones are put together here, so that this file holds none.
"""

import hashlib
import subprocess
from pathlib import Path

import pytest

from security import find_secrets
from security.find_secrets import FORBIDDEN_NAMES, find, in_file, in_history, known, tracked, unexplained
from tests.security.conftest import ROOT

R20 = "Zq3rT7vWx9Yb2Kc5Nd8P"
PLANTED = {
    "Private Key": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE",
    "AWS Access Key": "AKIA" + "Q7WZ3RTYV5XB2KCN",
    "GitHub Token": "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8",
    "JSON Web Token": "ey" + "JhbGciOiJIUzI1NiJ9.ey" + "JzdWIiOiIxIn0." + R20,
    "Slack Token": "xox" + "b-123456789012-123456789012-" + R20,
    "Stripe Access Key": "sk_" + "live_" + R20 + "aBcD",
    "Basic Auth Credentials": "https://reader:" + "s3cretword@db.example/",
    "Anthropic key": "sk-ant-" + "api03-" + R20,
    "Google API key": "AIza" + R20 + "Aa0Bb1Cc2Dd3Ee4",
    "Google OAuth client secret": "GOCSPX-" + R20,
    "Google access token": "ya29." + R20,
    "Google service account": '"private_key' + '_id": "' + "0123456789abcdef" * 2 + '01234567"',
    "Hugging Face token": "hf_" + R20 + R20,
    "OpenAI project key": "sk-proj-" + R20 * 3,
    "webhook secret": "whsec_" + R20 * 2,
}


@pytest.fixture(scope="module")
def history() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("the sources are not a git checkout")


def test_no_tracked_file_holds_a_secret(history: None) -> None:
    names = tracked(ROOT)
    assert len(names) > 500
    assert [each.where for each in unexplained(each for name in names for each in in_file(ROOT / name, name))] == []


def test_no_commit_ever_added_one(history: None) -> None:
    assert [each.where for each in unexplained(in_history(ROOT))] == []


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_secret_is_found_where_it_is(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "settings.py"
    path.write_text(f"# one\n# two\nTOKEN = '{PLANTED[kind]}'\n")
    assert {(each.where, each.kind) for each in in_file(path, "settings.py")} >= {("settings.py:3", kind)}
    assert find_secrets.main([str(path)]) == 1
    told = capsys.readouterr().err
    assert f"settings.py:3: {kind}" in told
    assert PLANTED[kind] not in told, "who reads the log of a build must not read the secret"


def test_what_is_none_is_not_found(tmp_path: Path) -> None:
    for harmless in (
        hashlib.sha256(b"x").hexdigest(),
        "token = os.environ['API_TOKEN']",
        "password=hunter2",
        "https://whisper.example/v1?token=",
        "Authorization: Bearer {token}",
        "x" + PLANTED["Google API key"],
        "0" + PLANTED["OpenAI project key"],
    ):
        assert list(find(harmless)) == []


def test_a_secret_that_was_taken_out_again_is_found_in_the_history(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", "-C", tmp_path, *arguments], check=True, capture_output=True)

    git("init", "--quiet")
    git("config", "user.email", "nobody@turnscribe.example")
    git("config", "user.name", "nobody")
    for content in ("one\n", f"one\nkey = {PLANTED['GitHub Token']}\n", "one\n"):
        (tmp_path / "a.txt").write_text(content)
        git("add", "a.txt")
        git("commit", "--quiet", "--message", "x")
    (tmp_path / "prod.tfvars").write_text("x = 1\n")
    git("add", "--force", "prod.tfvars")
    git("commit", "--quiet", "--message", "x")
    found = {(each.where.partition(" ")[2], each.kind) for each in in_history(tmp_path)}
    assert found == {("a.txt", "GitHub Token"), ("prod.tfvars", "file that holds secrets")}
    assert [each.kind for each in in_file(tmp_path / "prod.tfvars", "prod.tfvars")] == ["file that holds secrets"]


@pytest.mark.parametrize(
    "name", ["terraform/environments/dev/terraform.tfvars", ".env", "a/.env.local", "k.pem", "x.tfstate", "id_rsa"]
)
def test_files_that_hold_secrets_are_known_by_their_names(name: str) -> None:
    assert FORBIDDEN_NAMES.search(name)
    assert not FORBIDDEN_NAMES.search(f"{name}.example")


def test_what_is_known_to_be_none_says_why() -> None:
    assert known((ROOT / "security" / "known.toml").read_text())
    for broken in ('sha256 = "00"\nreason = "x"', f'sha256 = "{"0" * 64}"\nreason = ""', f'sha256 = "{"0" * 64}"'):
        with pytest.raises(ValueError, match="reason"):
            known(f"[[known]]\n{broken}\n")


def test_each_commit_is_looked_over_before_it_is_made() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    assert "entry: .venv/bin/python security/find_secrets.py" in hooks
