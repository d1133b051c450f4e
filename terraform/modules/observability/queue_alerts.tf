# Alerts about queues: what waits too long, is answered with errors, or was given up.

locals {
  # So long may the oldest message of a subscription wait, in seconds. Handling counts: copying a recording takes minutes, and recordings
  # that are uploaded together wait for Whisper one after the other.
  backlog_age_sec = merge(
    { for name in keys(local.topology.subscriptions) : name => 600 },
    { segmenter = 120, transcribe = 900, audio-uploads = 1800, dropbox = 1800 },
    { for name in local.dead_letter_subscriptions : name => 3600 },
    var.thresholds.backlog_age_sec,
  )

  dead_letter_topics = distinct(compact([
    for subscription in values(local.topology.subscriptions) : try(subscription.dead_letter_topic, null)
  ]))
  dead_letter_subscriptions = [
    for name, subscription in local.topology.subscriptions : name if contains(local.dead_letter_topics, subscription.topic)
  ]

  subscription_filters = {
    for name, id in var.subscriptions : name => "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${basename(id)}\""
  }
  any_subscription = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=one_of(${join(", ", [for id in values(var.subscriptions) : "\"${basename(id)}\""])})"

  backlog_policies = {
    for name, of in local.subscription_filters : "backlog_${name}" => {
      title    = "Messages of ${name} wait"
      severity = contains(local.dead_letter_subscriptions, name) ? "WARNING" : "ERROR"
      runbook  = contains(local.dead_letter_subscriptions, name) ? "dead-letters" : "a-stuck-subscription"
      says     = "The oldest message of the subscription ${name} has waited for more than ${local.backlog_age_sec[name]} s. What it leads to comes late; nothing is lost."
      conditions = {
        "oldest message of ${name}" = merge(local.counted, {
          filter   = "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND ${of}"
          aligner  = "ALIGN_MAX"
          reducer  = "REDUCE_MAX"
          period_s = 60
          above    = local.backlog_age_sec[name]
        })
      }
    }
  }

  queue_policies = {
    dead_letters = {
      title    = "A message has become a dead letter"
      severity = "ERROR"
      runbook  = "dead-letters"
      says     = "A message failed to the last and was kept. What it stands for (a segment, a delivery, an upload) is missing until it is replayed."
      conditions = {
        "kept by a service" = merge(local.counted, { filter = local.our_filters.dead_letters, period_s = 300, above = 0, for_sec = 0 })
        "forwarded by Pub/Sub and not kept yet" = merge(local.counted, {
          filter   = "metric.type=\"pubsub.googleapis.com/subscription/dead_letter_message_count\" AND ${local.any_subscription}"
          group_by = ["resource.labels.subscription_id"]
          period_s = 300
          above    = 0
          for_sec  = 900 # the last try heals or keeps what was forwarded within minutes
        })
      }
    }
    push_errors = {
      title    = "Pushes fail"
      severity = "ERROR"
      runbook  = "pushes-fail"
      says     = "More than ${var.thresholds.push_error_ratio * 100}% of a subscription's pushes were not acknowledged for ten minutes. They come again, later and later."
      conditions = {
        "not acknowledged" = merge(local.counted, {
          filter    = "metric.type=\"pubsub.googleapis.com/subscription/push_request_count\" AND metric.labels.response_class!=\"ack\" AND ${local.any_subscription}"
          of_filter = "metric.type=\"pubsub.googleapis.com/subscription/push_request_count\" AND ${local.any_subscription}"
          group_by  = ["resource.labels.subscription_id"]
          above     = var.thresholds.push_error_ratio
        })
      }
    }
    push_refused = {
      title    = "Pushes are refused"
      severity = "WARNING"
      runbook  = "pushes-fail"
      says     = "Somebody pushes without a token that counts: the push account, an audience or PUSH_SERVICE_ACCOUNTS is wrong, or a stranger tries."
      conditions = {
        "401" = merge(local.counted, { filter = local.our_filters.push_refused, above = 20, group_by = ["resource.labels.service_name"] })
      }
    }
    defects = {
      title    = "A service met a defect"
      severity = "ERROR"
      runbook  = "defects"
      says     = "A request or a push ended in an exception that nobody foresaw. Error Reporting has the stack trace. Pushes come again and end as dead letters if it is always so."
      conditions = {
        "push_failed"     = merge(local.counted, { filter = local.our_filters.push_failed, above = 0, for_sec = 0, group_by = ["metric.labels.error_type"] })
        "unhandled_error" = merge(local.counted, { filter = local.our_filters.unhandled_errors, above = 0, for_sec = 0, group_by = ["metric.labels.error_type"] })
      }
    }
    quarantine = {
      title    = "Much goes to quarantine"
      severity = "WARNING"
      runbook  = "a-full-quarantine"
      says     = "More than ${var.thresholds.quarantined} chunks or messages in ten minutes could not be read. They are kept with their reason; an uploader sends something that is no audio, or a release does not read what another one writes."
      conditions = {
        "chunks"   = merge(local.counted, { filter = local.our_filters.chunks_quarantined, above = var.thresholds.quarantined, for_sec = 0, group_by = ["metric.labels.reason"] })
        "messages" = merge(local.counted, { filter = local.our_filters.push_quarantined, above = var.thresholds.quarantined, for_sec = 0, group_by = ["metric.labels.subscription", "metric.labels.reason"] })
        "uploads"  = merge(local.counted, { filter = local.our_filters.faults_accepted, above = var.thresholds.quarantined, for_sec = 0, group_by = ["metric.labels.reason"] })
      }
    }
    deliveries = {
      title    = "Deliveries fail"
      severity = "WARNING"
      runbook  = "deliveries-fail"
      says     = "More than ${var.thresholds.delivery_failures} attempts in ten minutes were not taken by their receivers. They come again for 91 hours."
      conditions = {
        "not taken" = merge(local.counted, {
          filter   = "${local.our_filters.delivery_attempts} AND metric.labels.outcome!=\"delivered\""
          above    = var.thresholds.delivery_failures
          for_sec  = 0
          group_by = ["metric.labels.outcome"]
        })
      }
    }
  }
}
