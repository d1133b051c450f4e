# The bucket of everything that is kept: audio as it was uploaded, what the segmenter made of it, and the drop box. Which object lies
# where, common/object_names.py says.

resource "google_storage_bucket" "this" {
  #checkov:skip=CKV_GCP_78:Versions would keep the audio of meetings that were deleted, and no object is ever written twice.
  project       = var.project_id
  name          = var.name
  location      = var.location
  storage_class = "STANDARD"
  labels        = var.labels
  force_destroy = var.force_destroy

  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  # Deleting a meeting deletes it. Said also where it is 0: a bucket that says nothing keeps what was deleted for 7 days.
  soft_delete_policy {
    retention_duration_seconds = var.soft_delete_days * 86400
  }

  # No object is ever written a second time, so that versions would only be copies of what was to be deleted.
  versioning {
    enabled = false
  }

  dynamic "encryption" {
    for_each = var.kms_key_name == null ? [] : [var.kms_key_name]

    content {
      default_kms_key_name = encryption.value
    }
  }

  dynamic "logging" {
    for_each = var.access_log_bucket == null ? [] : [var.access_log_bucket]

    content {
      log_bucket        = logging.value
      log_object_prefix = var.name
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }

    condition {
      age = 1
    }
  }

  dynamic "lifecycle_rule" {
    for_each = local.transitions

    content {
      action {
        type          = "SetStorageClass"
        storage_class = lifecycle_rule.value.class
      }

      condition {
        age                   = lifecycle_rule.value.days
        matches_prefix        = [lifecycle_rule.value.path]
        matches_storage_class = local.dearer_to_keep[lifecycle_rule.value.class]
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = local.deletions

    content {
      action {
        type = "Delete"
      }

      condition {
        age            = lifecycle_rule.value.days
        matches_prefix = [lifecycle_rule.value.path]
      }
    }
  }
}
