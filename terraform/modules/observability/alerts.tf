# The alert policies. What each is about stands in queue_alerts.tf and service_alerts.tf; here stands how Google Cloud has it.

locals {
  all_policies = merge(
    local.backlog_policies, local.queue_policies, local.service_policies, local.redis_policies,
    local.instance_policies, local.uptime_policies, local.burn_policies,
  )
  policies = { for name, policy in local.all_policies : name => policy if var.alerts }
}

resource "google_monitoring_alert_policy" "this" {
  for_each = local.policies

  project               = var.project_id
  display_name          = "${var.prefix}turnscribe: ${each.value.title}"
  combiner              = contains(keys(local.burn_policies), each.key) ? "AND" : "OR" # of a burn rate: both windows
  severity              = each.value.severity
  notification_channels = local.channels
  user_labels           = var.labels

  dynamic "conditions" {
    for_each = { for name, condition in each.value.conditions : name => condition if !condition.absent }

    content {
      display_name = conditions.key

      condition_threshold {
        filter             = conditions.value.filter
        comparison         = "COMPARISON_GT"
        threshold_value    = conditions.value.above
        duration           = "${conditions.value.for_sec}s"
        denominator_filter = conditions.value.of_filter == "" ? null : conditions.value.of_filter

        dynamic "aggregations" {
          for_each = conditions.value.aligner == "" ? [] : [conditions.value]

          content {
            alignment_period     = "${aggregations.value.period_s}s"
            per_series_aligner   = aggregations.value.aligner
            cross_series_reducer = aggregations.value.reducer
            group_by_fields      = aggregations.value.group_by
          }
        }

        # The same, or the ratio would compare what does not belong together.
        dynamic "denominator_aggregations" {
          for_each = conditions.value.of_filter == "" ? [] : [conditions.value]

          content {
            alignment_period     = "${denominator_aggregations.value.period_s}s"
            per_series_aligner   = denominator_aggregations.value.aligner
            cross_series_reducer = denominator_aggregations.value.reducer
            group_by_fields      = denominator_aggregations.value.group_by
          }
        }

        trigger {
          count = 1
        }
      }
    }
  }

  dynamic "conditions" {
    for_each = { for name, condition in each.value.conditions : name => condition if condition.absent }

    content {
      display_name = conditions.key

      condition_absent {
        filter   = conditions.value.filter
        duration = "${conditions.value.for_sec}s"

        aggregations {
          alignment_period     = "${conditions.value.period_s}s"
          per_series_aligner   = conditions.value.aligner
          cross_series_reducer = conditions.value.reducer
          group_by_fields      = conditions.value.group_by
        }

        trigger {
          count = 1
        }
      }
    }
  }

  documentation {
    subject   = "${var.prefix}turnscribe: ${each.value.title}"
    mime_type = "text/markdown"
    content   = "${each.value.says}\n\nWhat to do: ${var.runbook_url}#${each.value.runbook}"

    links {
      display_name = "Runbook"
      url          = "${var.runbook_url}#${each.value.runbook}"
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  depends_on = [time_sleep.metrics_known]
}
