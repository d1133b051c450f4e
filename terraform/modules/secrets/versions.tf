terraform {
  # Arguments that are sent and not kept came with 1.11; an older Terraform refuses the module also where no value is written.
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50, < 8"
    }
  }
}
