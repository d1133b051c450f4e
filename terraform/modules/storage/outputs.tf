output "name" {
  description = "Name of the bucket: GCS_BUCKET."
  value       = google_storage_bucket.this.name
}

output "url" {
  description = "gs:// and the name of the bucket."
  value       = "gs://${google_storage_bucket.this.name}"
}

output "dropbox_url" {
  description = "Where files are put that are to become meetings."
  value       = "gs://${google_storage_bucket.this.name}/${var.dropbox_path}/"
}
