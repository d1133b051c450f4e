# Alerts about services and what they stand on: Whisper, Redis, Firestore, instances, sweeps.

locals {
  our_filters = { for name, type in local.ours : name => "metric.type=\"${type}\" AND resource.type=\"cloud_run_revision\"" }

  # A condition on a count of events in ten minutes, unless it says otherwise. With `of_filter` it is a share of what that counts; with
  # `absent` it is that nothing was counted for `for_sec`; without an aligner the filter gives the number by itself.
  counted = {
    aligner   = "ALIGN_DELTA"
    reducer   = "REDUCE_SUM"
    group_by  = []
    period_s  = 600
    above     = 0
    for_sec   = 300
    of_filter = ""
    absent    = false
  }

  service_policies = {
    server_errors = {
      title    = "Public services answer 5xx"
      severity = "ERROR"
      runbook  = "5xx-of-public-services"
      says     = "More than ${var.thresholds.server_error_ratio * 100}% of a public service's requests ended in 5xx. Uploaders keep what they have and try again; readers see an error."
      conditions = {
        for name in ["ingest", "api"] : "5xx of ${name}" => merge(local.counted, {
          filter    = "metric.type=\"run.googleapis.com/request_count\" AND metric.labels.response_code_class=\"5xx\" AND ${local.run_filters[name]}"
          of_filter = "metric.type=\"run.googleapis.com/request_count\" AND ${local.run_filters[name]}"
          period_s  = 300
          above     = var.thresholds.server_error_ratio
        })
      }
    }
    whisper = {
      title    = "Whisper fails"
      severity = "ERROR"
      runbook  = "whisper-outage"
      says     = "Whisper is left alone, or calls end without an answer. Live captions stop; final segments wait in the queue and are transcribed once it answers."
      conditions = {
        "circuit opened"     = merge(local.counted, { filter = local.our_filters.whisper_circuit_openings, above = 0, for_sec = 0 })
        "calls not answered" = merge(local.counted, { filter = local.our_filters.whisper_failures, above = var.thresholds.whisper_failures, for_sec = 0, group_by = ["metric.labels.reason"] })
      }
    }
    redis_unavailable = {
      title    = "Redis cannot be reached"
      severity = "ERROR"
      runbook  = "redis-loss"
      says     = "Pushes to the segmenter come again because Redis does not answer. Uploads are accepted as ever; nothing is cut until it is back."
      conditions = {
        "pushes that come again" = merge(local.counted, { filter = local.our_filters.redis_unavailable, above = var.thresholds.redis_unavailable, for_sec = 0 })
      }
    }
    segments_lost = {
      title    = "A stream has fewer segments than its account says"
      severity = "CRITICAL"
      runbook  = "lost-segments"
      says     = "Objects of final segments are missing in the bucket. Should never happen; the audio is there, and a replay makes them anew."
      conditions = {
        "segments_lost" = merge(local.counted, { filter = local.our_filters.segments_lost, above = 0, for_sec = 0 })
      }
    }
    gaps = {
      title    = "Many chunks are missing"
      severity = "WARNING"
      runbook  = "gaps"
      says     = "More than ${var.thresholds.gaps} gaps in ten minutes: chunks that never came although later ones did. Uploaders lose their connection, or ingest refuses chunks."
      conditions = {
        "gaps" = merge(local.counted, { filter = local.our_filters.gaps, above = var.thresholds.gaps, for_sec = 0 })
      }
    }
    firestore = {
      title    = "Firestore refuses or is slow"
      severity = "ERROR"
      runbook  = "firestore-errors"
      says     = "Firestore answered with a quota or a time-out. Pushes come again, readers get 503; nothing is lost."
      conditions = {
        "errors" = merge(local.counted, {
          filter   = "metric.type=\"firestore.googleapis.com/api/request_count\" AND resource.type=\"firestore.googleapis.com/Database\" AND resource.labels.database_id=\"${var.firestore_database}\" AND metric.labels.response_code=one_of(\"RESOURCE_EXHAUSTED\", \"DEADLINE_EXCEEDED\", \"UNAVAILABLE\")"
          above    = var.thresholds.firestore_errors
          for_sec  = 0
          group_by = ["metric.labels.response_code"]
        })
      }
    }
    sweeps = {
      title    = "A sweep is missing"
      severity = "ERROR"
      runbook  = "a-missing-sweep"
      says     = "No sweep of this kind has ended well for fifteen minutes. Lost events are not found, streams are not closed, deletions and deliveries do not go on."
      conditions = {
        "no sweep" = merge(local.counted, { filter = local.our_filters.sweeps, absent = true, group_by = ["metric.labels.sweep"], period_s = 60, for_sec = 900 })
      }
    }
  }

  run_filters = {
    for name, service in var.services : name => "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${service}\" AND resource.labels.location=\"${var.region}\""
  }

  redis_filter = var.redis_instance_id == null ? "" : "resource.type=\"redis_instance\" AND resource.labels.instance_id=\"projects/${var.project_id}/locations/${var.region}/instances/${basename(var.redis_instance_id)}\""

  redis_policies = {
    for name in(var.redis_instance_id == null ? [] : ["redis_memory"]) : name => {
      title    = "Redis is nearly full"
      severity = "ERROR"
      runbook  = "redis-memory"
      says     = "Redis uses more than ${var.thresholds.redis_memory_ratio * 100}% of its memory. It evicts nothing: once it is full, the segmenter cannot write and pushes come again."
      conditions = {
        "memory" = merge(local.counted, {
          filter   = "metric.type=\"redis.googleapis.com/stats/memory/usage_ratio\" AND ${local.redis_filter}"
          aligner  = "ALIGN_MEAN"
          reducer  = "REDUCE_MAX"
          period_s = 60
          above    = var.thresholds.redis_memory_ratio
        })
      }
    }
  }

  instance_policies = {
    for name, most in var.max_instances : "instances_${name}" => {
      title    = "${name} runs as many instances as it may"
      severity = "WARNING"
      runbook  = "instances-at-their-limit"
      says     = "All ${most} instances of ${name} have run for ten minutes. More requests wait or are refused with 429 by Cloud Run."
      conditions = {
        "instances of ${name}" = merge(local.counted, {
          filter   = "metric.type=\"run.googleapis.com/container/instance_count\" AND ${local.run_filters[name]}"
          aligner  = "ALIGN_MAX"
          period_s = 60
          above    = most - 0.5
          for_sec  = 600
        })
      }
    }
  }

  uptime_policies = {
    for name, check in google_monitoring_uptime_check_config.this : "uptime_${name}" => {
      title    = "${name} cannot be reached"
      severity = "CRITICAL"
      runbook  = "a-service-that-cannot-be-reached"
      says     = "/health/ready of ${name} failed from more than one region. Uploaders keep what they have and try again; readers see an error."
      conditions = {
        "checks of ${name}" = merge(local.counted, {
          filter   = "metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.labels.check_id=\"${check.uptime_check_id}\" AND resource.type=\"uptime_url\""
          aligner  = "ALIGN_NEXT_OLDER"
          reducer  = "REDUCE_COUNT_FALSE"
          period_s = 1200
          above    = 1
          for_sec  = 60
        })
      }
    }
  }

  # Both windows must burn: the long one says that it matters, the short one that it still goes on.
  burns = {
    fast = { title = "two days", factor = 14.4, windows = ["3600s", "300s"], severity = "CRITICAL" }
    slow = { title = "five days", factor = 6, windows = ["21600s", "1800s"], severity = "ERROR" }
  }
  objectives = {
    ingest_availability = { slo = google_monitoring_slo.ingest_availability.name, title = "Ingest is unavailable too often", runbook = "5xx-of-public-services" }
    caption_latency     = { slo = google_monitoring_slo.caption_latency.name, title = "Captions come late", runbook = "late-captions" }
  }
  burn_policies = {
    for pair in setproduct(keys(local.objectives), keys(local.burns)) : "${pair[0]}_${pair[1]}" => {
      title    = "${local.objectives[pair[0]].title}: the budget of 28 days would be gone in less than ${local.burns[pair[1]].title}"
      severity = local.burns[pair[1]].severity
      runbook  = local.objectives[pair[0]].runbook
      says     = "The objective is missed ${local.burns[pair[1]].factor} times faster than it may be, over both windows."
      conditions = {
        for window in local.burns[pair[1]].windows : "over ${window}" => merge(local.counted, {
          filter  = "select_slo_burn_rate(\"${local.objectives[pair[0]].slo}\", \"${window}\")"
          aligner = ""
          above   = local.burns[pair[1]].factor
          for_sec = 0
        })
      }
    }
  }
}
