# Everything that this environment makes, made up: tests/terraform reads it too.

mock_provider "time" {}

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789" }
  }

  mock_resource "google_secret_manager_secret_version" {
    defaults = { version = "1" }
  }

  mock_resource "google_redis_instance" {
    defaults = {
      host            = "10.8.2.3"
      port            = 6378
      auth_string     = "what-memorystore-made-up"
      server_ca_certs = [{ cert = "-----BEGIN CERTIFICATE-----\nof Redis\n-----END CERTIFICATE-----" }]
    }
  }
}

variables {
  project_id = "a-project"
  region     = "europe-west1"
  images = {
    ingest     = "images.example/ingest@sha256:1111111111111111111111111111111111111111111111111111111111111111"
    segmenter  = "images.example/segmenter@sha256:2222222222222222222222222222222222222222222222222222222222222222"
    transcribe = "images.example/transcribe@sha256:3333333333333333333333333333333333333333333333333333333333333333"
  }
  deployer_email      = "deploy@builds.iam.gserviceaccount.com"
  whisper             = { url = "https://whisper.example", has_token = true }
  engine_api          = { url = "https://engine.example" }
  api_token           = "what-nobody-may-read-in-any-state-1"
  whisper_api_token   = "what-nobody-may-read-in-any-state-2"
  engine_api_token    = "what-nobody-may-read-in-any-state-3"
  runbook_url         = "https://docs.turnscribe.example/runbook.md"
  notification_emails = { on_call = "on-call@turnscribe.example" }
  upload_publishers   = { recorders = "group:recorders@calls.example" }
  dropbox_writers     = { archive = "serviceAccount:archive@calls.iam.gserviceaccount.com" }

  upload_source_buckets = { call-recordings = {} }
}

run "everything" {
  command = apply

  assert {
    condition     = output.urls.ingest == "https://ingest-123456789.europe-west1.run.app"
    error_message = "services are looked for elsewhere than they are"
  }

  assert {
    condition     = output.environment.segmenter.REDIS_HOST == "10.8.2.3" && output.environment.segmenter.REDIS_TLS == "true"
    error_message = "the segmenter would have its hot state for itself"
  }
}

run "another_prefix_is_another_installation" {
  command = plan

  variables {
    prefix = "b-"
  }

  assert {
    condition     = output.urls.api == "https://b-api-123456789.europe-west1.run.app" && output.environment.api.FIRESTORE_DATABASE == "b-turnscribe"
    error_message = "two installations in a project would meet"
  }
}
