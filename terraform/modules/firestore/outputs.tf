output "name" {
  description = "Name of the database: FIRESTORE_DATABASE."
  value       = google_firestore_database.this.name
}

output "id" {
  description = "projects/{project}/databases/{name}: what an IAM condition compares resource.name with."
  value       = "projects/${var.project_id}/databases/${google_firestore_database.this.name}"
}
