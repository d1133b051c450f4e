# When which build runs, and as whom. What a build does stands in cloudbuild/.

locals {
  ref = "refs/heads/${var.branch}"

  # For all deployments to an environment, however they begin; _COMMIT comes besides.
  deploy_substitutions = {
    for name, environment in var.environments : name => {
      _PROJECT           = environment.project_id
      _REGION            = environment.region
      _PREFIX            = environment.prefix
      _ARTIFACTS         = google_storage_bucket.artifacts.name
      _CANARY_PERCENT    = tostring(environment.canary_percent)
      _CANARY_MINUTES    = tostring(environment.canary_minutes)
      _MAX_ERROR_PERCENT = tostring(environment.max_error_percent)
      _TOKEN_SECRET      = environment.token_secret
    }
  }
}

resource "google_cloudbuild_trigger" "pull_request" {
  project            = var.project_id
  location           = var.region
  name               = "turnscribe-pull-request"
  description        = "Checks a pull request"
  service_account    = google_service_account.checks.id
  filename           = "cloudbuild/pr.yaml"
  include_build_logs = "INCLUDE_BUILD_LOGS_WITH_STATUS"

  repository_event_config {
    repository = var.repository

    # What strangers send runs only after a maintainer has looked and said so.
    pull_request {
      branch          = "^${var.branch}$"
      comment_control = "COMMENTS_ENABLED_FOR_EXTERNAL_CONTRIBUTORS_ONLY"
    }
  }

  depends_on = [google_project_iam_member.writes_logs]
}

resource "google_cloudbuild_trigger" "build" {
  project         = var.project_id
  location        = var.region
  name            = "turnscribe-build"
  description     = "Builds the images of a commit"
  service_account = google_service_account.builder.id
  filename        = "cloudbuild/build.yaml"

  substitutions = {
    _REPOSITORY     = local.repository_uri
    _CACHE          = local.cache_uri
    _ARTIFACTS      = google_storage_bucket.artifacts.name
    _TOPIC          = google_pubsub_topic.images.id
    _SOURCE         = var.source_url
    _PYTHON_IMAGE   = var.python_image
    _BUILDKIT_IMAGE = var.buildkit_image
    _WHISPER        = tostring(var.whisper)
  }

  repository_event_config {
    repository = var.repository

    push {
      branch = "^${var.branch}$"
    }
  }

  depends_on = [google_project_iam_member.writes_logs]
}

# By hand: gcloud builds triggers run turnscribe-deploy-NAME --substitutions=_COMMIT=…
resource "google_cloudbuild_trigger" "deploy" {
  for_each = var.environments

  project         = var.project_id
  location        = var.region
  name            = "turnscribe-deploy-${each.key}"
  description     = "Deploys a commit's images to ${each.key}"
  service_account = google_service_account.deployer[each.key].id
  substitutions   = merge(local.deploy_substitutions[each.key], { _COMMIT = "" })

  source_to_build {
    repository = var.repository
    ref        = local.ref
    repo_type  = var.repository_type
  }

  git_file_source {
    path       = "cloudbuild/deploy.yaml"
    repository = var.repository
    revision   = local.ref
    repo_type  = var.repository_type
  }

  approval_config {
    approval_required = each.value.approval
  }

  depends_on = [google_project_iam_member.writes_logs]
}

resource "google_cloudbuild_trigger" "deploy_automatically" {
  for_each = { for name, environment in var.environments : name => environment if environment.automatic }

  project         = var.project_id
  location        = var.region
  name            = "turnscribe-deploy-${each.key}-automatically"
  description     = "Deploys each commit's images to ${each.key} once they are built"
  service_account = google_service_account.deployer[each.key].id
  substitutions   = merge(local.deploy_substitutions[each.key], { _COMMIT = "$(body.message.data.commit)" })

  pubsub_config {
    topic = google_pubsub_topic.images.id
  }

  source_to_build {
    repository = var.repository
    ref        = local.ref
    repo_type  = var.repository_type
  }

  git_file_source {
    path       = "cloudbuild/deploy.yaml"
    repository = var.repository
    revision   = local.ref
    repo_type  = var.repository_type
  }

  approval_config {
    approval_required = each.value.approval
  }

  depends_on = [google_project_iam_member.writes_logs]
}

resource "google_cloudbuild_trigger" "plan" {
  for_each = var.environments

  project         = var.project_id
  location        = var.region
  name            = "turnscribe-plan-${each.key}"
  description     = "Plans ${each.key}"
  service_account = google_service_account.terraform[each.key].id
  filename        = "cloudbuild/terraform.yaml"
  included_files  = ["terraform/environments/${each.key}/**", "terraform/modules/**", "common/*.json"]

  substitutions = {
    _ENVIRONMENT  = each.key
    _STATE_BUCKET = each.value.state_bucket
    _VARIABLES    = coalesce(each.value.variables, "gs://${each.value.state_bucket}/${each.key}.tfvars")
    _PLANS        = google_storage_bucket.plans.name
    _TOPIC        = google_pubsub_topic.plans[each.key].id
  }

  repository_event_config {
    repository = var.repository

    push {
      branch = "^${var.branch}$"
    }
  }

  depends_on = [google_project_iam_member.writes_logs]
}

# Each plan makes a build that waits. Approving it is approving the plan that its substitutions name.
resource "google_cloudbuild_trigger" "apply" {
  for_each = var.environments

  project         = var.project_id
  location        = var.region
  name            = "turnscribe-apply-${each.key}"
  description     = "Applies a plan of ${each.key}"
  service_account = google_service_account.terraform[each.key].id

  substitutions = {
    _ENVIRONMENT  = each.key
    _STATE_BUCKET = each.value.state_bucket
    _PLANS        = google_storage_bucket.plans.name
    _PLAN         = "$(body.message.data.plan)"
    _SHA256       = "$(body.message.data.sha256)"
  }

  pubsub_config {
    topic = google_pubsub_topic.plans[each.key].id
  }

  source_to_build {
    repository = var.repository
    ref        = local.ref
    repo_type  = var.repository_type
  }

  git_file_source {
    path       = "cloudbuild/terraform-apply.yaml"
    repository = var.repository
    revision   = local.ref
    repo_type  = var.repository_type
  }

  approval_config {
    approval_required = true
  }

  depends_on = [google_project_iam_member.writes_logs]
}
