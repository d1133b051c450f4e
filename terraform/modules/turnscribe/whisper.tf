# A Whisper server of one's own, on a GPU that is there while there is something to transcribe. Its only caller is transcribe.

module "whisper" {
  source     = "../whisper"
  count      = local.makes_whisper ? 1 : 0
  depends_on = [google_project_service.this]

  project_id            = var.project_id
  project_number        = var.project_number
  region                = coalesce(var.whisper.service.region, var.region)
  prefix                = var.prefix
  image                 = var.whisper.service.image
  service_account_email = local.emails["whisper"]
  invokers              = { transcribe = local.members.transcribe }
  model                 = var.whisper.service.model
  models_bucket         = var.whisper.service.models_bucket
  gpu                   = var.whisper.service.gpu == "none" ? null : var.whisper.service.gpu
  cpu                   = var.whisper.service.cpu
  memory                = var.whisper.service.memory
  min_instances         = var.whisper.service.min_instances
  max_instances         = var.whisper.service.max_instances
  deployer_email        = var.deployer_email
  deletion_protection   = var.deletion_protection
  labels                = merge(var.labels, { service = "whisper" })
}
