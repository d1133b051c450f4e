# Who may call the service, and who may deploy it. Each grant is one member of one role on this service alone.

resource "google_cloud_run_v2_service_iam_member" "public" {
  for_each = toset(var.public ? ["allUsers"] : [])

  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_service.this.name
  role     = "roles/run.invoker"
  member   = each.value
}

resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = var.invokers

  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_service.this.name
  role     = "roles/run.invoker"
  member   = each.value
}

resource "google_cloud_run_v2_service_iam_member" "deployer" {
  for_each = local.deployer

  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_service.this.name
  role     = "roles/run.developer"
  member   = each.value
}

# A revision runs as the service's account, and only who may act as the account may make one.
resource "google_service_account_iam_member" "deployer_acts_as_it" {
  for_each = local.deployer

  service_account_id = "projects/${var.project_id}/serviceAccounts/${var.service_account_email}"
  role               = "roles/iam.serviceAccountUser"
  member             = each.value
}

locals {
  # By a static key: the e-mail may be known only once its account exists.
  deployer = { for key, email in { deployer = var.deployer_email } : key => "serviceAccount:${email}" if var.deployer_email != null }
}
