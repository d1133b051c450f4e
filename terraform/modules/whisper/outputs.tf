output "name" {
  description = "Name of the Cloud Run service."
  value       = module.service.name
}

output "url" {
  description = "URL of the service: WHISPER_SERVICE_URL of transcribe."
  value       = module.service.url
}

output "transcribe_env" {
  description = "What transcribe must be told to use this server."
  value = {
    WHISPER_SERVICE_URL = module.service.url
    WHISPER_DIALECT     = "openai"
    WHISPER_AUTH        = "google"
  }
}

output "invoker_members" {
  description = "All who may call the service."
  value       = module.service.invoker_members
}

output "revision" {
  description = "What the plan asks of Cloud Run: see run_service."
  value       = module.service.revision
}
