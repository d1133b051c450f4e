#!/usr/bin/env bash
# What holds for all Terraform here: format, validity, its own tests on mocked providers, and checkov's policies. `make terraform`
# runs it, with the environment of the development tools as its argument. Needs no account: nothing is planned against Google Cloud.
# With --without-environments their tests are left out, for who runs tests/terraform besides, which applies each of them.
#
# Providers come from their registry. Where that can't be reached, TERRAFORM_OFFLINE names a program that runs terraform on
# stand-ins; one in ../shared/tools is taken by itself.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=$1
environments=${2:-}
export TERRAFORM_OFFLINE=${TERRAFORM_OFFLINE:-$PWD/../shared/tools/terraform-offline/terraform-offline}
checkov=.venv/checkov

# Every folder with Terraform of its own: modules, environments, and the root that builds.
folders() {
    git ls-files --cached --others --exclude-standard 'terraform/*.tf' | xargs -n 1 dirname | sort -u |
        if [[ $environments == --without-environments ]]; then grep -v ^terraform/environments/; else cat; fi
}

# Validity and tests of one folder. Prints what terraform said only where it failed.
check_folder() {
    local folder=$1 said
    if ! compgen -G "$folder/tests/*.tftest.hcl" >/dev/null; then
        printf '%s: has no tests\n' "$folder"
        return 1
    fi
    if [[ -x $TERRAFORM_OFFLINE ]]; then
        said=$("$TERRAFORM_OFFLINE" validate "$folder" --root . 2>&1 && "$TERRAFORM_OFFLINE" test "$folder" --root . 2>&1)
    else
        # What init leaves behind lies elsewhere, so that the tree stays as it is.
        TF_DATA_DIR=$(mktemp -d)
        export TF_DATA_DIR
        said=$(terraform -chdir="$folder" init -backend=false -input=false 2>&1 && terraform -chdir="$folder" validate 2>&1 &&
            terraform -chdir="$folder" test 2>&1)
    fi || {
        printf '%s: FAILED\n%s\n' "$folder" "$said"
        return 1
    }
    printf '%s: %s\n' "$folder" "$(tail -n 1 <<<"$said")"
}

# checkov pins a hundred packages its own way, so it has an environment of its own.
install_checkov() {
    [[ $checkov/.installed -nt requirements/checkov.txt ]] && return
    "$tools/python" -m venv --clear --without-pip "$checkov"
    "$tools/uv" pip install --quiet --python "$checkov/bin/python" --require-hashes -r requirements/checkov.txt
    touch "$checkov/.installed"
}

export -f check_folder
failed=()
terraform fmt -check -diff -recursive terraform || failed+=("format: terraform fmt -recursive terraform")
folders | xargs -P "$(nproc)" -I{} bash -euo pipefail -c 'check_folder {}' || failed+=("validity or tests")
install_checkov
"$checkov/bin/checkov" --config-file terraform/.checkov.yaml || failed+=("checkov")

if ((${#failed[@]})); then
    printf 'terraform: %s\n' "${failed[@]}" >&2
    exit 1
fi
