# A Whisper server of one's own on Cloud Run: whisper_service on an L4 that is there only while somebody speaks.

locals {
  on_gpu     = var.gpu != null
  has_bucket = var.models_bucket != null
  mount_path = "/models"

  where_the_model_is = local.has_bucket ? {
    WHISPER_MODEL = "${local.mount_path}/${var.model}"
    # A folder that lacks its tokenizer would otherwise be completed from the internet, unseen, at each start.
    HF_HUB_OFFLINE = "1"
    } : {
    WHISPER_MODEL = var.model
    # The container's only place that can be written to; it is memory.
    HF_HOME = "/tmp/huggingface"
  }
}

module "service" {
  source = "../run_service"

  project_id            = var.project_id
  project_number        = var.project_number
  region                = var.region
  name                  = "${var.prefix}whisper"
  image                 = var.image
  service_account_email = var.service_account_email
  deployer_email        = var.deployer_email
  labels                = var.labels
  deletion_protection   = var.deletion_protection

  # Private: Cloud Run asks for an identity token, and the server itself for nothing.
  public   = false
  invokers = var.invokers

  cpu           = var.cpu
  memory        = var.memory
  gpu           = local.on_gpu ? { type = var.gpu, zonal_redundancy = var.zonal_redundancy } : null
  cpu_idle      = !local.on_gpu
  min_instances = var.min_instances
  max_instances = var.max_instances
  timeout_sec   = var.timeout_sec
  concurrency   = coalesce(var.concurrency, var.workers + var.queue)

  # Ready, and not merely there: the model has been read and has transcribed a second of silence.
  startup_probe = {
    path              = "/health/ready"
    period_sec        = 2
    timeout_sec       = 2
    failure_threshold = local.on_gpu ? 300 : 120
  }

  volumes = local.has_bucket ? { models = { bucket = var.models_bucket, mount_path = local.mount_path } } : {}

  env = merge(
    var.env,
    {
      WHISPER_DEVICE       = local.on_gpu ? "cuda" : "cpu"
      WHISPER_COMPUTE_TYPE = var.compute_type
      WHISPER_WORKERS      = tostring(var.workers)
      WHISPER_QUEUE        = tostring(var.queue)
    },
    local.where_the_model_is,
  )

  depends_on = [google_storage_bucket_iam_member.reads_models]
}

resource "google_storage_bucket_iam_member" "reads_models" {
  for_each = toset(local.has_bucket ? ["models"] : [])

  bucket = var.models_bucket
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${var.service_account_email}"
}
