# The environment of each service. docs/settings.md says what each variable means; secrets are in services.tf.

locals {
  threads_for_health_checks = 4

  shared_env = {
    GCS_BUCKET           = module.storage.name
    GOOGLE_CLOUD_PROJECT = var.project_id
    FIRESTORE_DATABASE   = module.firestore.name
    PUBSUB_PREFIX        = var.prefix
    RAW_AUDIO_PATH       = var.paths.raw_audio
    SEGMENTS_PATH        = var.paths.segments
  }

  # Who may push, to the services that are pushed to. The audience is the service's own URL, as modules/pubsub_pipe has it signed.
  push_env = {
    for service in keys(local.push_deadlines_sec) : service => merge(
      {
        PUSH_AUTH             = "oidc"
        PUSH_AUDIENCE         = local.urls[service]
        PUSH_SERVICE_ACCOUNTS = local.emails.push
      },
      # Cloud Run takes the signature off a token that it has checked itself. Of those for a public service it checks none.
      contains(local.public, service) ? {} : { PUSH_SIGNATURE = "cloud_run" },
    )
  }

  whisper_env = merge(
    {
      WHISPER_SERVICE_URL = local.makes_whisper ? module.whisper[0].url : var.whisper.url
      WHISPER_DIALECT     = local.makes_whisper ? "openai" : var.whisper.dialect
      WHISPER_AUTH        = local.makes_whisper ? "google" : var.whisper.auth
    },
    var.whisper.audience == null ? {} : { WHISPER_AUDIENCE = var.whisper.audience },
  )

  engine_env = var.engine_api == null ? {} : {
    ENGINE_API_URL = var.engine_api.url
    ENGINE_TENANTS = join(",", var.engine_api.tenants)
  }

  # What ingest answers to: the page, which is served by the api, and whom the installation names besides.
  cors_origins = distinct(concat([local.public_urls.api], tolist(var.cors_allowed_origins)))

  # What is left out here is left to the services' own defaults, or to var.settings.
  service_env = {
    ingest = merge(local.push_env.ingest, {
      DROPBOX_PATH         = var.paths.dropbox
      TRANSCRIPT_API_URL   = local.urls.api
      CORS_ALLOWED_ORIGINS = join(",", local.cors_origins)
      # Both end before Cloud Run ends the request, so that there is an answer.
      WEBSOCKET_MAX_SEC      = tostring(var.services.ingest.timeout_sec - 60)
      TRANSCRIPTION_WAIT_SEC = tostring(var.services.ingest.timeout_sec - 60)
      },
      length(var.upload_source_buckets) == 0 ? {} : { UPLOAD_SOURCE_BUCKETS = join(",", keys(var.upload_source_buckets)) },
    )

    segmenter = merge(local.push_env.segmenter, {
      REDIS_HOST    = module.redis.host
      REDIS_PORT    = tostring(module.redis.port)
      REDIS_TLS     = "true"
      REDIS_CA_CERT = module.redis.ca_cert
    })

    transcribe = merge(local.push_env.transcribe, local.whisper_env, local.engine_env, {
      TRANSCRIBE_ROLE       = "worker"
      PUSH_ACK_DEADLINE_SEC = tostring(local.push_deadlines_sec.transcribe)
      RETENTION_DAYS        = tostring(var.retention_days)
    })

    api = {
      TRANSCRIBE_ROLE   = "api"
      INGEST_PUBLIC_URL = local.public_urls.ingest
      LIVE_READERS      = tostring(var.services.api.threads - 8)
      LIVE_MAX_SEC      = tostring(var.services.api.timeout_sec - 300)
      RETENTION_DAYS    = tostring(var.retention_days)
    }
  }

  env = {
    for service, own in local.service_env : service => merge(
      { TRACE_EXPORTER = "google" },
      local.shared_env,
      own,
      {
        WEB_CONCURRENCY = tostring(var.services[service].workers)
        # More than Cloud Run sends requests: its health checks need a thread however full an instance is, and one that does not answer
        # them is ended with all its streams.
        GUNICORN_THREADS = tostring(var.services[service].threads + local.threads_for_health_checks)
      },
      var.settings[service],
    )
  }

  # What var.settings must leave alone: it follows from the rest, or comes from Secret Manager or Cloud Run. Everything above but
  # TRACE_EXPORTER.
  owned_settings = toset([
    "API_HOST", "API_PORT", "API_TOKEN", "CORS_ALLOWED_ORIGINS", "DATA_DIR", "DROPBOX_PATH", "ENGINE_API_TOKEN", "ENGINE_API_URL",
    "ENGINE_TENANTS", "FIRESTORE_DATABASE", "GCS_BUCKET", "GOOGLE_CLOUD_PROJECT", "GUNICORN_CMD_ARGS", "GUNICORN_THREADS",
    "INGEST_PUBLIC_URL", "K_CONFIGURATION", "K_REVISION", "K_SERVICE", "LIVE_MAX_SEC", "LIVE_READERS", "OIDC_CERTS_URL", "PORT",
    "PUBSUB_PREFIX", "PUSH_ACK_DEADLINE_SEC", "PUSH_AUDIENCE", "PUSH_AUTH", "PUSH_SERVICE_ACCOUNTS", "PUSH_SIGNATURE", "PUSH_TOKEN",
    "RAW_AUDIO_PATH", "REDIS_CA_CERT", "REDIS_HOST", "REDIS_PASSWORD", "REDIS_PORT", "REDIS_TLS", "RETENTION_DAYS", "REVISION",
    "SEGMENTS_PATH", "TRANSCRIBE_ROLE", "TRANSCRIPTION_WAIT_SEC", "TRANSCRIPT_API_URL", "UPLOAD_SOURCE_BUCKETS",
    "WEBSOCKET_MAX_SEC", "WEB_CONCURRENCY", "WHISPER_API_TOKEN", "WHISPER_AUDIENCE", "WHISPER_AUTH", "WHISPER_DIALECT",
    "WHISPER_SERVICE_URL",
  ])
}
