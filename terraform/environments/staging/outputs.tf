output "urls" {
  description = "Where people and their programs go: ingest takes audio, the api has transcripts and the web page."
  value       = module.turnscribe.urls
}

output "upload_command" {
  description = "A first upload, which prints its transcript."
  value       = module.turnscribe.upload_command
}

output "read_api_token" {
  description = "Command that prints the installation's token."
  value       = module.turnscribe.read_api_token
}

output "dashboard_url" {
  description = "The dashboard."
  value       = module.turnscribe.dashboard_url
}

output "dns_records" {
  description = "What the domains' zone must say; null without domains."
  value       = module.turnscribe.dns_records
}

output "bucket" {
  description = "Bucket of audio and segments."
  value       = module.turnscribe.bucket
}

output "dropbox" {
  description = "Files that are put below become meetings."
  value       = module.turnscribe.dropbox
}

output "topics" {
  description = "Name of each topic in the project."
  value       = module.turnscribe.topics
}

output "service_names" {
  description = "Name of each service on Cloud Run, for deploying."
  value       = module.turnscribe.service_names
}

output "service_urls" {
  description = "Cloud Run's URL of each service."
  value       = module.turnscribe.service_urls
}

output "service_accounts" {
  description = "Whom each service runs as."
  value       = module.turnscribe.service_accounts
}

output "environment" {
  description = "Environment variables of each service, without secrets."
  value       = module.turnscribe.environment
}
