# Pub/Sub moves dead letters in its own name, and needs the rights to: without them a message is tried for ever.

locals {
  pubsub_identity = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_pubsub_topic_iam_member" "pubsub_publishes_dead_letters" {
  for_each = local.dead_lettered

  project = var.project_id
  topic   = google_pubsub_topic.this[each.value.dead_letter_topic].id
  role    = "roles/pubsub.publisher"
  member  = local.pubsub_identity
}

resource "google_pubsub_subscription_iam_member" "pubsub_acknowledges_dead_letters" {
  for_each = local.dead_lettered

  project      = var.project_id
  subscription = google_pubsub_subscription.this[each.key].id
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_identity
}

resource "google_pubsub_topic_iam_member" "publishers" {
  for_each = var.publishers

  project = var.project_id
  topic   = google_pubsub_topic.this[each.value.topic].id
  role    = "roles/pubsub.publisher"
  member  = each.value.member
}
