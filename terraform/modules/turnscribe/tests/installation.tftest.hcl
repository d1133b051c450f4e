# What an installation is when little is said of it.

mock_provider "google" {}

variables {
  project_id     = "a-project"
  project_number = "123456789"
  region         = "europe-west1"
  images = {
    ingest     = "images.example/ingest@sha256:1111111111111111111111111111111111111111111111111111111111111111"
    segmenter  = "images.example/segmenter@sha256:2222222222222222222222222222222222222222222222222222222222222222"
    transcribe = "images.example/transcribe@sha256:3333333333333333333333333333333333333333333333333333333333333333"
  }
  whisper     = { url = "https://whisper.example" }
  api_token   = "what-nobody-may-read-in-any-state"
  runbook_url = "https://docs.turnscribe.example/runbook.md"
}

run "an_installation_hangs_together" {
  command = plan

  # Services find one another before they are made.
  assert {
    condition = output.service_urls == {
      ingest     = "https://ingest-123456789.europe-west1.run.app"
      segmenter  = "https://segmenter-123456789.europe-west1.run.app"
      transcribe = "https://transcribe-123456789.europe-west1.run.app"
      api        = "https://api-123456789.europe-west1.run.app"
    }
    error_message = "a service is looked for elsewhere than it is"
  }

  assert {
    condition = (
      local.env.ingest.TRANSCRIPT_API_URL == local.urls.api &&
      local.env.api.INGEST_PUBLIC_URL == local.urls.ingest &&
      local.env.ingest.CORS_ALLOWED_ORIGINS == local.urls.api
    )
    error_message = "ingest and the api, or the page, don't find each other"
  }

  # Pushes are believed where they are signed for.
  assert {
    condition = alltrue([
      for service in ["ingest", "segmenter", "transcribe"] :
      local.env[service].PUSH_AUDIENCE == local.urls[service] &&
      local.env[service].PUSH_AUTH == "oidc" &&
      local.env[service].PUSH_SERVICE_ACCOUNTS == "turnscribe-push@a-project.iam.gserviceaccount.com"
    ])
    error_message = "a service refuses its pushes"
  }

  assert {
    condition = (
      !contains(keys(local.env.ingest), "PUSH_SIGNATURE") &&
      local.env.segmenter.PUSH_SIGNATURE == "cloud_run" &&
      local.env.transcribe.PUSH_SIGNATURE == "cloud_run"
    )
    error_message = "a public service takes tokens unchecked, or a private one looks for a signature that Cloud Run has taken off"
  }

  assert {
    condition     = length([for name in keys(local.env.api) : name if startswith(name, "PUSH_")]) == 0 && local.env.api.TRANSCRIBE_ROLE == "api"
    error_message = "the api takes pushes"
  }

  # Requests end before Cloud Run ends them.
  assert {
    condition = (
      local.env.ingest.WEBSOCKET_MAX_SEC == "540" && local.env.ingest.TRANSCRIPTION_WAIT_SEC == "540" &&
      local.env.api.LIVE_MAX_SEC == "3300" && local.env.api.LIVE_READERS == "250" &&
      local.env.transcribe.PUSH_ACK_DEADLINE_SEC == "60"
    )
    error_message = "a request is cut off without an answer"
  }

  # What is shared is the same everywhere.
  assert {
    condition = alltrue([
      for env in values(local.env) :
      env.GCS_BUCKET == "a-project-turnscribe" && env.GOOGLE_CLOUD_PROJECT == "a-project" && env.FIRESTORE_DATABASE == "(default)" &&
      env.RAW_AUDIO_PATH == "raw" && env.SEGMENTS_PATH == "segments" && env.TRACE_EXPORTER == "google"
    ])
    error_message = "two services look for the same thing in different places"
  }

  # Secrets are read by who needs them.
  assert {
    condition     = local.secret_readers == { "api-token" = ["ingest", "api"], "redis-auth" = ["segmenter"] }
    error_message = "a service may read a secret that it does not need, or lacks one"
  }

  # Nobody may delete audio but who erases it.
  assert {
    condition = alltrue([
      for name, access in local.bucket_access :
      google_storage_bucket_iam_member.services[name].role == access.role &&
      google_storage_bucket_iam_member.services[name].member == "serviceAccount:turnscribe-${access.service}@a-project.iam.gserviceaccount.com" &&
      startswith(google_storage_bucket_iam_member.services[name].condition[0].expression, "resource.type == \"storage.googleapis.com/Bucket\" || resource.name.startsWith(\"projects/_/buckets/a-project-turnscribe/objects/")
    ])
    error_message = "a service reaches more of the bucket than it is for"
  }

  assert {
    condition     = alltrue([for access in values(local.bucket_access) : contains(["roles/storage.objectCreator", "roles/storage.objectUser", "roles/storage.objectViewer"], access.role)])
    error_message = "a service administers the bucket"
  }

  # The database and no other.
  assert {
    condition = alltrue([
      for member in google_project_iam_member.database :
      member.role == "roles/datastore.user" && member.condition[0].expression == "resource.name == \"projects/a-project/databases/(default)\""
    ])
    error_message = "a service reaches other databases of the project"
  }

  # APIs stay on when the installation goes.
  assert {
    condition     = alltrue([for api in google_project_service.this : !api.disable_on_destroy])
    error_message = "taking an installation down breaks what else is in the project"
  }

  # Every variable that Terraform sets is its own.
  assert {
    condition     = length(setsubtract(flatten([for env in values(local.env) : keys(env)]), setunion(local.owned_settings, ["TRACE_EXPORTER"]))) == 0
    error_message = "settings may override what follows from the rest"
  }
}
