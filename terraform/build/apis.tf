# The APIs of the project that builds.

resource "google_project_service" "this" {
  for_each = toset(concat(
    [
      "artifactregistry.googleapis.com",
      "cloudbuild.googleapis.com",
      "iam.googleapis.com",
      "iamcredentials.googleapis.com",
      "logging.googleapis.com",
      "pubsub.googleapis.com",
      "storage.googleapis.com",
      # A deployment and a plan speak to these in the environments' projects, but Google counts the calls here.
      "cloudresourcemanager.googleapis.com",
      "monitoring.googleapis.com",
      "run.googleapis.com",
      "secretmanager.googleapis.com",
      "serviceusage.googleapis.com",
    ],
    var.vulnerability_scanning ? ["containerscanning.googleapis.com"] : []
  ))

  project            = var.project_id
  service            = each.value
  disable_on_destroy = false
}
