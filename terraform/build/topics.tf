# How one build begins another.

resource "google_pubsub_topic" "images" {
  project = var.project_id
  name    = "turnscribe-images"
  labels  = var.labels

  depends_on = [google_project_service.this]
}

resource "google_pubsub_topic" "plans" {
  for_each = var.environments

  project = var.project_id
  name    = "turnscribe-plans-${each.key}"
  labels  = var.labels

  depends_on = [google_project_service.this]
}
