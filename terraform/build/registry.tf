# Where images are kept. A commit's tag never moves, and what runs is named by digest.

locals {
  # An image is an index: the image itself, and its SBOM and provenance. Each of the three is a version.
  versions_of_an_image = 3

  repository_uri = "${var.registry_host}/${var.project_id}/${google_artifact_registry_repository.images.repository_id}"
  cache_uri      = "${var.registry_host}/${var.project_id}/${google_artifact_registry_repository.cache.repository_id}"
}

resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84:images hold code that is public, and no data
  project                = var.project_id
  location               = var.region
  repository_id          = "turnscribe"
  description            = "Images of turnscribe's services"
  format                 = "DOCKER"
  labels                 = var.labels
  cleanup_policy_dry_run = false

  docker_config {
    immutable_tags = true
  }

  vulnerability_scanning_config {
    enablement_config = var.vulnerability_scanning ? "INHERITED" : "DISABLED"
  }

  # What is kept wins over what is deleted.
  cleanup_policies {
    id     = "keep-the-newest"
    action = "KEEP"

    most_recent_versions {
      keep_count = var.keep_releases * local.versions_of_an_image
    }
  }

  cleanup_policies {
    id     = "delete-the-old"
    action = "DELETE"

    condition {
      tag_state  = "ANY"
      older_than = "${var.keep_days * 86400}s"
    }
  }

  depends_on = [google_project_service.this]
}

# Layers that the next build takes over. Their tags move, so they are apart.
resource "google_artifact_registry_repository" "cache" {
  #checkov:skip=CKV_GCP_84:likewise
  project                = var.project_id
  location               = var.region
  repository_id          = "turnscribe-cache"
  description            = "Layers that builds of turnscribe share"
  format                 = "DOCKER"
  labels                 = var.labels
  cleanup_policy_dry_run = false

  vulnerability_scanning_config {
    enablement_config = "DISABLED"
  }

  cleanup_policies {
    id     = "delete-the-old"
    action = "DELETE"

    condition {
      tag_state  = "ANY"
      older_than = "${30 * 86400}s"
    }
  }

  depends_on = [google_project_service.this]
}
