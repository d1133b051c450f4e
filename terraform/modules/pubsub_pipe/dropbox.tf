# Cloud Storage tells of new files in the drop box, in its own name. Which bucket that is, its owner says; the bucket itself is made elsewhere.

locals {
  watched_buckets  = toset(var.bucket == null ? [] : [var.bucket])
  storage_identity = "serviceAccount:service-${var.project_number}@gs-project-accounts.iam.gserviceaccount.com"
}

# Asking for this identity makes it: a project that never asked has none, and nothing can be granted to it.
data "google_storage_project_service_account" "this" {
  for_each = local.watched_buckets

  project = var.project_id
}

resource "google_pubsub_topic_iam_member" "storage_tells_of_files" {
  for_each   = local.watched_buckets
  depends_on = [data.google_storage_project_service_account.this]

  project = var.project_id
  topic   = google_pubsub_topic.this["dropbox"].id
  role    = "roles/pubsub.publisher"
  member  = local.storage_identity
}

resource "google_storage_notification" "dropbox" {
  for_each = local.watched_buckets

  bucket             = each.value
  topic              = google_pubsub_topic.this["dropbox"].id
  payload_format     = "NONE"
  event_types        = ["OBJECT_FINALIZE"]
  object_name_prefix = "${var.dropbox_path}/"

  # Cloud Storage refuses a topic that it may not publish to.
  depends_on = [google_pubsub_topic_iam_member.storage_tells_of_files]
}
