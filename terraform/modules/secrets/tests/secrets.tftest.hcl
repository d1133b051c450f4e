mock_provider "google" {
  mock_resource "google_secret_manager_secret_version" {
    defaults = {
      version = "7"
    }
  }
}

variables {
  project_id = "a-project"
  prefix     = "dev-"
  labels     = { environment = "dev" }
  secrets = {
    api-token = {
      accessor_emails = {
        ingest = "ingest@a-project.iam.gserviceaccount.com"
        api    = "api@a-project.iam.gserviceaccount.com"
      }
      version = 1
    }
    engine-api-token = {
      accessor_emails = { transcribe = "transcribe@a-project.iam.gserviceaccount.com" }
    }
  }
  values = { api-token = "a-value-of-this-test" }
}

run "a_secret_s_value_is_sent_and_not_kept" {
  command = apply

  assert {
    condition = (
      google_secret_manager_secret_version.this["api-token"].secret_data == null &&
      google_secret_manager_secret_version.this["api-token"].secret_data_wo == null
    )
    error_message = "the value would be in Terraform's state"
  }

  assert {
    condition     = !strcontains(jsonencode([google_secret_manager_secret.this, google_secret_manager_secret_version.this, output.secrets]), "a-value-of-this-test")
    error_message = "the value would be somewhere else in Terraform's state"
  }

  assert {
    condition     = google_secret_manager_secret_version.this["api-token"].secret_data_wo_version == 1
    error_message = "nothing would say when to write another value"
  }
}

run "without_a_version_none_is_made" {
  command = apply

  assert {
    condition     = toset(keys(google_secret_manager_secret_version.this)) == toset(["api-token"])
    error_message = "a secret whose versions are added by hand would get one from Terraform"
  }

  assert {
    condition     = toset(keys(google_secret_manager_secret.this)) == toset(["api-token", "engine-api-token"])
    error_message = "there would be no secret to add a version to"
  }
}

run "services_refer_to_the_version_that_was_written_else_to_the_latest" {
  command = apply

  assert {
    condition     = output.secrets["api-token"].version == "7"
    error_message = "a revision that is gone back to would read another value than it was made with"
  }

  assert {
    condition     = output.secrets["engine-api-token"].version == "latest"
    error_message = "a version that somebody adds would not be read"
  }

  assert {
    condition     = output.secrets["api-token"].secret_id == google_secret_manager_secret.this["api-token"].id
    error_message = "services would look for another secret"
  }
}

run "each_secret_is_read_by_those_that_are_named_and_nobody_else" {
  command = plan

  assert {
    condition = {
      for key, grant in google_secret_manager_secret_iam_member.reads : key => "${grant.role} ${grant.member}"
      } == {
      "api-token/ingest"            = "roles/secretmanager.secretAccessor serviceAccount:ingest@a-project.iam.gserviceaccount.com"
      "api-token/api"               = "roles/secretmanager.secretAccessor serviceAccount:api@a-project.iam.gserviceaccount.com"
      "engine-api-token/transcribe" = "roles/secretmanager.secretAccessor serviceAccount:transcribe@a-project.iam.gserviceaccount.com"
    }
    error_message = "somebody else may read a secret, or somebody cannot who must"
  }
}

run "a_grant_is_on_its_own_secret" {
  command = apply

  assert {
    condition = alltrue([
      for key, grant in google_secret_manager_secret_iam_member.reads :
      grant.secret_id == google_secret_manager_secret.this[split("/", key)[0]].id
    ])
    error_message = "a service could read another secret than its own"
  }
}

run "a_later_plan_does_without_the_values" {
  command = plan

  variables {
    values = {}
  }

  assert {
    condition     = google_secret_manager_secret_version.this["api-token"].secret_data_wo_version == 1
    error_message = "every plan would want the secrets again"
  }
}

run "an_old_version_stays_for_revisions_that_name_it" {
  command = plan

  variables {
    secrets = { api-token = { version = 2 } }
  }

  assert {
    condition     = google_secret_manager_secret_version.this["api-token"].deletion_policy == "ABANDON"
    error_message = "going back to an earlier revision would fail: its secret would be gone"
  }

  assert {
    condition     = google_secret_manager_secret_version.this["api-token"].secret_data_wo_version == 2
    error_message = "the new value would not be written"
  }
}

run "secrets_are_named_and_replicated_by_google_s_choice" {
  command = plan

  assert {
    condition = alltrue([
      for name, secret in google_secret_manager_secret.this :
      secret.secret_id == "dev-${name}" && secret.labels["environment"] == "dev" &&
      length(secret.replication[0].auto) == 1 && length(secret.replication[0].user_managed) == 0 &&
      length(secret.rotation) == 0 && length(secret.topics) == 0
    ])
    error_message = "a secret is not named, kept or labelled as the environment's"
  }
}

run "secrets_stay_in_the_regions_that_are_named" {
  command = plan

  variables {
    replica_regions = ["europe-west1", "europe-west4"]
  }

  assert {
    condition = alltrue([
      for secret in google_secret_manager_secret.this :
      length(secret.replication[0].auto) == 0 &&
      toset([for replica in secret.replication[0].user_managed[0].replicas : replica.location]) == toset(["europe-west1", "europe-west4"])
    ])
    error_message = "a secret would be kept where it must not be"
  }
}

run "a_reminder_to_rotate_comes_where_it_is_asked_for" {
  command = plan

  variables {
    rotation_reminder = { topic = "projects/a-project/topics/secrets", first_at = "2027-02-01T00:00:00Z" }
  }

  assert {
    condition = alltrue([
      for secret in google_secret_manager_secret.this :
      secret.rotation[0].rotation_period == "7776000s" && secret.rotation[0].next_rotation_time == "2027-02-01T00:00:00Z" &&
      secret.topics[0].name == "projects/a-project/topics/secrets"
    ])
    error_message = "nobody would be told to rotate after 90 days"
  }
}

run "what_would_fail_later_is_refused_here" {
  command = plan

  variables {
    prefix            = "dev"
    secrets           = { "api token" = { version = 0, accessor_emails = { api = "serviceAccount:api@a-project.iam.gserviceaccount.com" } } }
    rotation_reminder = { topic = "secrets", every_days = 0, first_at = "soon" }
  }

  expect_failures = [var.prefix, var.secrets, var.rotation_reminder]
}
