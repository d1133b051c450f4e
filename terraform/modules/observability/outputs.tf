output "dashboard_id" {
  description = "Id of the dashboard."
  value       = google_monitoring_dashboard.this.id
}

output "alert_policies" {
  description = "Id of each alert policy, by its name; empty where alerts are off."
  value       = { for name, policy in google_monitoring_alert_policy.this : name => policy.id }
}

output "slo_ids" {
  description = "Id of each objective, by its name."
  value = {
    ingest_availability = google_monitoring_slo.ingest_availability.id
    caption_latency     = google_monitoring_slo.caption_latency.id
  }
}

output "metric_types" {
  description = "Type of each log-based metric, as filters name it, by its name in log_metrics.json."
  value       = local.ours
}
