# An environment to try things in: nothing runs while nobody sends anything but Redis and its connector, and all of it may be deleted.

module "turnscribe" {
  source = "../../modules/turnscribe"

  deletion_protection = false
  alerts              = false
  uptime_checks       = false
  bucket              = { force_destroy = true }
  redis               = { tier = "BASIC", memory_gb = 1 }

  services = {
    ingest     = { max_instances = 3 }
    segmenter  = { max_instances = 3 }
    transcribe = { max_instances = 3 }
    api        = { max_instances = 3 }
  }

  project_id     = var.project_id
  project_number = data.google_project.this.number
  region         = var.region
  prefix         = var.prefix
  labels         = { app = "turnscribe", environment = "dev" }
  images         = var.images
  deployer_email = var.deployer_email
  settings       = var.settings
  retention_days = var.retention_days

  whisper    = var.whisper
  engine_api = var.engine_api

  write_secrets     = var.write_secrets
  secret_versions   = var.secret_versions
  api_token         = var.api_token
  whisper_api_token = var.whisper_api_token
  engine_api_token  = var.engine_api_token

  domains               = var.domains
  cors_allowed_origins  = var.cors_allowed_origins
  upload_source_buckets = var.upload_source_buckets
  upload_publishers     = var.upload_publishers
  dropbox_writers       = var.dropbox_writers

  notification_emails   = var.notification_emails
  notification_channels = var.notification_channels
  runbook_url           = var.runbook_url
  budget                = var.budget
}
