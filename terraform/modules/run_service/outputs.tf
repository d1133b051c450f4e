output "name" {
  description = "Name of the service."
  value       = google_cloud_run_v2_service.this.name
}

output "url" {
  description = "The service's deterministic URL, known before it exists; also the audience of tokens for it."
  value       = local.url
}

output "uri" {
  description = "The URL that Cloud Run itself calls the main one; both lead to the service."
  value       = google_cloud_run_v2_service.this.uri
}

output "id" {
  description = "Full name of the service: projects/…/locations/…/services/…."
  value       = google_cloud_run_v2_service.this.id
}

output "location" {
  description = "Region of the service."
  value       = google_cloud_run_v2_service.this.location
}
