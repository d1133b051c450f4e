terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50, < 8"
    }
  }

  # terraform init -backend-config=bucket=… says which bucket.
  backend "gcs" {
    prefix = "turnscribe/build"
  }
}

provider "google" {
  project = var.project_id
  region  = var.region
}
