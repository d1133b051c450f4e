output "host" {
  description = "Address of the instance; the segmenter knows it as REDIS_HOST."
  value       = google_redis_instance.this.host
}

output "port" {
  description = "Port of the instance, 6378 because of TLS; REDIS_PORT."
  value       = google_redis_instance.this.port
}

output "ca_cert" {
  description = "Certificates of the authorities that vouch for the instance, PEM, one after the other: while one is replaced there are two. REDIS_CA_CERT, with REDIS_TLS=true."
  value       = join("\n", [for each in google_redis_instance.this.server_ca_certs : trimspace(each.cert)])
}

output "auth_string" {
  description = "The password, REDIS_PASSWORD; null without AUTH."
  value       = var.auth ? google_redis_instance.this.auth_string : null
  sensitive   = true
}

output "instance_id" {
  description = "projects/{project}/locations/{region}/instances/{name}: what Cloud Monitoring calls the instance (the label instance_id)."
  value       = "projects/${var.project_id}/locations/${var.region}/instances/${google_redis_instance.this.name}"
}

output "name" {
  description = "Name of the instance, for gcloud redis instances."
  value       = google_redis_instance.this.name
}
