# What a person needs next.

output "urls" {
  description = "Where people and their programs go: ingest takes audio, the api has transcripts and the web page."
  value       = local.public_urls
}

output "service_urls" {
  description = "Cloud Run's URL of each service."
  value       = local.urls
}

output "service_names" {
  description = "Name of each service on Cloud Run, Whisper's included where it is made."
  value       = merge({ for service, made in module.services : service => made.name }, local.makes_whisper ? { whisper = module.whisper[0].name } : {})
}

output "service_accounts" {
  description = "Whom each service runs as; push is who signs pushes and sweeps."
  value       = local.emails
}

output "bucket" {
  description = "Bucket of audio and segments."
  value       = module.storage.name
}

output "dropbox" {
  description = "Files that are put below become meetings."
  value       = "gs://${module.storage.name}/${var.paths.dropbox}/"
}

output "database" {
  description = "Firestore database of transcripts."
  value       = module.firestore.name
}

output "topics" {
  description = "Name of each topic in the project, by its name in the topology."
  value       = module.pubsub_pipe.topic_names
}

output "secrets" {
  description = "Name of each secret in Secret Manager."
  value       = { for name, secret in module.secrets.secrets : name => secret.secret_id }
}

output "read_api_token" {
  description = "Command that prints the installation's token, for who may read the secret."
  value       = "gcloud secrets versions access latest --project=${var.project_id} --secret=${basename(module.secrets.secrets["api-token"].secret_id)}"
}

output "upload_command" {
  description = "A first upload: waits for its transcript and prints it. read_api_token says where the token comes from."
  value       = "TURNSCRIBE_TOKEN=\"$(gcloud secrets versions access latest --project=${var.project_id} --secret=${basename(module.secrets.secrets["api-token"].secret_id)})\" turnscribe upload talk.ogg --wait --url ${local.public_urls.ingest} --read-url ${local.public_urls.api}"
}

output "dashboard_url" {
  description = "The dashboard."
  value       = "https://console.cloud.google.com/monitoring/dashboards/builder/${basename(module.observability.dashboard_id)}?project=${var.project_id}"
}

output "dns_records" {
  description = "What the domains' zone must say; null without domains of one's own."
  value       = one(module.load_balancer[*].dns_records)
}

output "environment" {
  description = "Environment variables of each service, without secrets."
  value       = local.env
}
