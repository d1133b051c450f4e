# What cannot work, and is said before anything is made.

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

run "a_cloud_without_redis_or_without_whisper" {
  command = plan

  variables {
    whisper  = {}
    redis    = { tier = "EMBEDDED" }
    settings = { segmenter = { REDIS_HOST = "" } }
  }

  expect_failures = [var.whisper, var.redis, var.settings]
}

run "a_cut_that_outlasts_its_push" {
  command = plan

  variables {
    services = { segmenter = { timeout_sec = 61 } }
    settings = { segmenter = { PUSH_AUDIENCE = "https://elsewhere.example" } }
  }

  expect_failures = [var.services, var.settings]
}

run "an_upload_that_outlasts_its_push" {
  command = plan

  variables {
    services = { ingest = { timeout_sec = 601 } }
  }

  expect_failures = [var.services]
}

run "too_little_time_for_a_segment" {
  command = plan

  variables {
    services = { transcribe = { timeout_sec = 30 } }
  }

  expect_failures = [var.services]
}

run "readers_in_two_processes_and_two_whispers" {
  command = plan

  variables {
    services = { api = { workers = 2 } }
    whisper = {
      url = "https://whisper.example"
      service = {
        image = "images.example/whisper@sha256:4444444444444444444444444444444444444444444444444444444444444444"
        model = "small"
      }
    }
  }

  expect_failures = [var.services, var.whisper]
}

run "audio_in_the_clear_and_more_instances_at_least_than_at_most" {
  command = plan

  variables {
    services = { ingest = { min_instances = 5, max_instances = 3 } }
    whisper  = { url = "http://whisper.example" }
  }

  expect_failures = [var.services, var.whisper]
}

run "secrets_that_are_shown_guessed_or_misspelt" {
  command = plan

  variables {
    settings        = { ingest = { API_TOKEN = "what-everybody-may-read-who-sees-the-service" } }
    whisper         = { url = "https://whisper.example", auth = "google", has_token = true }
    api_token       = "secret"
    secret_versions = { api_tokn = 2 }
  }

  expect_failures = [var.settings, var.whisper, var.api_token, var.secret_versions]
}

run "names_that_are_none" {
  command = plan

  variables {
    prefix         = "development-"
    region         = "europe-west1-b"
    project_number = "a-project"
    domains        = { api = "https://turnscribe.example" }
    images = {
      ingest     = "images.example/ingest:latest"
      segmenter  = "images.example/segmenter:latest"
      transcribe = "images.example/transcribe:latest"
    }
  }

  expect_failures = [var.prefix, var.region, var.project_number, var.domains, var.images]
}

run "folders_in_one_another_and_doors_for_everybody" {
  command = plan

  variables {
    paths                = { segments = "raw/segments" }
    domains              = { segmenter = "segmenter.turnscribe.example" }
    dropbox_writers      = { anybody = "allUsers" }
    cors_allowed_origins = ["https://meet.example/"]
    settings             = { ingest = { log_level = "DEBUG" } }
  }

  expect_failures = [var.paths, var.domains, var.dropbox_writers, var.cors_allowed_origins, var.settings]
}

run "one_folder_for_two_things" {
  command = plan

  variables {
    paths = { dropbox = "raw" }
  }

  expect_failures = [var.paths]
}
