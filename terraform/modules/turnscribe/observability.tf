# What is watched, and who is told.

module "observability" {
  source     = "../observability"
  depends_on = [google_project_service.this]

  project_id         = var.project_id
  project_number     = var.project_number
  region             = var.region
  prefix             = var.prefix
  labels             = var.labels
  services           = merge({ for service, made in module.services : service => made.name }, local.makes_whisper ? { whisper = module.whisper[0].name } : {})
  max_instances      = { for service, size in var.services : service => size.max_instances }
  subscriptions      = module.pubsub_pipe.subscription_names
  redis_instance_id  = module.redis.instance_id
  firestore_database = module.firestore.name
  uptime_urls        = var.uptime_checks ? local.public_urls : {}

  alerts                = var.alerts
  thresholds            = var.thresholds
  objectives            = var.objectives
  notification_emails   = var.notification_emails
  notification_channels = var.notification_channels
  runbook_url           = var.runbook_url
  budget                = var.budget
}
