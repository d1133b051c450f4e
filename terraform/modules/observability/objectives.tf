# What users are promised, and how fast it may be missed.

locals {
  period_days = 28
}

resource "google_monitoring_custom_service" "this" {
  project      = var.project_id
  service_id   = "${var.prefix}turnscribe"
  display_name = "${var.prefix}turnscribe"
  user_labels  = var.labels
}

resource "google_monitoring_slo" "ingest_availability" {
  project             = var.project_id
  service             = google_monitoring_custom_service.this.service_id
  slo_id              = "ingest-availability"
  display_name        = "Ingest answers ${var.objectives.ingest_availability * 100}% of requests without a 5xx"
  goal                = var.objectives.ingest_availability
  rolling_period_days = local.period_days
  user_labels         = var.labels

  request_based_sli {
    good_total_ratio {
      bad_service_filter = join(" AND ", [
        "metric.type=\"run.googleapis.com/request_count\"",
        "resource.type=\"cloud_run_revision\"",
        "resource.labels.service_name=\"${var.services.ingest}\"",
        "metric.labels.response_code_class=\"5xx\"",
      ])
      total_service_filter = join(" AND ", [
        "metric.type=\"run.googleapis.com/request_count\"",
        "resource.type=\"cloud_run_revision\"",
        "resource.labels.service_name=\"${var.services.ingest}\"",
      ])
    }
  }
}

resource "google_monitoring_slo" "caption_latency" {
  project             = var.project_id
  service             = google_monitoring_custom_service.this.service_id
  slo_id              = "caption-latency"
  display_name        = "${var.objectives.caption_latency * 100}% of live segments have their transcript after ${var.objectives.caption_sec} s"
  goal                = var.objectives.caption_latency
  rolling_period_days = local.period_days
  user_labels         = var.labels

  request_based_sli {
    distribution_cut {
      distribution_filter = join(" AND ", [
        "metric.type=\"${local.ours.end_to_end_delay}\"",
        "resource.type=\"cloud_run_revision\"",
        "metric.labels.live=\"true\"",
        "metric.labels.final=\"true\"",
      ])

      range {
        max = var.objectives.caption_sec * 1000
      }
    }
  }

  depends_on = [time_sleep.metrics_known]
}
