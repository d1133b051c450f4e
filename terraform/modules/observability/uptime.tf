# Whether the public services can be reached, asked from outside of Google's region.

resource "google_monitoring_uptime_check_config" "this" {
  for_each = var.uptime_urls

  project      = var.project_id
  display_name = "${var.prefix}${each.key} is ready"
  period       = "${var.uptime_period_sec}s"
  timeout      = "10s"
  user_labels  = var.labels

  http_check {
    path         = "/health/ready"
    port         = 443
    use_ssl      = true
    validate_ssl = true

    accepted_response_status_codes {
      status_class = "STATUS_CLASS_2XX"
    }
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      project_id = var.project_id
      host       = trimprefix(each.value, "https://")
    }
  }
}
