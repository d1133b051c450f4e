# Topics, push subscriptions and schedules of turnscribe. What there is stands in common/topology.json, which the emulators'
# bootstrap and the embedded queue read too; here stands only how Google Cloud has it.

locals {
  topology = jsondecode(file("${path.module}/../../../common/topology.json"))

  dead_lettered = {
    for name, subscription in local.topology.subscriptions : name => subscription
    if try(subscription.dead_letter_topic, null) != null
  }
  dead_letter_topics = toset([for subscription in values(local.dead_lettered) : subscription.dead_letter_topic])

  # How long a push may take at each service. Nobody may work on one any longer: Pub/Sub has sent it again by then.
  push_deadlines_sec = {
    for service in distinct([for subscription in values(local.topology.subscriptions) : subscription.service]) :
    service => min([for subscription in values(local.topology.subscriptions) : subscription.ack_deadline_sec if subscription.service == service]...)
  }
}

resource "google_pubsub_topic" "this" {
  for_each = toset(local.topology.topics)

  project = var.project_id
  name    = "${var.prefix}${each.value}"
  labels  = var.labels

  message_retention_duration = var.topic_retention
}

resource "google_pubsub_subscription" "this" {
  for_each = local.topology.subscriptions

  project                    = var.project_id
  name                       = "${var.prefix}${each.key}"
  topic                      = google_pubsub_topic.this[each.value.topic].id
  labels                     = var.labels
  ack_deadline_seconds       = each.value.ack_deadline_sec
  message_retention_duration = contains(local.dead_letter_topics, each.value.topic) ? var.dead_letter_retention : var.message_retention

  push_config {
    push_endpoint = "${var.service_urls[each.value.service]}${each.value.path}"

    oidc_token {
      service_account_email = var.push_service_account_email
      audience              = var.service_urls[each.value.service]
    }
  }

  retry_policy {
    minimum_backoff = "${each.value.min_backoff_sec}s"
    maximum_backoff = "${each.value.max_backoff_sec}s"
  }

  # Without this a subscription is deleted after 31 days without traffic, and what is published then is lost.
  expiration_policy {
    ttl = ""
  }

  dynamic "dead_letter_policy" {
    for_each = contains(keys(local.dead_lettered), each.key) ? [each.value] : []

    content {
      dead_letter_topic     = google_pubsub_topic.this[dead_letter_policy.value.dead_letter_topic].id
      max_delivery_attempts = dead_letter_policy.value.max_delivery_attempts
    }
  }
}

resource "google_cloud_scheduler_job" "this" {
  for_each = local.topology.schedules

  project          = var.project_id
  region           = var.region
  name             = "${var.prefix}${each.key}"
  schedule         = "*/${each.value.every_minutes} * * * *"
  time_zone        = "Etc/UTC"
  paused           = var.schedules_paused
  attempt_deadline = "${local.push_deadlines_sec[each.value.service]}s"

  # A sweep that failed is done by the next one.
  retry_config {
    retry_count = 0
  }

  http_target {
    http_method = "POST"
    uri         = "${var.service_urls[each.value.service]}${each.value.path}"

    oidc_token {
      service_account_email = var.push_service_account_email
      audience              = var.service_urls[each.value.service]
    }
  }
}
