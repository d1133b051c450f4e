# The four services on Cloud Run, and who may call them. Terraform says how they run; which image runs is Cloud Build's business.

locals {
  secret_env = {
    ingest    = { API_TOKEN = "api-token" }
    segmenter = var.redis_auth ? { REDIS_PASSWORD = "redis-auth" } : {}
    transcribe = merge(
      var.whisper.has_token ? { WHISPER_API_TOKEN = "whisper-api-token" } : {},
      try(var.engine_api.has_token, false) ? { ENGINE_API_TOKEN = "engine-api-token" } : {},
    )
    api = { API_TOKEN = "api-token" }
  }

  images = merge(var.images, { api = var.images.transcribe })

  # Everybody may call the two that ask for a token of their own. Of the others Cloud Run asks for the push account's.
  public = toset(["ingest", "api"])

  # Who deploys asks a revision how it is before it gives it any traffic. It could change the service to do anything as it is.
  private_invokers = merge(
    { push = local.members.push },
    { for key, email in { deployer = var.deployer_email } : key => "serviceAccount:${email}" if email != null },
  )
}

module "services" {
  source   = "../run_service"
  for_each = local.service_names

  # A revision that may not read its secrets does not start.
  depends_on = [module.secrets]

  project_id            = var.project_id
  project_number        = var.project_number
  region                = var.region
  name                  = each.value
  image                 = local.images[each.key]
  service_account_email = local.emails[each.key]
  deployer_email        = var.deployer_email
  deletion_protection   = var.deletion_protection
  labels                = merge(var.labels, { service = each.key })

  env = local.env[each.key]
  secret_env = {
    for variable, secret in local.secret_env[each.key] : variable => {
      secret  = module.secrets.secrets[secret].secret_id
      version = module.secrets.secrets[secret].version
    }
  }

  cpu           = var.services[each.key].cpu
  memory        = var.services[each.key].memory
  min_instances = var.services[each.key].min_instances
  max_instances = var.services[each.key].max_instances
  timeout_sec   = var.services[each.key].timeout_sec
  concurrency   = var.services[each.key].workers * var.services[each.key].threads

  # Redis is all that is not reached through Google's APIs.
  vpc_access = each.key == "segmenter" ? module.network.vpc_access : null

  public   = contains(local.public, each.key)
  invokers = contains(local.public, each.key) ? {} : local.private_invokers
}

module "load_balancer" {
  source     = "../load_balancer"
  count      = length(var.domains) == 0 ? 0 : 1
  depends_on = [google_project_service.this]

  project_id = var.project_id
  region     = var.region
  prefix     = var.prefix
  domains    = var.domains
  services   = { for service in keys(var.domains) : service => module.services[service].name }
}
