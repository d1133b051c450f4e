terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50, < 8"
    }
    # For modules/observability.
    time = {
      source  = "hashicorp/time"
      version = ">= 0.12, < 1"
    }
  }

  # terraform init -backend-config=bucket=… says which bucket.
  backend "gcs" {
    prefix = "turnscribe/staging"
  }
}

provider "google" {
  project = var.project_id
  region  = var.region
}

# The number is no secret, but nobody knows it by heart.
data "google_project" "this" {
  project_id = var.project_id
}
