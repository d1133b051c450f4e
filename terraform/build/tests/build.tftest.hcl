mock_provider "google" {}

variables {
  project_id    = "builds"
  region        = "europe-west1"
  registry_host = "images.example"
  repository    = "projects/builds/locations/europe-west1/connections/github/repositories/turnscribe"
  environments = {
    staging = {
      project_id     = "a-project"
      project_number = "123456789"
      region         = "europe-west1"
      prefix         = "staging-"
      state_bucket   = "a-project-terraform"
      automatic      = true
      approval       = false
    }
    prod = {
      project_id     = "another-project"
      project_number = "987654321"
      region         = "europe-west4"
      state_bucket   = "another-project-terraform"
      variables      = "gs://elsewhere/prod.tfvars"
      token_secret   = "rollout-token"
      canary_percent = 5
    }
  }
}

run "images_are_kept_where_a_tag_never_moves" {
  command = plan

  assert {
    condition     = google_artifact_registry_repository.images.format == "DOCKER" && google_artifact_registry_repository.images.docker_config[0].immutable_tags
    error_message = "a commit's tag could be given to another image"
  }

  assert {
    condition = (
      one([for policy in google_artifact_registry_repository.images.cleanup_policies : policy.most_recent_versions[0].keep_count if policy.action == "KEEP"]) == 150 &&
      one([for policy in google_artifact_registry_repository.images.cleanup_policies : policy.condition[0].older_than if policy.action == "DELETE"]) == "15552000s" &&
      !google_artifact_registry_repository.images.cleanup_policy_dry_run
    )
    error_message = "old images stay for ever, or new ones do not"
  }

  assert {
    condition     = google_artifact_registry_repository.images.vulnerability_scanning_config[0].enablement_config == "INHERITED" && contains(keys(google_project_service.this), "containerscanning.googleapis.com")
    error_message = "nobody looks for vulnerabilities"
  }

  assert {
    condition     = length(google_artifact_registry_repository.cache.docker_config) == 0
    error_message = "the next build could not replace the cache"
  }
}

run "every_build_runs_as_an_account_of_its_own" {
  command = apply

  assert {
    condition = length(distinct(concat(
      [google_cloudbuild_trigger.pull_request.service_account, google_cloudbuild_trigger.build.service_account],
      [for trigger in google_cloudbuild_trigger.deploy : trigger.service_account],
      [for trigger in google_cloudbuild_trigger.plan : trigger.service_account],
    ))) == 6
    error_message = "two kinds of builds share an account"
  }

  assert {
    condition = alltrue([
      for name in keys(var.environments) :
      google_cloudbuild_trigger.apply[name].service_account == google_service_account.terraform[name].id &&
      google_cloudbuild_trigger.deploy[name].service_account == google_service_account.deployer[name].id
    ])
    error_message = "an environment's build runs as another environment's account"
  }

  assert {
    condition     = toset(keys(google_project_iam_member.writes_logs)) == toset(["checks", "builder", "deployer-staging", "deployer-prod", "terraform-staging", "terraform-prod"])
    error_message = "a build could not write its log, and would not start"
  }
}

run "a_pull_request_of_a_stranger_waits_for_a_maintainer_and_its_account_may_write_logs_alone" {
  command = apply

  assert {
    condition     = google_cloudbuild_trigger.pull_request.repository_event_config[0].pull_request[0].comment_control == "COMMENTS_ENABLED_FOR_EXTERNAL_CONTRIBUTORS_ONLY"
    error_message = "anybody's code would run"
  }

  assert {
    condition = !contains(concat(
      [for grant in google_artifact_registry_repository_iam_member.builder_pushes : grant.member],
      [for grant in google_artifact_registry_repository_iam_member.deployer_reads_images : grant.member],
      [for grant in google_storage_bucket_iam_member.builder_records : grant.member],
      [for grant in google_storage_bucket_iam_member.terraform_keeps_state : grant.member],
      [for grant in google_project_iam_member.terraform_makes_the_environment : grant.member],
      [google_pubsub_topic_iam_member.builder_tells.member],
    ), "serviceAccount:${google_service_account.checks.email}")
    error_message = "a pull request's code could push images"
  }
}

run "a_record_cannot_be_replaced" {
  command = plan

  assert {
    condition     = toset([for grant in google_storage_bucket_iam_member.builder_records : grant.role]) == toset(["roles/storage.objectCreator", "roles/storage.objectViewer"])
    error_message = "a build could give a commit other images"
  }

  assert {
    condition     = alltrue([for grant in google_storage_bucket_iam_member.deployer_reads_records : grant.role == "roles/storage.objectViewer"])
    error_message = "a deployment could give a commit other images"
  }
}

run "each_environments_cloud_run_may_pull" {
  command = plan

  assert {
    condition = toset([for grant in google_artifact_registry_repository_iam_member.cloud_run_pulls : grant.member]) == toset([
      "serviceAccount:service-123456789@serverless-robot-prod.iam.gserviceaccount.com",
      "serviceAccount:service-987654321@serverless-robot-prod.iam.gserviceaccount.com",
    ])
    error_message = "a revision would not find its image"
  }
}

run "deployments_begin_as_their_environment_says" {
  command = apply

  assert {
    condition     = keys(google_cloudbuild_trigger.deploy_automatically) == ["staging"] && !google_cloudbuild_trigger.deploy_automatically["staging"].approval_config[0].approval_required
    error_message = "staging does not take each commit, or prod does"
  }

  assert {
    condition     = google_cloudbuild_trigger.deploy_automatically["staging"].pubsub_config[0].topic == google_pubsub_topic.images.id && google_cloudbuild_trigger.build.substitutions._TOPIC == google_pubsub_topic.images.id
    error_message = "nobody tells the deployment of new images"
  }

  assert {
    condition     = google_cloudbuild_trigger.deploy["prod"].approval_config[0].approval_required && !google_cloudbuild_trigger.deploy["staging"].approval_config[0].approval_required
    error_message = "prod is deployed to without approval"
  }

  assert {
    condition = (
      google_cloudbuild_trigger.deploy["prod"].substitutions._PROJECT == "another-project" &&
      google_cloudbuild_trigger.deploy["prod"].substitutions._REGION == "europe-west4" &&
      google_cloudbuild_trigger.deploy["prod"].substitutions._PREFIX == "" &&
      google_cloudbuild_trigger.deploy["prod"].substitutions._CANARY_PERCENT == "5" &&
      google_cloudbuild_trigger.deploy["prod"].substitutions._TOKEN_SECRET == "rollout-token" &&
      google_cloudbuild_trigger.deploy["staging"].substitutions._PREFIX == "staging-"
    )
    error_message = "a deployment goes somewhere else than its environment says"
  }

  assert {
    condition     = google_cloudbuild_trigger.deploy["prod"].substitutions._ARTIFACTS == google_cloudbuild_trigger.build.substitutions._ARTIFACTS
    error_message = "a deployment looks for images where no build records them"
  }
}

run "nothing_is_applied_without_approval" {
  command = apply

  assert {
    condition     = alltrue([for trigger in google_cloudbuild_trigger.apply : trigger.approval_config[0].approval_required])
    error_message = "a plan would be applied by itself"
  }

  assert {
    condition = alltrue([
      for name, trigger in google_cloudbuild_trigger.apply :
      trigger.pubsub_config[0].topic == google_pubsub_topic.plans[name].id &&
      google_cloudbuild_trigger.plan[name].substitutions._TOPIC == google_pubsub_topic.plans[name].id &&
      google_cloudbuild_trigger.plan[name].substitutions._PLANS == trigger.substitutions._PLANS &&
      google_cloudbuild_trigger.plan[name].substitutions._STATE_BUCKET == trigger.substitutions._STATE_BUCKET
    ])
    error_message = "what is applied is not what was planned"
  }

  assert {
    condition = (
      google_cloudbuild_trigger.plan["prod"].substitutions._VARIABLES == "gs://elsewhere/prod.tfvars" &&
      google_cloudbuild_trigger.plan["staging"].substitutions._VARIABLES == "gs://a-project-terraform/staging.tfvars"
    )
    error_message = "an environment is planned with the variables of another"
  }
}

run "plans_are_gone_after_a_week_and_seen_by_their_environment_alone" {
  command = plan

  assert {
    condition = (
      one(google_storage_bucket.plans.lifecycle_rule[0].condition).age == 7 &&
      google_storage_bucket.plans.soft_delete_policy[0].retention_duration_seconds == 0 &&
      google_storage_bucket.plans.public_access_prevention == "enforced"
    )
    error_message = "what a plan says would be kept or shown"
  }

  assert {
    condition = alltrue([
      for key, grant in google_storage_bucket_iam_member.terraform_keeps_plans :
      grant.condition[0].expression == "resource.name.startsWith(\"projects/_/buckets/builds-turnscribe-plans/objects/${split(" ", key)[0]}/\")"
    ])
    error_message = "an environment's account could read another's plans"
  }
}

run "a_token_is_read_by_its_environments_deployer_alone" {
  command = plan

  assert {
    condition = (
      keys(google_secret_manager_secret_iam_member.deployer_reads_its_token) == ["prod"] &&
      google_secret_manager_secret_iam_member.deployer_reads_its_token["prod"].project == "another-project" &&
      google_secret_manager_secret_iam_member.deployer_reads_its_token["prod"].secret_id == "rollout-token"
    )
    error_message = "the token of the last look can't be read, or by somebody else"
  }
}

run "terraform_cannot_make_itself_an_owner" {
  command = plan

  assert {
    condition = [
      for grant in google_project_iam_member.terraform_makes_the_environment : grant.condition[0].expression
      if grant.role == "roles/resourcemanager.projectIamAdmin"
      ] == [
      for environment in var.environments :
      "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(['roles/cloudtrace.agent', 'roles/datastore.user'])"
    ]
    error_message = "Terraform's account could grant any role"
  }

  assert {
    condition     = length(setintersection(local.terraform_roles, ["roles/owner", "roles/editor"])) == 0
    error_message = "Terraform's account is an owner"
  }

  assert {
    condition     = toset([for key, grant in google_project_iam_member.terraform_makes_the_environment : grant.project if startswith(key, "prod ")]) == toset(["another-project"])
    error_message = "an environment's account reaches another environment"
  }
}

run "a_name_that_makes_no_account_is_refused" {
  command = plan

  variables {
    environments = {
      Production = { project_id = "a-project", project_number = "123456789", region = "europe-west1", state_bucket = "state" }
    }
  }

  expect_failures = [var.environments]
}

run "a_canary_longer_than_a_build_is_refused" {
  command = plan

  variables {
    environments = {
      prod = { project_id = "a-project", project_number = "123456789", region = "europe-west1", state_bucket = "state", canary_minutes = 90 }
    }
  }

  expect_failures = [var.environments]
}

run "a_repository_of_the_first_generation_is_refused" {
  command = plan

  variables {
    repository = "turnscribe"
  }

  expect_failures = [var.repository]
}
