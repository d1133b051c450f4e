# What builds leave for others: which images a commit has, and plans that wait for approval.

resource "google_storage_bucket" "artifacts" {
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs say who wrote; a bucket of access logs would say no more
  project                     = var.project_id
  name                        = "${var.project_id}-turnscribe-artifacts"
  location                    = var.region
  labels                      = var.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  # Nobody here may replace an object: which images a commit has is decided once. This is for a hand that slips.
  versioning {
    enabled = true
  }

  depends_on = [google_project_service.this]
}

resource "google_storage_bucket" "plans" {
  #checkov:skip=CKV_GCP_62:likewise
  #checkov:skip=CKV_GCP_78:a plan is written once, and must be gone after a week
  project                     = var.project_id
  name                        = "${var.project_id}-turnscribe-plans"
  location                    = var.region
  labels                      = var.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  # A plan may say what is sensitive. After a week it is out of date in any case.
  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      age = 7
    }
  }

  soft_delete_policy {
    retention_duration_seconds = 0
  }

  depends_on = [google_project_service.this]
}
