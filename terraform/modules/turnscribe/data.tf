# Where things lie: bucket, database, Redis with its network, secrets.

module "storage" {
  source     = "../storage"
  depends_on = [google_project_service.this]

  project_id       = var.project_id
  name             = coalesce(var.bucket.name, "${var.project_id}-${var.prefix}turnscribe")
  location         = coalesce(var.bucket.location, var.region)
  soft_delete_days = var.bucket.soft_delete_days
  force_destroy    = var.bucket.force_destroy

  raw_audio_classes = var.bucket.raw_audio_classes
  segment_classes   = var.bucket.segment_classes
  delete_after_days = var.bucket.delete_after_days

  raw_path      = var.paths.raw_audio
  segments_path = var.paths.segments
  dropbox_path  = var.paths.dropbox
  labels        = var.labels
}

module "firestore" {
  source     = "../firestore"
  depends_on = [google_project_service.this]

  project_id             = var.project_id
  location               = coalesce(var.firestore.location, var.region)
  name                   = coalesce(var.firestore.name, var.prefix == "" ? "(default)" : "${var.prefix}turnscribe")
  delete_protection      = var.deletion_protection
  point_in_time_recovery = var.firestore.point_in_time_recovery
}

module "network" {
  source     = "../network"
  depends_on = [google_project_service.this]

  project_id  = var.project_id
  region      = var.region
  prefix      = var.prefix
  egress      = var.network.egress
  connector   = var.network.connector
  subnet_cidr = var.network.subnet_cidr
}

# There is no way to do without: in a process of its own the hot state is the instance's, and Cloud Run's instances come and go.
module "redis" {
  source     = "../redis"
  depends_on = [module.network]

  project_id             = var.project_id
  region                 = var.region
  prefix                 = var.prefix
  network_id             = module.network.network_id
  private_services_range = module.network.private_services_range
  tier                   = var.redis.tier
  memory_gb              = var.redis.memory_gb
  auth                   = var.redis_auth
  labels                 = var.labels
}

locals {
  # Who reads which secret.
  secret_readers = merge(
    { "api-token" = ["ingest", "api"] },
    var.redis_auth ? { "redis-auth" = ["segmenter"] } : {},
    var.whisper.has_token ? { "whisper-api-token" = ["transcribe"] } : {},
    try(var.engine_api.has_token, false) ? { "engine-api-token" = ["transcribe"] } : {},
  )
}

module "secrets" {
  source     = "../secrets"
  depends_on = [google_project_service.this]

  project_id = var.project_id
  prefix     = var.prefix
  labels     = var.labels

  secrets = {
    for name, readers in local.secret_readers : name => {
      accessor_emails = { for reader in readers : reader => local.emails[reader] }
      version         = var.write_secrets ? lookup(var.secret_versions, name, 1) : null
    }
  }

  values = var.write_secrets ? {
    "api-token"         = var.api_token
    "redis-auth"        = module.redis.auth_string
    "whisper-api-token" = var.whisper_api_token
    "engine-api-token"  = var.engine_api_token
  } : {}
}
