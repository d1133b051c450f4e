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

output "invoker_members" {
  description = "All who may call the service, by the grants made here."
  value = sort(concat(
    [for grant in google_cloud_run_v2_service_iam_member.public : grant.member],
    [for grant in google_cloud_run_v2_service_iam_member.invoker : grant.member],
  ))
}

output "revision" {
  description = "What the plan asks of Cloud Run, for those who build upon this module to look at and to test."
  value = {
    timeout       = google_cloud_run_v2_service.this.template[0].timeout
    concurrency   = google_cloud_run_v2_service.this.template[0].max_instance_request_concurrency
    min_instances = google_cloud_run_v2_service.this.template[0].scaling[0].min_instance_count
    max_instances = google_cloud_run_v2_service.this.template[0].scaling[0].max_instance_count
    cpu_idle      = google_cloud_run_v2_service.this.template[0].containers[0].resources[0].cpu_idle
    limits        = google_cloud_run_v2_service.this.template[0].containers[0].resources[0].limits
    ingress       = google_cloud_run_v2_service.this.ingress
    connector     = one(google_cloud_run_v2_service.this.template[0].vpc_access[*].connector)
    accelerator   = one(google_cloud_run_v2_service.this.template[0].node_selector[*].accelerator)
    starts_with   = one(google_cloud_run_v2_service.this.template[0].containers[0].startup_probe[0].http_get[*].path)
    env           = { for variable in google_cloud_run_v2_service.this.template[0].containers[0].env : variable.name => variable.value if length(variable.value_source) == 0 }
    secret_env    = { for variable in google_cloud_run_v2_service.this.template[0].containers[0].env : variable.name => "${variable.value_source[0].secret_key_ref[0].secret}:${variable.value_source[0].secret_key_ref[0].version}" if length(variable.value_source) > 0 }
    mounts        = { for mount in google_cloud_run_v2_service.this.template[0].containers[0].volume_mounts : mount.name => mount.mount_path }
  }
}
