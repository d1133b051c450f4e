terraform {
  required_version = ">= 1.11" # modules/secrets: what is written and not kept

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
}
