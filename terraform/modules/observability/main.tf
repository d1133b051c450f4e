# Metrics that are counted from log lines. What there is stands in common/log_metrics.json; tests hold the services to it.

locals {
  declared = jsondecode(file("${path.module}/../../../common/log_metrics.json"))
  topology = jsondecode(file("${path.module}/../../../common/topology.json"))

  log_filters = {
    for name, metric in local.declared.metrics : name => join(" AND ", concat(
      [
        "resource.type=\"cloud_run_revision\"",
        "resource.labels.location=\"${var.region}\"",
        "resource.labels.service_name=(${join(" OR ", [for service in metric.services : "\"${var.services[service]}\""])})",
        "jsonPayload.message=\"${metric.event}\"",
      ],
      [for field, value in try(metric.where, {}) : "jsonPayload.${field}=${jsonencode(value)}"],
    ))
  }

  # How a metric is called in filters and in PromQL.
  ours   = { for name in keys(local.declared.metrics) : name => "logging.googleapis.com/user/${var.prefix}${name}" }
  promql = { for name in keys(local.declared.metrics) : name => "logging_googleapis_com:user_${replace(var.prefix, "-", "_")}${name}" }
}

resource "google_logging_metric" "this" {
  for_each = local.declared.metrics

  project         = var.project_id
  name            = "${var.prefix}${each.key}"
  description     = each.value.description
  filter          = local.log_filters[each.key]
  value_extractor = can(each.value.value) ? "EXTRACT(jsonPayload.${each.value.value.field})" : null

  label_extractors = {
    for key, label in try(each.value.labels, {}) : key => (
      can(label.pattern)
      ? "REGEXP_EXTRACT(jsonPayload.${label.field}, ${jsonencode(label.pattern)})"
      : "EXTRACT(jsonPayload.${label.field})"
    )
  }

  metric_descriptor {
    metric_kind  = "DELTA"
    value_type   = can(each.value.value) ? "DISTRIBUTION" : "INT64"
    unit         = try(each.value.value.unit, "1")
    display_name = "${var.prefix}${each.key}"

    dynamic "labels" {
      for_each = try(each.value.labels, {})

      content {
        key         = labels.key
        value_type  = "STRING"
        description = labels.value.description
      }
    }
  }

  dynamic "bucket_options" {
    for_each = can(each.value.value) ? [local.declared.buckets[each.value.value.buckets]] : []

    content {
      explicit_buckets {
        bounds = bucket_options.value
      }
    }
  }
}

# A metric can be named in an alert or an objective only some time after it was made.
resource "time_sleep" "metrics_known" {
  create_duration = "60s"
  triggers        = { metrics = join(",", sort([for metric in google_logging_metric.this : metric.name])) }
}

resource "google_monitoring_notification_channel" "email" {
  for_each = var.notification_emails

  project      = var.project_id
  display_name = "${var.prefix}turnscribe: ${each.key}"
  type         = "email"
  labels       = { email_address = each.value }
  user_labels  = var.labels
}

locals {
  channels = concat([for channel in google_monitoring_notification_channel.email : channel.id], values(var.notification_channels))
}
