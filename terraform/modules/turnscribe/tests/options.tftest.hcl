# What may be otherwise.

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

run "whisper_on_a_gpu_of_ones_own" {
  command = plan

  variables {
    whisper = {
      service = {
        image = "images.example/whisper@sha256:4444444444444444444444444444444444444444444444444444444444444444"
        model = "large-v3-turbo"
      }
    }
  }

  assert {
    condition = (
      local.env.transcribe.WHISPER_SERVICE_URL == "https://whisper-123456789.europe-west1.run.app" &&
      local.env.transcribe.WHISPER_AUTH == "google" && local.env.transcribe.WHISPER_DIALECT == "openai"
    )
    error_message = "transcribe asks somebody else, or without showing who it is"
  }

  assert {
    condition     = output.service_accounts.whisper == "turnscribe-whisper@a-project.iam.gserviceaccount.com"
    error_message = "Whisper runs as somebody else"
  }
}

run "a_whisper_server_in_the_other_dialect" {
  command = plan

  variables {
    whisper           = { url = "https://whisper.example/transcribe", dialect = "plain", has_token = true }
    whisper_api_token = "a-token"
  }

  assert {
    condition = (
      local.env.transcribe.WHISPER_SERVICE_URL == "https://whisper.example/transcribe" && local.env.transcribe.WHISPER_DIALECT == "plain" &&
      local.secret_env.transcribe == tomap({ WHISPER_API_TOKEN = "whisper-api-token" }) &&
      join(",", local.secret_readers["whisper-api-token"]) == "transcribe"
    )
    error_message = "transcribe speaks another dialect, or has no token"
  }
}

run "domains_of_ones_own" {
  command = plan

  variables {
    domains = { ingest = "ingest.turnscribe.example", api = "turnscribe.example" }
  }

  assert {
    condition = (
      output.urls == { ingest = "https://ingest.turnscribe.example", api = "https://turnscribe.example" } &&
      local.env.api.INGEST_PUBLIC_URL == "https://ingest.turnscribe.example" &&
      local.env.ingest.CORS_ALLOWED_ORIGINS == "https://turnscribe.example"
    )
    error_message = "the page records somewhere else, or is not let in"
  }

  assert {
    condition     = local.env.ingest.TRANSCRIPT_API_URL == local.urls.api && local.env.ingest.PUSH_AUDIENCE == local.urls.ingest
    error_message = "what goes from service to service takes the way round by the domain"
  }
}

run "an_engine_api" {
  command = plan

  variables {
    engine_api       = { url = "https://engine.example", tenants = ["default", "acme"] }
    engine_api_token = "a-token"
  }

  assert {
    condition = (
      local.env.transcribe.ENGINE_API_URL == "https://engine.example" && local.env.transcribe.ENGINE_TENANTS == "acme,default" &&
      local.secret_env.transcribe == tomap({ ENGINE_API_TOKEN = "engine-api-token" })
    )
    error_message = "transcripts go elsewhere, or without a token"
  }
}

run "settings_of_ones_own_come_last" {
  command = plan

  variables {
    settings = {
      segmenter  = { SPEAKER_DELAY_SEC = "auto" }
      transcribe = { WHISPER_LANGUAGE = "de", TRACE_EXPORTER = "none" }
    }
  }

  assert {
    condition = (
      local.env.segmenter.SPEAKER_DELAY_SEC == "auto" && local.env.transcribe.WHISPER_LANGUAGE == "de" &&
      local.env.transcribe.TRACE_EXPORTER == "none" && local.env.ingest.TRACE_EXPORTER == "google"
    )
    error_message = "a setting does not reach its service, or reaches another"
  }
}

run "uploads_by_other_ways" {
  command = plan

  variables {
    upload_publishers     = { recorders = "group:recorders@calls.example" }
    dropbox_writers       = { archive = "serviceAccount:archive@calls.iam.gserviceaccount.com" }
    upload_source_buckets = { call-recordings = {}, theirs = { grant = false } }
  }

  assert {
    condition = (
      google_storage_bucket_iam_member.dropbox_writers["archive"].role == "roles/storage.objectCreator" &&
      google_storage_bucket_iam_member.dropbox_writers["archive"].condition[0].expression == "resource.name.startsWith(\"projects/_/buckets/a-project-turnscribe/objects/dropbox/\")"
    )
    error_message = "who drops files reaches more than the drop box"
  }

  assert {
    condition = (
      keys(google_storage_bucket_iam_member.ingest_reads_sources) == ["call-recordings"] &&
      local.env.ingest.UPLOAD_SOURCE_BUCKETS == "call-recordings,theirs"
    )
    error_message = "ingest reads other buckets than said"
  }
}

run "redis_without_a_password" {
  command = plan

  variables {
    redis_auth = false
  }

  assert {
    condition     = length(local.secret_env.segmenter) == 0 && !contains(keys(local.secret_readers), "redis-auth") && local.env.segmenter.REDIS_TLS == "true"
    error_message = "the segmenter asks for a secret that there is not"
  }
}

run "no_connector_with_direct_egress" {
  command = plan

  variables {
    network = { egress = "direct" }
  }

  assert {
    condition     = module.network.vpc_access.connector == null && !contains(keys(google_project_service.this), "vpcaccess.googleapis.com")
    error_message = "a connector is made that nobody uses"
  }
}

run "private_services_are_called_by_who_pushes_and_by_who_deploys" {
  command = plan

  variables {
    deployer_email = "deploy@builds.iam.gserviceaccount.com"
  }

  assert {
    condition = local.private_invokers == {
      push     = "serviceAccount:turnscribe-push@a-project.iam.gserviceaccount.com"
      deployer = "serviceAccount:deploy@builds.iam.gserviceaccount.com"
    }
    error_message = "a revision could not be looked at before it gets traffic, or somebody else may call"
  }
}

run "secrets_that_somebody_adds_by_hand" {
  command = plan

  variables {
    write_secrets = false
    api_token     = null
  }

  assert {
    condition     = alltrue([for secret in values(module.secrets.secrets) : secret.version == "latest"])
    error_message = "a service waits for a version that nobody writes"
  }
}
