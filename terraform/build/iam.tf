# What the accounts may do in the project that builds.

resource "google_project_iam_member" "writes_logs" {
  for_each = local.accounts

  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = "serviceAccount:${each.value}"
}

resource "google_artifact_registry_repository_iam_member" "builder_pushes" {
  for_each = {
    images = google_artifact_registry_repository.images.name
    cache  = google_artifact_registry_repository.cache.name
  }

  project    = var.project_id
  location   = var.region
  repository = each.value
  role       = "roles/artifactregistry.writer"
  member     = "serviceAccount:${google_service_account.builder.email}"
}

# To create and to read, and so not to replace: that would take the right to delete.
resource "google_storage_bucket_iam_member" "builder_records" {
  for_each = toset(["roles/storage.objectCreator", "roles/storage.objectViewer"])

  bucket = google_storage_bucket.artifacts.name
  role   = each.value
  member = "serviceAccount:${google_service_account.builder.email}"
}

resource "google_pubsub_topic_iam_member" "builder_tells" {
  project = var.project_id
  topic   = google_pubsub_topic.images.name
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:${google_service_account.builder.email}"
}

resource "google_storage_bucket_iam_member" "deployer_reads_records" {
  for_each = var.environments

  bucket = google_storage_bucket.artifacts.name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${google_service_account.deployer[each.key].email}"
}

# Cloud Run asks whether the one who deploys may read the image.
resource "google_artifact_registry_repository_iam_member" "deployer_reads_images" {
  for_each = var.environments

  project    = var.project_id
  location   = var.region
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.reader"
  member     = "serviceAccount:${google_service_account.deployer[each.key].email}"
}

# … and pulls it as the project's own agent. Environments of one project have one between them.
resource "google_artifact_registry_repository_iam_member" "cloud_run_pulls" {
  for_each = toset([for environment in values(var.environments) : environment.project_number])

  project    = var.project_id
  location   = var.region
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.reader"
  member     = "serviceAccount:service-${each.value}@serverless-robot-prod.iam.gserviceaccount.com"
}

# To see whether another deployment is under way.
resource "google_project_iam_member" "deployer_sees_builds" {
  for_each = var.environments

  project = var.project_id
  role    = "roles/cloudbuild.builds.viewer"
  member  = "serviceAccount:${google_service_account.deployer[each.key].email}"
}

# Cloud Build's machines give no identity tokens, which private services are asked with. So it signs its own, for itself alone.
resource "google_service_account_iam_member" "deployer_signs_its_tokens" {
  for_each = var.environments

  service_account_id = google_service_account.deployer[each.key].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = "serviceAccount:${google_service_account.deployer[each.key].email}"
}

resource "google_storage_bucket_iam_member" "terraform_keeps_plans" {
  for_each = {
    for pair in setproduct(keys(var.environments), ["roles/storage.objectCreator", "roles/storage.objectViewer"]) :
    "${pair[0]} ${pair[1]}" => { environment = pair[0], role = pair[1] }
  }

  bucket = google_storage_bucket.plans.name
  role   = each.value.role
  member = "serviceAccount:${google_service_account.terraform[each.value.environment].email}"

  condition {
    title      = "plans-of-${each.value.environment}"
    expression = "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.plans.name}/objects/${each.value.environment}/\")"
  }
}

resource "google_storage_bucket_iam_member" "terraform_keeps_state" {
  for_each = var.environments

  bucket = each.value.state_bucket
  role   = "roles/storage.objectUser"
  member = "serviceAccount:${google_service_account.terraform[each.key].email}"
}

resource "google_pubsub_topic_iam_member" "terraform_tells" {
  for_each = var.environments

  project = var.project_id
  topic   = google_pubsub_topic.plans[each.key].name
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:${google_service_account.terraform[each.key].email}"
}
