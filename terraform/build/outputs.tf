output "repository" {
  description = "Where images are: host, project and repository."
  value       = local.repository_uri
}

output "artifacts_bucket" {
  description = "Bucket with the record of each commit's images, images/COMMIT.json, which is what an environment's variable images wants."
  value       = google_storage_bucket.artifacts.name
}

output "deployer_emails" {
  description = "Account that deploys to each environment: its variable deployer_email."
  value       = { for name, account in google_service_account.deployer : name => account.email }
}

output "terraform_emails" {
  description = "Account that plans and applies each environment."
  value       = { for name, account in google_service_account.terraform : name => account.email }
}

output "build_command" {
  description = "Builds the newest commit's images, before there is an environment to deploy them to."
  value       = "gcloud builds triggers run ${google_cloudbuild_trigger.build.name} --project=${var.project_id} --region=${var.region} --branch=${var.branch}"
}

output "deploy_commands" {
  description = "Deploys a commit's images to each environment."
  value = {
    for name, trigger in google_cloudbuild_trigger.deploy :
    name => "gcloud builds triggers run ${trigger.name} --project=${var.project_id} --region=${var.region} --substitutions=_COMMIT=…"
  }
}
